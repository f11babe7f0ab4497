using System.Collections.Immutable;
using Agora.Experiments;

namespace Agora.IntrinsicMetrics;

/// <summary>An intrinsic metric of a data set with an interval.</summary>
/// <param name="Value">Null where there is none; <paramref name="Missing"/> then says why.</param>
/// <param name="Low">Lower end of the interval of 95 %.</param>
/// <param name="Count">Instances behind the value.</param>
/// <param name="Left">Instances that have no value of this metric, such as a reward that is no number or a verdict that could not be read.</param>
/// <param name="Spread">How the instances' own values lie; null where they have none of their own, or only 0 and 1.</param>
public sealed record MetricEstimate(string Name, double? Value, double? Low, double? High, int Count, int Left = 0, string? Missing = null, MetricSpread? Spread = null);

/// <summary>Percentiles of a metric over instances, each a value that an instance has.</summary>
public sealed record MetricSpread(double P5, double P25, double P50, double P75, double P95)
{
    /// <param name="values">At least one, all finite.</param>
    public static MetricSpread? Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.All(value => value is 0 or 1) ? null : new MetricSpread(At(0.05), At(0.25), At(0.5), At(0.75), At(0.95));

        double At(double share) => sorted[(int)Math.Round(share * (sorted.Length - 1))];
    }
}

/// <summary>What a data set is like, without any student.</summary>
public sealed record DataSetProfile
{
    public required string Generator { get; init; }
    /// <summary>Null for a file that belongs to none.</summary>
    public required Setting? Setting { get; init; }
    public required int Instances { get; init; }
    /// <summary>Instances that were measured.</summary>
    public required int Measured { get; init; }
    public required ImmutableArray<MetricEstimate> Metrics { get; init; }
}

/// <summary>Intervals of metrics by resampling instances.</summary>
internal sealed class MetricIntervals(RandomStreams random)
{
    private const int MeanResamples = 1000, SetResamples = 200;
    private const double Tail = 0.025;

    /// <summary>The mean of instances' values with a percentile interval of the bootstrap over instances.</summary>
    /// <param name="values">One per instance; null or NaN where it has none, which is counted and in no mean.</param>
    public MetricEstimate Mean(string name, IReadOnlyCollection<double?> values)
    {
        double[] known = [.. values.Where(value => value is { } number && double.IsFinite(number)).Select(value => value!.Value)];
        var left = values.Count - known.Length;
        if (known.Length == 0)
            return new MetricEstimate(name, null, null, null, 0, left, $"none of {values.Count} instances has a value");
        var means = new double[MeanResamples];
        Parallel.For(0, MeanResamples, resample =>
        {
            var stream = random.For(name, resample);
            var sum = 0.0;
            for (var draw = 0; draw < known.Length; draw++)
                sum += known[stream.Next(known.Length)];
            means[resample] = sum / known.Length;
        });
        return Percentile(name, known.Average(), means, known.Length, left) with { Spread = MetricSpread.Of(known) };
    }

    /// <summary>A metric of pairs, from the bootstrap over instances.</summary>
    /// <param name="value">For how often each instance counts; null weights: once each.</param>
    public MetricEstimate OfPairs(string name, int instances, int left, Func<int[]?, double?> value)
    {
        if (value(null) is not { } whole)
            return new MetricEstimate(name, null, null, null, instances, left, "fewer than two instances have a direction");
        var draws = new double[SetResamples];
        Parallel.For(0, SetResamples, resample =>
        {
            var stream = random.For(name, resample);
            var weights = new int[instances];
            for (var draw = 0; draw < instances; draw++)
                weights[stream.Next(instances)]++;
            draws[resample] = value(weights) ?? whole;
        });
        return Percentile(name, whole, draws, instances, left);
    }

    /// <summary>A metric of the whole set that resampling with repetition would bias: its spread is that over random halves (the delete-half jackknife).</summary>
    /// <remarks>With d of n deleted the variance is (n − d)/d times that over subsets, which is 1 for halves; a half's own level, which depends on its size, is taken off.</remarks>
    public MetricEstimate OfSet(string name, int instances, int left, Func<int[]?, double?> value, int halves = SetResamples)
    {
        if (value(null) is not { } whole)
            return new MetricEstimate(name, null, null, null, instances, left, "there are too few instances with words or directions");
        if (instances < 8)
            return new MetricEstimate(name, whole, null, null, instances, left);
        double[] draws = [.. Enumerable.Range(0, halves).AsParallel().AsOrdered().Select(half => value(random.For(name, half).Sample(instances, instances / 2))).OfType<double>()];
        if (draws.Length < 20)
            return new MetricEstimate(name, whole, null, null, instances, left);
        var mean = draws.Average();
        return Percentile(name, whole, [.. draws.Select(draw => whole + draw - mean)], instances, left);
    }

    private static MetricEstimate Percentile(string name, double value, double[] draws, int count, int left)
    {
        Array.Sort(draws);
        var tail = (int)(Tail * (draws.Length - 1));
        return new MetricEstimate(name, value, draws[tail], draws[draws.Length - 1 - tail], count, left);
    }
}
