using System.Collections.Immutable;

namespace Agora.Runs;

/// <summary>Where the time of a run's results went: models on one side, everything else on the other.</summary>
/// <remarks>Steps run side by side, so that their seconds add up to more than the wall time. Steps that were reused count with the time they took when they were made.</remarks>
public sealed record RunTiming
{
    public required ImmutableArray<KindTiming> Kinds { get; init; }
    /// <summary>Of the run's last process: reading files, hashing them, finding what is there.</summary>
    public required double PlanningSeconds { get; init; }
    /// <summary>Of the run's last process: reading results.</summary>
    public required double GatheringSeconds { get; init; }

    public double ModelSeconds => Kinds.Sum(kind => kind.ModelSeconds);
    /// <summary>Everything but model time.</summary>
    public double OwnSeconds => Kinds.Sum(kind => kind.OwnSeconds) + PlanningSeconds + GatheringSeconds;
    /// <summary>Own time as a share of all time, from 0 to 1; 0 where no time was spent.</summary>
    public double OwnShare => OwnSeconds == 0 ? 0 : OwnSeconds / (OwnSeconds + ModelSeconds);

    public static RunTiming Of(RunFolder run, StepStore store)
    {
        var state = run.State();
        return new RunTiming
        {
            PlanningSeconds = state.PlanningSeconds,
            GatheringSeconds = state.GatheringSeconds,
            Kinds =
            [
                .. from step in run.Steps()
                   let key = new StepKey(step.Key)
                   let timing = store.TimingOf(key)
                   where timing is not null
                   group timing by key.Kind into kind
                   select new KindTiming(kind.Key, kind.Count(), kind.Sum(timing => timing.ModelSeconds), kind.Sum(timing => timing.OwnSeconds), kind.Sum(timing => timing.TrainedTokens)),
            ],
        };
    }
}

/// <param name="Kind">generate, train, answer or grade. Graders that run programs count as own time, since no model is at work.</param>
/// <param name="TrainedTokens">By the processes whose seconds are counted; 0 for what does not train.</param>
public sealed record KindTiming(string Kind, int Steps, double ModelSeconds, double OwnSeconds, long TrainedTokens);
