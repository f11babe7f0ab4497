using System.Globalization;
using Agora.Cli.Progress;
using Agora.LanguageModels;
using Agora.Runs;
using Spectre.Console;

namespace Agora.Cli.Commands;

/// <summary>What <c>--dry-run</c> prints.</summary>
internal static class PlanTable
{
    public static void Print(RunPlan plan)
    {
        var table = TerminalTable.Empty("step", "state", new("requests", true), new("tokens in", true), new("tokens out", true), new("dollars", true), "estimated by");
        foreach (var step in plan.Steps)
            table.AddRow([Markup.Escape(step.Name), State(step.State), .. Figures(step.State == StepState.Done ? StepEstimate.Nothing : step.Estimate), step.State == StepState.Done || step.Estimate.Requests == 0 ? "" : step.Basis]);
        table.AddRow([$"[bold]to do: {plan.Steps.Count(step => step.State != StepState.Done)} of {plan.Steps.Length} steps[/]", "", .. Figures(plan.Total), ""]);
        Terminal.Out.Write(table);
        // What an estimate by its own tries does not need to be told.
        if (plan.Steps.Any(step => step is { Kind: "generate", HasPilot: false } && step.State != StepState.Done))
            Terminal.Out.WriteLine("Without tries of its own (--pilot) a data set is estimated at one try per instance.");
        if (plan.Steps.Any(step => step.Basis == PlannedStep.ByStudents && step.State != StepState.Done))
            Terminal.Out.WriteLine("The students' tokenizer stands in for a model's own that is not here: the model may count otherwise, by half and more. --pilot measures it.");
        Terminal.Out.WriteLine("Dollars are those of priced models.");
    }

    /// <summary>What is to be done will cost, against the budget; null where nothing has a price.</summary>
    public static string? Expected(RunPlan plan, BudgetState budget)
    {
        var todo = plan.Steps.Where(step => step.State != StepState.Done && step.Estimate.Dollars is > 0).ToArray();
        if (todo.Length == 0)
            return null;
        var inAll = budget.Spent + plan.StillToSpend;
        var text = $"estimated: {StepMeter.Dollars(decimal.Round(todo.Sum(step => step.Estimate.Dollars!.Value), 4))} for {todo.Length} steps that are not done, by {string.Join(" and ", todo.Select(step => step.Basis).Distinct())}; {StepMeter.Dollars(budget.Spent)} spent so far, {StepMeter.Dollars(decimal.Round(inAll, 4))} in all";
        return budget.Limit is not { } limit ? text
            : inAll > limit ? $"{text}. That is more than the budget of {StepMeter.Dollars(limit)}: the run will stop when it is used up"
            : $"{text}, of a budget of {StepMeter.Dollars(limit)}";
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
