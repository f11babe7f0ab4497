using System.Collections.Immutable;

namespace Agora.Analysis;

/// <summary>Predicts a data set's PGR from others', without training a student in full.</summary>
internal sealed record Predictor
{
    public required string Name { get; init; }
    public required string How { get; init; }
    /// <summary>Metrics of the data set without which it has nothing to say; checked by <c>agora predict</c> before it is asked.</summary>
    public ImmutableArray<string> Needs { get; init; } = [];
    /// <summary>Name of the probe whose outcome it reads; null where it reads none.</summary>
    public string? Probe { get; init; }
    /// <summary>From the rows it may learn from to a function of a row; that function gives null where it has no prediction.</summary>
    public required Func<FeatureTable, int[], Func<int, PredictedPgr?>?> Learn { get; init; }

    /// <summary>All that can be tried on the table.</summary>
    public static ImmutableArray<Predictor> For(FeatureTable table)
    {
        ImmutableArray<string> profile = [.. table.Features.Where(feature => feature != FeatureTable.ProblemSolving)];
        ImmutableArray<Predictor> withoutFeatures =
        [
            new()
            {
                Name = "components",
                How = "regression on the first components, both fitted without the rows held out",
                Needs = table.Features,
                Learn = static (table, rows) => Components(table, rows, rows),
            },
            new()
            {
                Name = "components over all rows",
                How = "regression on the first components; the components saw the features of the rows held out, only the regression did not",
                Needs = table.Features,
                Learn = static (table, rows) => Components(table, [.. Enumerable.Range(0, table.Cells.Length)], rows),
            },
            new()
            {
                Name = "problem solving",
                How = "regression on the generator's mean benchmark score",
                Needs = [FeatureTable.ProblemSolving],
                Learn = static (table, rows) => table.Features.IndexOf(FeatureTable.ProblemSolving) is var feature and >= 0
                    && LinearFit.Of(["x"], [.. rows.Select(row => new[] { table.Values[row][feature] })], [.. rows.Select(row => table.Pgr[row])], 95).ResultOrDefault is { } fit
                        ? row => new PredictedPgr(fit.Predict([table.Values[row][feature]]))
                        : null,
            },
            new()
            {
                Name = "mean of all",
                How = "the mean PGR of the rows not held out",
                Learn = static (table, rows) => rows.Length == 0 ? null : Constant(rows.Average(row => table.Pgr[row])),
            },
            new()
            {
                Name = "setting mean",
                How = "the mean PGR of the other generators in the same setting; uses no feature",
                Learn = static (table, rows) => GroupMean(table, rows, cell => cell.Setting),
            },
            new()
            {
                Name = "generator mean",
                How = "the mean PGR of the same generator in other settings; uses no feature",
                Learn = static (table, rows) => GroupMean(table, rows, cell => cell.Generator),
            },
            new()
            {
                Name = "shrunken means",
                How = "effects of domain, setting and generator, each shrunken towards 0 as far as restricted maximum likelihood says; uses no feature",
                Learn = static (table, rows) => ShrunkenEffects.Learn(table, rows, _ => [], []),
            },
        ];
        if (profile.IsEmpty)
            return [.. withoutFeatures, .. Probes(table, profile)];
        return
        [
            .. withoutFeatures,
            new()
            {
                Name = "shrunken means and profile",
                How = "the same effects and a ridge regression on the intrinsic metrics, its penalty by restricted maximum likelihood too",
                Needs = profile,
                Learn = (table, rows) => ShrunkenEffects.Learn(table, rows, _ => [], profile),
            },
            .. CompatibilityAdjustedReward.Of(table.Features) is { } adjusted
                ? (IEnumerable<Predictor>)[new()
                {
                    Name = "compatibility-adjusted reward",
                    How = $"the same effects and a slope on {adjusted.Reward} / (1 + {CompatibilityAdjustedReward.Beta} · ln perplexity) (arXiv:2411.07133)",
                    Needs = adjusted.Needs,
                    Learn = (table, rows) => ShrunkenEffects.Learn(table, rows, row => [adjusted.Value(feature => table.Values[row][table.Features.IndexOf(feature)])], []),
                }]
                : [],
            .. Probes(table, profile),
        ];
    }

    private static IEnumerable<Predictor> Probes(FeatureTable table, ImmutableArray<string> profile)
    {
        foreach (var probe in table.Probes)
        {
            double Outcome(FeatureTable table, int row) => table.Cells[row].Probes.TryGetValue(probe.Name, out var value) ? value : double.NaN;
            yield return new Predictor
            {
                Name = probe.Name,
                How = $"{probe.How}; the same effects and a slope on its outcome",
                Probe = probe.Name,
                Learn = (table, rows) => ShrunkenEffects.Learn(table, rows, row => [Outcome(table, row)], []),
            };
            if (!profile.IsEmpty)
                yield return new Predictor
                {
                    Name = $"{probe.Name}, profile",
                    How = $"{probe.How}; the same effects, a slope on its outcome, and a ridge regression on the intrinsic metrics",
                    Needs = profile,
                    Probe = probe.Name,
                    Learn = (table, rows) => ShrunkenEffects.Learn(table, rows, row => [Outcome(table, row)], profile),
                };
        }
    }

    private static Func<int, PredictedPgr?> Constant(double value) => _ => new PredictedPgr(value);

    private static Func<int, PredictedPgr?>? Components(FeatureTable table, int[] seen, int[] rows)
    {
        // A feature may be constant among fewer rows; it then says nothing there.
        int[] features = [.. Enumerable.Range(0, table.Features.Length).Where(feature => !LinearFit.IsConstant(seen.Select(row => table.Values[row][feature])))];
        double[] Part(int row) => [.. features.Select(feature => table.Values[row][feature])];
        if (PrincipalComponents.Of([.. features.Select(feature => table.Features[feature])], [.. seen.Select(Part)]).ResultOrDefault is not { } components)
            return null;
        var used = Math.Min(ComponentAnalysis.PaperComponents, Math.Min(features.Length, rows.Length - 2));
        if (used < 1)
            return null;
        var fit = LinearFit.Of([.. Enumerable.Range(1, used).Select(place => $"{place}")], [.. rows.Select(row => components.Scores(Part(row), used))], [.. rows.Select(row => table.Pgr[row])], 95).ResultOrDefault;
        return fit is null ? null : row => new PredictedPgr(fit.Predict(components.Scores(Part(row), used)));
    }

    private static Func<int, PredictedPgr?>? GroupMean<TKey>(FeatureTable table, int[] rows, Func<StudyCell, TKey> key) where TKey : notnull
    {
        var means = rows.GroupBy(row => key(table.Cells[row])).ToDictionary(group => group.Key, group => group.Average(row => table.Pgr[row]));
        return row => means.TryGetValue(key(table.Cells[row]), out var mean) ? new PredictedPgr(mean) : null;
    }
}

/// <param name="Value">Expected PGR, in percent.</param>
/// <param name="Low">Lower end of the interval in which what would be measured lies; null where the predictor has none.</param>
internal readonly record struct PredictedPgr(double Value, double? Low = null, double? High = null);
