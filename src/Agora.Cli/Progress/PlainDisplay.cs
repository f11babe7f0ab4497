using Agora.Cli.Commands;
using Agora.LanguageModels;
using Agora.Runs;

namespace Agora.Cli.Progress;

/// <summary>Progress where there is no terminal: a line when a step starts and ends, and in between one per 10 % or 30 s, but not one after another.</summary>
internal sealed class PlainDisplay(TextWriter writer, TimeProvider time, Budget budget) : IRunObserver
{
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ShortestSilence = TimeSpan.FromSeconds(5);
    private readonly Lock gate = new();
    private readonly RunLedger ledger = new(time, budget);
    private readonly Dictionary<RunStep, (int Tenth, long At)> lastLine = [];
    private readonly HashSet<RunStep> awaited = [];

    public void Observe(RunEvent happening)
    {
        lock (gate)
        {
            var meter = happening is RunEvent.Finished ended ? ledger.MeterOf(ended.Step) : null;
            ledger.Enter(happening);
            switch (happening)
            {
                case RunEvent.Planned planned:
                    Say($"{ledger.Steps} steps, {planned.Plan.Steps.Count(step => step.State == StepState.Done)} done already");
                    if (PlanTable.Expected(planned.Plan, budget.State) is { } expected)
                        Say(expected);
                    break;
                case RunEvent.Started started:
                    Say($"start  {started.Step.Name}");
                    lastLine[started.Step] = (0, time.GetTimestamp());
                    break;
                case RunEvent.Progressed progressed:
                    Progress(progressed.Step);
                    break;
                case RunEvent.Finished finished:
                    Say($"done   {finished.Step.Name}{Joined(meter?.Count, StepMeter.Duration(meter?.Elapsed ?? default), Unit(meter?.TokensText, " tokens"), meter?.DollarsText)}");
                    break;
                // Those that were there from the start are counted in the first line.
                case RunEvent.Reused reused when awaited.Remove(reused.Step):
                    Say($"kept   {reused.Step.Name}");
                    break;
                case RunEvent.Waiting waiting:
                    awaited.Add(waiting.Step);
                    Say($"wait   {waiting.Step.Name}: another process makes it");
                    break;
                case RunEvent.Damaged damaged:
                    Say($"redo   {damaged.Step.Name}: its stored result is damaged: {damaged.Reason}");
                    break;
                case RunEvent.Noted noted:
                    Say($"note   {noted.Step.Name}: {noted.Text}");
                    break;
                case RunEvent.Failed failed:
                    Say($"FAILED {failed.Step.Name}: {failed.Fault.Message}");
                    break;
                case RunEvent.Blocked blocked:
                    Say($"skip   {blocked.Step.Name}: {blocked.Cause.Name} failed");
                    break;
            }
        }
    }

    private void Progress(RunStep step)
    {
        if (ledger.MeterOf(step) is not { } meter || !lastLine.TryGetValue(step, out var last))
            return;
        var tenth = (int)(10 * meter.Share);
        var silence = time.GetElapsedTime(last.At);
        if (silence < ShortestSilence || (tenth == last.Tenth && silence < LongestSilence))
            return;
        lastLine[step] = (tenth, time.GetTimestamp());
        if (meter.Share < 1)
            Say($"       {step.Name}{Joined(meter.Count, meter.RateText, Unit(meter.RemainingText, " left"), Unit(meter.TokensText, " tokens"), meter.DollarsText, ledger.Money is { Length: > 0 } money ? $"in all {money}" : null)}");
    }

    private static string? Unit(string? value, string unit) => string.IsNullOrEmpty(value) ? null : value + unit;

    private static string Joined(params ReadOnlySpan<string?> parts)
    {
        var text = "";
        foreach (var part in parts)
            if (!string.IsNullOrEmpty(part))
                text += (text.Length == 0 ? ": " : ", ") + part;
        return text;
    }

    private void Say(string line) => writer.WriteLine($"[{ledger.Done}/{ledger.Steps}] {line}");
}
