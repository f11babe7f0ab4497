using System.Collections.Immutable;
using Agora.Experiments;

namespace Agora.Recovery;

/// <summary>A PGR with what is known about its error.</summary>
public sealed record RecoveryEstimate
{
    public required string Student { get; init; }
    public required string Generator { get; init; }
    public required RecoveryScope Scope { get; init; }
    public required PerformanceGapRecovered Pgr { get; init; }
    /// <summary>In percent of the gap, like <see cref="Pgr"/>.</summary>
    public required ConfidenceInterval Interval { get; init; }
    /// <summary>Share of resamples, 0 to 1, in which the reference did not beat the base model.</summary>
    public required double UndefinedShare { get; init; }
    /// <summary>The settings averaged over; fewer than another generator's where a cell was not measured.</summary>
    public required ImmutableArray<Setting> Settings { get; init; }
    /// <summary>Benchmark items with a grade for base, reference and every training seed's student, summed over the cells.</summary>
    public required int Items { get; init; }
    /// <summary>Items left out since at least one of these could not be graded.</summary>
    public required int ExcludedItems { get; init; }
    /// <summary>Trained students per cell; the fewest where cells differ. With one, the interval covers the choice of items alone.</summary>
    public required int TrainingSeeds { get; init; }
}

/// <summary>Whether one generator teaches better than another.</summary>
public sealed record GeneratorComparison
{
    public required string Student { get; init; }
    public required string First { get; init; }
    public required string Second { get; init; }
    public required RecoveryScope Scope { get; init; }
    /// <summary>The settings that both generators have; the comparison is over these alone.</summary>
    public required ImmutableArray<Setting> Settings { get; init; }
    public required ComparisonOutcome Outcome { get; init; }
}

/// <summary>PGR of the first generator minus PGR of the second, or why there is none.</summary>
public abstract record ComparisonOutcome
{
    private ComparisonOutcome() { }

    /// <param name="Points">Difference in percentage points of the gap.</param>
    /// <param name="PValue">Two-sided, of the paired bootstrap; never below 2 / (resamples + 1).</param>
    /// <param name="AdjustedPValue">After Holm's correction over all pairs of the scope.</param>
    public sealed record Difference(double Points, ConfidenceInterval Interval, double PValue, double AdjustedPValue) : ComparisonOutcome
    {
        public bool SignificantAt(double level) => AdjustedPValue <= 1 - level / 100;
    }

    public sealed record Undecided(string Reason) : ComparisonOutcome;
}

/// <summary>Mean grade of a model on a benchmark.</summary>
public sealed record ScoreEstimate
{
    /// <summary>Name of the <see cref="StudentSpec"/>.</summary>
    public required string Student { get; init; }
    public required ScoredModel Model { get; init; }
    public required Domain Domain { get; init; }
    public required string Benchmark { get; init; }
    public required ScoreValue Score { get; init; }
    /// <summary>Answers with a grade, over all training seeds.</summary>
    public required int Graded { get; init; }
    public required ImmutableArray<UnscoredCount> Unscored { get; init; }
}

public sealed record UnscoredCount(string Reason, int Answers);

/// <summary>Whose score it is.</summary>
public abstract record ScoredModel
{
    private ScoredModel() { }

    /// <summary>Base model or reference.</summary>
    public sealed record OfAnchor(Anchor Anchor) : ScoredModel;

    /// <summary>The students of one cell, over all its training seeds.</summary>
    public sealed record OfStudent(string Generator, Setting Setting) : ScoredModel;
}

/// <summary>A score, or why there is none.</summary>
public abstract record ScoreValue
{
    private ScoreValue() { }

    /// <param name="Value">From 0 to 1.</param>
    /// <param name="Interval">In the same unit.</param>
    public sealed record Mean(double Value, ConfidenceInterval Interval) : ScoreValue;

    public sealed record None(string Reason) : ScoreValue;
}
