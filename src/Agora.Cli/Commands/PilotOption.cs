using System.CommandLine;
using System.Text.Json;
using Agora.Experiments;
using Agora.Runs;

namespace Agora.Cli.Commands;

/// <summary><c>--pilot N</c>: a few tries of every data set, kept, and what the experiment will cost by them.</summary>
internal static class PilotOption
{
    public static Option<int?> Create() =>
        new Option<int?>("--pilot") { Description = "Ask for this many tries of each data set, print what the experiment will cost by them, and end. They are kept: a run does not pay for them again.", HelpName = "tries" }.Within(1);

    /// <summary>A dry run asks nobody.</summary>
    public static void RefuseWith(Command command, Option<int?> pilot, Option<bool> dryRun) => command.Validators.Add(result =>
    {
        if (result.GetResult(pilot) is not null && result.GetValue(dryRun))
            result.AddError("--pilot asks the models and --dry-run asks nobody: give one of them");
    });

    public static async Task<int> RunAsync(Pipeline pipeline, Experiment experiment, int tries, bool dataOnly, bool json, CancellationToken cancellationToken)
    {
        var outcome = await pipeline.PilotAsync(experiment, tries, dataOnly, cancellationToken);
        if (json)
            Console.WriteLine(JsonSerializer.Serialize(outcome, CanonicalJson.Indented));
        else
            PlanTable.Print(outcome.Plan);
        if (PlanTable.Expected(outcome.Plan, outcome.Budget) is { } expected)
            Console.Error.WriteLine(expected);
        if (!outcome.Bill.Lines.IsEmpty)
            Console.Error.WriteLine($"bill: {BillTable.Total(outcome.Bill)}");
        return ExitCodes.Done;
    }
}
