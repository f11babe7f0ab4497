using Agora.Cli.Progress;
using Agora.LanguageModels;
using Agora.Runs;

namespace Agora.Cli.Tests;

/// <summary>What a display says of dollars while a run goes on.</summary>
public sealed class SpendingDisplayTests
{
    private readonly Budget budget = new();

    [Fact]
    public void Spent_is_the_budgets_projected_adds_what_steps_will_still_cost_and_left_is_up_to_the_limit()
    {
        budget.Begin(limitDollars: 20, spentDollars: 1);
        var (begun, waiting) = (new Priced("begun"), new Priced("waiting"));
        var ledger = new RunLedger(TimeProvider.System, budget);
        ledger.Enter(new RunEvent.Planned(new RunPlan { Steps = [Planned(begun, 4), Planned(waiting, 6)] }));
        Assert.Equal("$1.00 spent, $11.00 projected, $19.00 of $20.00 left", ledger.Money);
        // A quarter is done and cost two dollars: six more, whatever was estimated.
        ledger.Enter(new RunEvent.Started(begun));
        ledger.Enter(new RunEvent.Progressed(begun, new StepProgress(25, 100, 1000, 2m)));
        Assert.Equal("$1.00 spent, $13.00 projected, $19.00 of $20.00 left", ledger.Money);
        ledger.Enter(new RunEvent.Finished(begun, null));
        Assert.Equal("$1.00 spent, $7.00 projected, $19.00 of $20.00 left", ledger.Money);
        ledger.Enter(new RunEvent.Blocked(waiting, begun));
        Assert.Equal("$1.00 spent, $1.00 projected, $19.00 of $20.00 left", ledger.Money);
    }

    [Fact]
    public void Where_nothing_has_a_price_nothing_is_said() => Assert.Equal("", new RunLedger(TimeProvider.System, budget).Money);

    private static PlannedStep Planned(RunStep step, decimal dollars) => new(step.Name, "generate", step.Key, StepState.ToDo, new StepEstimate(1, 1, 1, dollars), "length of texts");

    private sealed class Priced(string name) : RunStep(name, new StepIdentity("priced", "1", new System.Text.Json.Nodes.JsonObject { ["name"] = name }, []), [])
    {
        public override StepEstimate Estimate() => StepEstimate.Nothing;

        public override Task RunAsync(StepWorkspace workspace, StepContext context, CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
