using Agora.LanguageModels;
using Agora.Runs;

namespace Agora.Cli.Progress;

/// <summary>The state of a run as its events tell it; what both displays show.</summary>
/// <param name="budget">What the run spends.</param>
internal sealed class RunLedger(TimeProvider time, Budget budget)
{
    // Enough to tell what the rest of a step will cost from what it has cost so far.
    private const double ShareToJudgeBy = 0.02;

    private readonly Dictionary<RunStep, StepMeter> active = [];
    private readonly Dictionary<StepKey, decimal> estimates = [];       // of what steps will cost from the start of this process on
    private readonly long started = time.GetTimestamp();

    public int Steps { get; private set; }
    public int Done { get; private set; }
    public int Reused { get; private set; }
    public int Failed { get; private set; }
    /// <summary>Of the steps that ended in this process.</summary>
    public long Tokens { get; private set; }
    public IReadOnlyCollection<StepMeter> Active => active.Values;

    /// <summary><c>$0.12 spent, $1.30 projected, $18.70 left</c>; nothing where nothing has a price.</summary>
    public string Money
    {
        get
        {
            var state = budget.State;
            var projected = state.Spent + Active.Sum(Rest) + estimates.Where(step => active.Keys.All(running => running.Key != step.Key)).Sum(step => step.Value);
            if (projected == 0 && state.Limit is null)
                return "";
            return $"{StepMeter.Dollars(state.Spent)} spent, {StepMeter.Dollars(decimal.Round(projected, 2))} projected"
                + (state.Limit is { } limit ? $", {StepMeter.Dollars(decimal.Round(Math.Max(0, limit - state.Spent), 2))} of {StepMeter.Dollars(limit)} left" : "");
        }
    }

    // By what the step itself has cost where that says something, else by what was estimated.
    private decimal Rest(StepMeter meter)
    {
        var rest = 1 - (decimal)Math.Clamp(meter.Share, 0, 1);
        return meter.Share >= ShareToJudgeBy && meter.Now.Dollars is > 0 and var dollars ? dollars / (decimal)meter.Share * rest : rest * estimates.GetValueOrDefault(meter.Key);
    }

    public TimeSpan Elapsed => time.GetElapsedTime(started);

    public StepMeter? MeterOf(RunStep step) => active.GetValueOrDefault(step);

    public void Enter(RunEvent happening)
    {
        switch (happening)
        {
            case RunEvent.Planned planned:
                Steps = planned.Plan.Steps.Length;
                estimates.Clear();
                foreach (var step in planned.Plan.Steps.Where(step => step.StillToSpend > 0))
                    estimates[step.Key] = step.StillToSpend;
                break;
            case RunEvent.Started started:
                active[started.Step] = new StepMeter(started.Step.Name, started.Step.Key, time);
                break;
            case RunEvent.Progressed progressed:
                MeterOf(progressed.Step)?.Tell(progressed.Progress);
                break;
            case RunEvent.Finished finished:
                Close(finished.Step);
                Done++;
                break;
            case RunEvent.Reused reused:
                Close(reused.Step);
                Done++;
                Reused++;
                break;
            case RunEvent.Failed failed:
                Close(failed.Step);
                Failed++;
                break;
            case RunEvent.Blocked blocked:
                estimates.Remove(blocked.Step.Key);
                Failed++;
                break;
        }
    }

    private void Close(RunStep step)
    {
        estimates.Remove(step.Key);
        if (!active.Remove(step, out var meter))
            return;
        Tokens += meter.Now.Tokens;
    }
}
