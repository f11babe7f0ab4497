using System.CommandLine;
using System.Text.Json;
using Agora.Analysis;
using Agora.Experiments;
using Agora.Reports;
using Agora.Runs;

namespace Agora.Cli.Commands;

/// <summary><c>agora recommend</c>: what to buy for a budget.</summary>
internal static class RecommendCommand
{
    public static Command Create()
    {
        var runs = RunsOption.Create();
        var ids = new Argument<string[]>("run") { Description = "Finished runs of one experiment; several sizes of data set give a curve.", Arity = ArgumentArity.OneOrMore };
        var budget = new Option<double>("--budget") { Description = "US dollars for one data set and its training.", HelpName = "dollars", Required = true };
        var gpu = new Option<double>("--gpu-price") { Description = "US dollars for an hour of training.", HelpName = "dollars" };
        var hours = new Option<double>("--train-hours") { Description = "Hours that training on 10,000 instances takes.", HelpName = "hours" };
        var json = new Option<bool>("--json") { Description = "Print one JSON document instead of tables." };
        var command = new Command("recommend", "What to buy for a budget: generator, format, number of instances, expected PGR, and the runner-up.") { ids, budget, gpu, hours, json, runs };
        command.SetAction(parsed =>
        {
            var (price, time) = (parsed.GetValue(gpu), parsed.GetValue(hours));
            if (price < 0 || time < 0 || price > 0 != time > 0)
                throw new AgoraException("training is paid for by its price and its time together", "--gpu-price, --train-hours", "give both, above 0, or neither") { ExitCode = ExitCodes.Usage };
            var archive = parsed.Archive(runs);
            var study = RunStudy.Of([.. parsed.GetRequiredValue(ids).Select(archive.Find)]);
            var advice = BudgetAdvice.Of(study.Supply, parsed.GetValue(budget), price * time / 10_000, new RandomStreams(42));
            foreach (var remark in study.Remarks)
                Console.Error.WriteLine($"note: {remark}");
            if (parsed.GetValue(json))
                Console.WriteLine(JsonSerializer.Serialize(advice, CanonicalJson.Indented));
            else
                foreach (var table in BudgetTables.Of(advice, parsed.GetValue(budget), price > 0))
                    TerminalTable.Print(table);
            return advice.Any(domain => !domain.Options.IsEmpty)
                ? ExitCodes.Done
                : throw new AgoraException("nothing can be recommended", string.Join(", ", parsed.GetRequiredValue(ids)), "give the models of the experiment a price, or raise the budget; the notes above say what is missing where") { ExitCode = ExitCodes.Usage };
        });
        return command;
    }
}
