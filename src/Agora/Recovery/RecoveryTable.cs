using System.Collections.Immutable;
using Agora.Experiments;

namespace Agora.Recovery;

/// <summary>All PGRs of a run with intervals, the scores behind them, and which generators differ.</summary>
public sealed record RecoveryTable
{
    /// <summary>Every student × generator × scope, in the order of the grades; benchmarks first, overall last.</summary>
    public required ImmutableArray<RecoveryEstimate> Estimates { get; init; }
    /// <summary>Every pair of generators, per setting and overall.</summary>
    public required ImmutableArray<GeneratorComparison> Comparisons { get; init; }
    public required ImmutableArray<ScoreEstimate> Scores { get; init; }
    public required ConfidenceSpec Confidence { get; init; }

    public RecoveryEstimate? Find(string student, string generator, RecoveryScope scope) =>
        Estimates.FirstOrDefault(estimate => estimate.Student == student && estimate.Generator == generator && estimate.Scope == scope);

    /// <summary>Estimates, intervals and comparisons of a run.</summary>
    /// <remarks>
    /// docs/statistics.md describes the method. The same grades, seed and confidence give the same table to the last bit, on any number
    /// of threads. What a failed step left out makes the values that need it undefined, with the reason.
    /// </remarks>
    public static RecoveryTable Compute(RecoveryGrades grades, ConfidenceSpec confidence, RandomStreams random) =>
        new RecoveryComputation(grades, confidence, random).Run();
}
