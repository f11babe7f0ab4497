using System.Collections.Immutable;
using Agora.Benchmarks;

namespace Agora.Recovery;

/// <summary>A benchmark's score as an estimate: with a standard error that knows which answers belong together, and what could not be graded.</summary>
public sealed record ClusteredScore
{
    /// <summary>Mean over items of the item's mean grade, from 0 to 1.</summary>
    public required double Mean { get; init; }
    /// <summary>Of the mean, over items drawn at random, answers to one item taken together; null with fewer than two items.</summary>
    public required double? StandardError { get; init; }
    public required ConfidenceInterval Interval { get; init; }
    /// <summary>How the interval was made, for the reader.</summary>
    public required string IntervalMethod { get; init; }
    /// <summary>Whether too few items are right, or wrong, for intervals that rest on the spread of the items.</summary>
    public bool IsNearAnEnd => IsNear(Mean, Items);
    /// <summary>Items with at least one graded answer.</summary>
    public required int Items { get; init; }
    public required int Graded { get; init; }

    /// <summary>Fewer successes or failures than this, and the normal approximation says too little.</summary>
    private const double EnoughOfBoth = 10;

    /// <remarks>
    /// The standard error is clustered by item (Miller, arXiv:2411.00640, section 2.2): with m answers an item the answers of one item vary together, and the plain
    /// one would be up to √m too small. With one answer an item both are the same, s/√n. The mean weighs items equally, as pass@1 does.
    /// </remarks>
    /// <param name="grades">Several of one item are its samples.</param>
    /// <param name="level">Of the interval, in percent.</param>
    /// <returns>Null where nothing could be graded.</returns>
    public static ClusteredScore? Of(IEnumerable<GradedAnswer> grades, double level)
    {
        var byItem = ItemMeans(grades);
        return byItem.Count == 0 ? null : Of([.. byItem.Values], level);
    }

    /// <param name="items">Of each item: its mean, and how many answers it was taken over.</param>
    internal static ClusteredScore Of(IReadOnlyList<(double Mean, int Answers)> items, double level)
    {
        var mean = items.Average(item => item.Mean);
        double? error = items.Count < 2 ? null : Math.Sqrt(items.Sum(item => Square(item.Mean - mean)) / (items.Count - 1) / items.Count);
        var (interval, method) = IntervalOf(items, mean, error, level);
        return new ClusteredScore
        {
            Mean = mean,
            StandardError = error,
            Interval = interval,
            IntervalMethod = method,
            Items = items.Count,
            Graded = items.Sum(item => item.Answers),
        };
    }

    /// <summary>Each item's mean over the answers that could be graded, in the order in which the items come.</summary>
    internal static OrderedDictionary<string, (double Mean, int Answers)> ItemMeans(IEnumerable<GradedAnswer> grades)
    {
        var means = new OrderedDictionary<string, (double Mean, int Answers)>(StringComparer.Ordinal);
        foreach (var grade in grades)
        {
            if (grade.Grade is not Grade.Scored(var value))
                continue;
            var (mean, answers) = means.GetValueOrDefault(grade.ItemId);
            means[grade.ItemId] = (mean + (value - mean) / (answers + 1), answers + 1);
        }
        return means;
    }

    private static (ConfidenceInterval, string) IntervalOf(IReadOnlyList<(double Mean, int Answers)> items, double mean, double? error, double level)
    {
        var isNearAnEnd = IsNear(mean, items.Count);
        if (isNearAnEnd && items.All(item => item.Mean is 0 or 1))
            return (ProportionInterval.Exact(items.Count(item => item.Mean == 1), items.Count, level), "exact (Clopper-Pearson)");
        if (error is not { } standardError)
            return (new ConfidenceInterval.Unbounded("one item alone does not say how much items differ"), "none");
        if (isNearAnEnd)
        {
            var independent = standardError == 0 ? items.Count : Math.Max(items.Count, mean * (1 - mean) / Square(standardError));
            return (ProportionInterval.Wilson(mean, independent, level), "Wilson");
        }
        var z = NormalDistribution.Quantile(0.5 + level / 200);
        return (new ConfidenceInterval.Bounds(Math.Max(0, mean - z * standardError), Math.Min(1, mean + z * standardError)), "normal, clustered by item");
    }

    private static bool IsNear(double mean, int items) => Math.Min(mean * items, items - mean * items) < EnoughOfBoth;

    private static double Square(double x) => x * x;
}
