using System.Collections.Immutable;
using Agora.Experiments;

namespace Agora.Analysis;

/// <summary>Dollars against PGR: which purchases no other beats in both.</summary>
public sealed record ParetoFrontier
{
    /// <summary>Null: over all settings of a run; settings of different domains are recovered on different benchmarks and are not laid side by side otherwise.</summary>
    public required Domain? Domain { get; init; }
    /// <summary>Cheapest first.</summary>
    public required ImmutableArray<ParetoPoint> Points { get; init; }
    /// <summary>What has no place, and why.</summary>
    public required ImmutableArray<string> Left { get; init; }

    /// <summary>One over all settings, where a run has several, and one a domain.</summary>
    public static Computed<ImmutableArray<ParetoFrontier>> All(IReadOnlyList<Purchase> purchases, TrainingPrice training)
    {
        var frontiers = purchases.GroupBy(purchase => purchase.Setting?.Domain).OrderBy(group => group.Key is null ? -1 : (int)group.Key).Select(group => Of(group.Key, [.. group], training)).ToImmutableArray();
        return frontiers.Any(frontier => !frontier.Points.IsEmpty)
            ? frontiers
            : new Computed<ImmutableArray<ParetoFrontier>>.NotComputable(frontiers.SelectMany(frontier => frontier.Left).FirstOrDefault() is { } why ? $"no data set has both a PGR and a price: {why}" : "no data set has a PGR");
    }

    private static ParetoFrontier Of(Domain? domain, Purchase[] purchases, TrainingPrice training)
    {
        var left = new List<string>();
        var priced = new List<(Purchase Purchase, double Training, double Dollars)>();
        foreach (var purchase in purchases)
        {
            var trained = training.Of(purchase.Instances, purchase.TrainingHours);
            if (purchase.GenerationDollars is { } generation && trained is { } paid)
                priced.Add((purchase, paid, generation + paid));
            else
                left.Add($"{purchase.Generator}, {purchase.Setting?.ToString() ?? "all settings"} ({purchase.MetaPrompt}): {(purchase.GenerationDollars is null ? "its price is not known" : "how long its training took is not known")}");
        }
        return new ParetoFrontier
        {
            Domain = domain,
            Points =
            [
                .. priced.OrderBy(entry => entry.Dollars).ThenByDescending(entry => entry.Purchase.Pgr).Select(entry =>
                {
                    var better = priced.Where(other => other.Dollars <= entry.Dollars && other.Purchase.Pgr >= entry.Purchase.Pgr && (other.Dollars < entry.Dollars || other.Purchase.Pgr > entry.Purchase.Pgr))
                        .OrderByDescending(other => other.Purchase.Pgr).ThenBy(other => other.Dollars).Select(other => other.Purchase).FirstOrDefault();
                    return new ParetoPoint(entry.Purchase, entry.Training, entry.Dollars, better,
                        better is null ? null : better is { Low: { } low } && entry.Purchase is { High: { } high } ? low > high : null);
                }),
            ],
            Left = [.. left],
        };
    }
}

/// <param name="TrainingDollars">0 where training is not counted.</param>
/// <param name="Dollars">For all of it.</param>
/// <param name="BetterOne">A purchase that costs no more and recovers at least as much; null on the frontier.</param>
/// <param name="IsCertain">Whether that one's interval lies above this one's; null where one of them has none.</param>
public sealed record ParetoPoint(Purchase Purchase, double TrainingDollars, double Dollars, Purchase? BetterOne, bool? IsCertain);
