using Agora.Runs;

namespace Agora.Cli.Progress;

/// <summary>The state of a run as its events tell it; what both displays show.</summary>
internal sealed class RunLedger(TimeProvider time)
{
    private readonly Dictionary<RunStep, StepMeter> active = [];
    private readonly long started = time.GetTimestamp();

    public int Steps { get; private set; }
    public int Done { get; private set; }
    public int Reused { get; private set; }
    public int Failed { get; private set; }
    /// <summary>Of the steps that ended in this process.</summary>
    public long Tokens { get; private set; }
    public decimal Dollars { get; private set; }
    public IReadOnlyCollection<StepMeter> Active => active.Values;
    public TimeSpan Elapsed => time.GetElapsedTime(started);

    public StepMeter? MeterOf(RunStep step) => active.GetValueOrDefault(step);

    public void Enter(RunEvent happening)
    {
        switch (happening)
        {
            case RunEvent.Planned planned:
                Steps = planned.Plan.Steps.Length;
                break;
            case RunEvent.Started started:
                active[started.Step] = new StepMeter(started.Step.Name, time);
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
            case RunEvent.Blocked:
                Failed++;
                break;
        }
    }

    private void Close(RunStep step)
    {
        if (!active.Remove(step, out var meter))
            return;
        Tokens += meter.Now.Tokens;
        Dollars += meter.Now.Dollars ?? 0;
    }
}
