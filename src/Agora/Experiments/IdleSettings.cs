using System.Collections.Immutable;

namespace Agora.Experiments;

/// <summary>Settings of a valid experiment that nothing reads: no fault, but seldom what was meant.</summary>
public static class IdleSettings
{
    /// <returns>A sentence each; empty where every setting has an effect.</returns>
    public static ImmutableArray<string> Of(Experiment experiment)
    {
        var idle = ImmutableArray.CreateBuilder<string>();
        if (experiment.Generation.BestOf is not null && !experiment.Settings.Any(setting => setting.Method == GenerationMethod.BestOfN))
            idle.Add($"generation.bestOf has no effect: no setting has the method {GenerationMethod.BestOfN.Name()}");
        if (experiment.Metrics is { JudgeFormat: not JudgeAsking.Chat, Judges: [] })
            idle.Add("metrics.judgeFormat has no effect: metrics.judges names nobody");
        return idle.ToImmutable();
    }
}
