using System.Collections.Immutable;

namespace Agora.IntrinsicMetrics;

/// <summary>Collects metrics, and what instances have of them one by one.</summary>
internal sealed class MetricColumns(MetricIntervals intervals, int instances)
{
    private readonly List<(string Name, double?[] Values, Func<int, string?>? Why)> columns = [];
    private readonly ImmutableArray<MetricEstimate>.Builder estimates = ImmutableArray.CreateBuilder<MetricEstimate>();

    public ImmutableArray<MetricEstimate> Estimates => estimates.ToImmutable();

    /// <summary>A metric that is the mean of what instances have.</summary>
    /// <param name="own">One per instance; null where it has none.</param>
    /// <param name="why">Says why an instance has none.</param>
    public void Add(string name, double?[] own, Func<int, string?>? why = null)
    {
        Keep(name, own, why);
        var estimate = intervals.Mean(name, own);
        // The commonest reason, where none has a value: a judge that never keeps to its form is told from one that refuses.
        var reason = estimate.Value is not null ? null
            : why is not null && Enumerable.Range(0, own.Length).Select(why).OfType<string>().CountBy(text => text).OrderByDescending(entry => entry.Value).Select(entry => entry.Key).FirstOrDefault() is { } given ? given
            : own.Any(value => value is { } number && !double.IsFinite(number)) ? "what was measured is no number (NaN or infinite)" : null;
        estimates.Add(reason is null ? estimate : estimate with { Missing = $"{estimate.Missing}: {reason}" });
    }

    /// <summary>A metric of the whole set.</summary>
    public void Add(MetricEstimate estimate) => estimates.Add(estimate);

    /// <summary>What instances have, without a metric of it.</summary>
    public void Keep(string name, double?[] own, Func<int, string?>? why = null)
    {
        if (own.Length != instances)
            throw new ArgumentException($"{own.Length} values of {instances} instances", nameof(own));
        columns.Add((name, own, why));
    }

    /// <param name="places">Of the measured instances in their data set.</param>
    public ImmutableArray<InstanceValues> Rows(int[] places) =>
    [
        .. places.Select((place, row) => new InstanceValues(place,
            [.. columns.Select(column => new InstanceValue(column.Name, column.Values[row] is { } value && double.IsFinite(value) ? value : null, column.Values[row] is null ? column.Why?.Invoke(row) : null))])),
    ];
}
