namespace Agora.Runs;

/// <summary>Told what happens in a run, as it happens.</summary>
public interface IRunObserver
{
    /// <summary>Called from any thread; must be quick and not throw.</summary>
    void Observe(RunEvent happening);
}

/// <summary>Something that happened in a run.</summary>
public abstract record RunEvent
{
    private RunEvent() { }

    /// <summary>The steps are known, and which of them are done already.</summary>
    public sealed record Planned(RunPlan Plan) : RunEvent;
    public sealed record Started(RunStep Step) : RunEvent;
    public sealed record Progressed(RunStep Step, StepProgress Progress) : RunEvent;
    public sealed record Finished(RunStep Step, StepTiming? Timing) : RunEvent;
    /// <summary>The result was there already, or another process made it.</summary>
    public sealed record Reused(RunStep Step) : RunEvent;
    /// <summary>Another process makes this result.</summary>
    public sealed record Waiting(RunStep Step) : RunEvent;
    /// <summary>A stored result is damaged and is made anew.</summary>
    public sealed record Damaged(RunStep Step, string Reason) : RunEvent;
    /// <summary>The step says something that the user might wonder about.</summary>
    public sealed record Noted(RunStep Step, string Text) : RunEvent;
    public sealed record Failed(RunStep Step, Exception Fault) : RunEvent;
    /// <summary>The step cannot be done because <paramref name="Cause"/> failed.</summary>
    public sealed record Blocked(RunStep Step, RunStep Cause) : RunEvent;
}
