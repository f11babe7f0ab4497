using System.Collections.Immutable;
using Agora.Benchmarks;
using Agora.Experiments;

namespace Agora.Recovery;

/// <summary>Two students on the same items of one benchmark.</summary>
public sealed record StudentComparison
{
    /// <summary>First minus second, from −1 to 1: mean over the items that both have a grade for.</summary>
    public required double Difference { get; init; }
    /// <summary>Of the difference, paired by item; null with fewer than two items.</summary>
    public required double? StandardError { get; init; }
    /// <summary>Percentile interval of the paired bootstrap over items.</summary>
    public required ConfidenceInterval Interval { get; init; }
    /// <summary>Two-sided, of the paired bootstrap.</summary>
    public required double BootstrapP { get; init; }
    /// <summary>Two-sided and exact; null where grades are not all right or wrong, or items have several samples.</summary>
    public required double? McNemarP { get; init; }
    /// <summary>The p-value that claims rest on (McNemar's where there is one), corrected for the number of comparisons made together.</summary>
    public required double AdjustedP { get; init; }
    public required int Items { get; init; }
    /// <summary>Items on which the first student did better, and on which the second did.</summary>
    public required int FirstBetter { get; init; }
    public required int SecondBetter { get; init; }
    /// <summary>Items that only one of the two has a grade for, which are left out.</summary>
    public required int Unpaired { get; init; }
    /// <summary>What this many items with differences as spread as these could have told with 80 % power.</summary>
    public required double Detectable { get; init; }

    /// <exception cref="AgoraException">No item has a grade on both sides.</exception>
    public static StudentComparison Of(IEnumerable<GradedAnswer> first, IEnumerable<GradedAnswer> second, ConfidenceSpec confidence, RandomStreams random)
    {
        var (one, other) = (ClusteredScore.ItemMeans(first), ClusteredScore.ItemMeans(second));
        // Sorted, so that the order of the files changes nothing.
        string[] shared = [.. one.Keys.Where(other.ContainsKey).Order(StringComparer.Ordinal)];
        if (shared.Length == 0)
            throw new AgoraException("the two have no graded item in common", "the comparison", "compare scores of the same benchmark file") { ExitCode = 2 };
        double[] differences = [.. shared.Select(item => one[item].Mean - other[item].Mean)];
        var mean = differences.Average();
        var variance = differences.Length < 2 ? (double?)null : differences.Sum(difference => (difference - mean) * (difference - mean)) / (differences.Length - 1);
        var (interval, bootstrapP) = Bootstrap(differences, confidence, random);
        var isRightOrWrong = shared.All(item => one[item] is (0 or 1, 1) && other[item] is (0 or 1, 1));
        var (better, worse) = (differences.Count(difference => difference > 0), differences.Count(difference => difference < 0));
        double? mcNemar = isRightOrWrong ? McNemarTest.PValue(better, worse) : null;
        return new StudentComparison
        {
            Difference = mean,
            StandardError = variance is { } spread ? Math.Sqrt(spread / differences.Length) : null,
            Interval = interval,
            BootstrapP = bootstrapP,
            McNemarP = mcNemar,
            AdjustedP = mcNemar ?? bootstrapP,
            Items = shared.Length,
            FirstBetter = better,
            SecondBetter = worse,
            Unpaired = one.Count + other.Count - 2 * shared.Length,
            Detectable = DetectableDifference.OfVariance(shared.Length, variance ?? 0.5, confidence.Level),
        };
    }

    /// <summary>The same comparisons with p-values corrected for their number, by Holm's procedure.</summary>
    public static ImmutableArray<StudentComparison> Corrected(IReadOnlyList<StudentComparison> family)
    {
        var adjusted = HolmCorrection.Adjust([.. family.Select(comparison => comparison.McNemarP ?? comparison.BootstrapP)]);
        return [.. family.Zip(adjusted, (comparison, p) => comparison with { AdjustedP = p })];
    }

    // The same inversion of the percentile interval as for PGR: one more resample on each side, so that certainty is never claimed.
    private static (ConfidenceInterval Interval, double P) Bootstrap(double[] differences, ConfidenceSpec confidence, RandomStreams random)
    {
        var sums = PairedBootstrap.Sums([differences], differences.Length, confidence.Resamples, chunk => random.For("comparison of students", chunk))[0];
        var means = sums.Select(sum => sum / differences.Length).ToArray();
        var p = Math.Min(1, 2.0 * (1 + Math.Min(means.Count(mean => mean <= 0), means.Count(mean => mean >= 0))) / (means.Length + 1));
        return (ConfidenceInterval.Percentile(means, undefined: 0, confidence.Level, ConfidenceInterval.NoGap), p);
    }
}
