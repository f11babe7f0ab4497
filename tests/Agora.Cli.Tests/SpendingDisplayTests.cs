using Agora.Cli.Commands;
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

    // Four were estimated for the whole step, and an earlier process spent three of them.
    [Fact]
    public void What_an_interrupted_step_has_spent_is_counted_once()
    {
        budget.Begin(limitDollars: 20, spentDollars: 3);
        var step = new Priced("interrupted");
        var ledger = new RunLedger(TimeProvider.System, budget);
        var plan = new RunPlan { Steps = [Planned(step, 4) with { State = StepState.Interrupted, SpentDollars = 3 }] };
        ledger.Enter(new RunEvent.Planned(plan));
        Assert.Equal("$3.00 spent, $4.00 projected, $17.00 of $20.00 left", ledger.Money);
        ledger.Enter(new RunEvent.Started(step));
        Assert.Equal("$3.00 spent, $4.00 projected, $17.00 of $20.00 left", ledger.Money);
        // More than was estimated does not make the others cheaper.
        ledger.Enter(new RunEvent.Planned(plan with { Steps = [plan.Steps[0] with { SpentDollars = 5 }, Planned(new Priced("waiting"), 6)] }));
        Assert.Equal("$3.00 spent, $9.00 projected, $17.00 of $20.00 left", ledger.Money);
    }

    [Fact]
    public void The_budget_is_held_against_what_was_spent_and_what_is_still_to_be()
    {
        var (done, interrupted, waiting) = (new Priced("done"), new Priced("interrupted"), new Priced("waiting"));
        var plan = new RunPlan { Steps = [Planned(done, 7) with { State = StepState.Done }, Planned(interrupted, 4) with { State = StepState.Interrupted, SpentDollars = 3 }, Planned(waiting, 6)] };
        // Seven by the first and three by the second, one and six to come.
        Assert.Contains("$17.00 in all", PlanTable.Expected(plan, new BudgetState(10, 0, 17)), StringComparison.Ordinal);
        Assert.DoesNotContain("more than the budget", PlanTable.Expected(plan, new BudgetState(10, 0, 17)), StringComparison.Ordinal);
        Assert.Contains("more than the budget of $16.99", PlanTable.Expected(plan, new BudgetState(10, 0, 16.99m)), StringComparison.Ordinal);
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
