using System.Globalization;
using Agora.Cli.Progress;
using Agora.Runs;
using Spectre.Console;

namespace Agora.Cli.Commands;

/// <summary>What <c>--dry-run</c> prints.</summary>
internal static class PlanTable
{
    public static void Print(RunPlan plan)
    {
        var table = new Table().Border(TableBorder.Simple);
        table.AddColumn("step");
        table.AddColumn("state");
        foreach (var title in (string[])["requests", "tokens in", "tokens out", "dollars"])
            table.AddColumn(new TableColumn(title).RightAligned());
        foreach (var step in plan.Steps)
            table.AddRow([Markup.Escape(step.Name), State(step.State), .. Figures(step.Estimate)]);
        table.AddRow([$"[bold]to do: {plan.Steps.Count(step => step.State != StepState.Done)} of {plan.Steps.Length} steps[/]", "", .. Figures(plan.Total)]);
        Terminal.Out.Write(table);
        Terminal.Out.WriteLine("Tokens are estimated at four characters each and one try per instance; dollars are those of priced models.");
    }

    private static string State(StepState state) => state switch { StepState.Done => "[green]done[/]", StepState.Interrupted => "[yellow]interrupted[/]", _ => "to do" };

    private static string[] Figures(StepEstimate estimate) =>
    [
        estimate.Requests == 0 ? "" : estimate.Requests.ToString("N0", CultureInfo.InvariantCulture),
        estimate.InputTokens == 0 ? "" : StepMeter.Tokens(estimate.InputTokens),
        estimate.OutputTokens == 0 ? "" : StepMeter.Tokens(estimate.OutputTokens),
        estimate.Dollars switch { null => "no price", 0 => "", { } dollars => StepMeter.Dollars(dollars) },
    ];
}
