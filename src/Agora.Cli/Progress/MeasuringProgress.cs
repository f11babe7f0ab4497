using Agora.Runs;

namespace Agora.Cli.Progress;

/// <summary>One line for each data set and metric that is measured; those that are found are not told.</summary>
internal sealed class MeasuringProgress(TextWriter writer) : IRunObserver
{
    public void Observe(RunEvent happening)
    {
        if (happening is RunEvent.Started { Step: MeasureStep } started)
            writer.WriteLine(started.Step.Name);
    }
}
