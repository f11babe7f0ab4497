using System.CommandLine;
using Agora.Analysis;
using Agora.Experiments;

namespace Agora.Cli.Commands;

/// <summary>What training costs, for the commands that compare dollars with PGR.</summary>
internal static class TrainingPriceOptions
{
    public static (Option<double> Price, Option<double> Hours) Create() => (
        new("--gpu-price") { Description = "US dollars for an hour of training; where absent as the experiment's budget says, and not counted where it says nothing.", HelpName = "dollars" },
        new("--train-hours") { Description = "Hours that training on 10,000 instances takes; where absent as long as it took in the runs.", HelpName = "hours" });

    /// <returns>Null where no price is given.</returns>
    public static TrainingPrice? Of(ParseResult parsed, Option<double> price, Option<double> hours)
    {
        var (dollars, time) = (parsed.GetValue(price), parsed.GetValue(hours));
        if (!double.IsFinite(dollars) || !double.IsFinite(time) || dollars < 0 || time < 0 || dollars == 0 && time > 0)
            throw new AgoraException("training is paid for by the hour, at a price above 0", "--gpu-price, --train-hours", "give --gpu-price, and --train-hours with it or not, both above 0") { ExitCode = ExitCodes.Usage };
        return dollars > 0 ? new TrainingPrice(dollars, time > 0 ? time / 10_000 : null) : null;
    }
}
