using System.Collections.Immutable;
using Agora.Experiments;

namespace Agora.IntrinsicMetrics;

/// <summary>An intrinsic metric of a data set with an interval.</summary>
/// <param name="Value">Null where there is none; <paramref name="Missing"/> then says why.</param>
/// <param name="Low">Lower end of the interval of 95 %; null where there is none.</param>
/// <param name="Count">Instances behind the value.</param>
/// <param name="Left">Instances that have no value of this metric, such as a reward that is no number or a verdict that could not be read.</param>
/// <param name="Missing">Why there is no value, or no interval.</param>
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
