using System.Collections.Immutable;
using System.Globalization;
using Agora.Experiments;

namespace Agora.Analysis.Published;

/// <summary>A figure of a published table that does not follow from other printed figures, or looks out of place.</summary>
/// <param name="Where">File and line, or rows.</param>
/// <param name="Stated">As printed; null where the slip is no single figure.</param>
/// <param name="Computed">From the printed cells; null likewise.</param>
public sealed record TableSlip(string Where, string What, double? Stated, double? Computed, string LikelyCause)
{
    public double? Difference => Computed - Stated;

    /// <summary>Every slip that is found; none is corrected.</summary>
    public static ImmutableArray<TableSlip> Find(PublishedTables tables) =>
        [.. Averages(tables), .. Restated(tables), .. Contributions(tables), .. SeedData(tables), .. OutOfRange(tables), .. ExchangedRows.Find(tables.Study)];

    private static IEnumerable<TableSlip> Averages(PublishedTables tables)
    {
        foreach (var (generator, row) in Ordered(tables, tables.ProblemSolving))
        {
            double[] cells = [.. PublishedTables.BenchmarkColumns.Keys.Where(row.ContainsKey).Select(column => row[column].Value)];
            if (row.TryGetValue("average", out var stated) && cells.Length == PublishedTables.BenchmarkColumns.Count && Mean($"{PublishedTables.ProblemSolvingFile}:{stated.Line}", $"average of the six scores of {generator}", stated, cells, 0.05) is { } slip)
                yield return slip;
        }
        foreach (var (generator, row) in Ordered(tables, tables.Costs))
        {
            double[] cells = [.. tables.Study.Cells.Where(cell => cell.Generator == generator).Select(cell => cell.Pgr).OfType<double>()];
            if (row.TryGetValue("data_generation_avg_pgr_percent", out var stated) && cells.Length == Setting.All.Length && Mean($"{PublishedTables.CostFile}:{stated.Line}", $"average PGR of {generator} over the nine settings", stated, cells, 0.05) is { } slip)
                yield return slip;
            if (row.TryGetValue("problem_solving_avg", out var solving) && tables.ProblemSolving.GetValueOrDefault(generator)?.GetValueOrDefault("average") is { } other && other.Value != solving.Value)
                yield return new TableSlip($"{PublishedTables.CostFile}:{solving.Line}", $"average score of {generator}, as {PublishedTables.ProblemSolvingFile} prints it", solving.Value, other.Value, "the two tables were made from different figures");
            else if (solving is not null && tables.Study.Generator(generator)?.ProblemSolvingAverage is { } average && Beyond(average, solving))
                yield return new TableSlip($"{PublishedTables.CostFile}:{solving.Line}", $"average of the six scores of {generator}", solving.Value, average, $"repeats {PublishedTables.ProblemSolvingFile}");
        }
    }

    private static IEnumerable<TableSlip> Restated(PublishedTables tables) =>
        from prompt in tables.Study.MetaPrompts
        where prompt is { Variant: "agorabench", Pgr: not null }
        let cell = tables.Study.Cells.FirstOrDefault(cell => cell.Generator == prompt.Generator && cell.Setting == prompt.Setting)
        where cell?.Pgr is not null && cell.Pgr != prompt.Pgr
        select new TableSlip(PublishedTables.MetaPromptsFile, $"{prompt.Generator} {prompt.Setting} with the benchmark's own meta-prompt, as {PublishedTables.PgrFile} prints it", prompt.Pgr, cell.Pgr, "the two tables were made from different runs");

    private static IEnumerable<TableSlip> Contributions(PublishedTables tables)
    {
        if (tables.Loadings.IsEmpty)
            yield break;
        var sum = tables.Loadings.Sum(loading => loading.Strength.Value);
        foreach (var loading in tables.Loadings)
        {
            var computed = 100 * loading.Strength.Value / sum;
            // A strength is known to half a unit, and so is the share that follows from it.
            if (Math.Abs(computed - loading.Contribution.Value) > loading.Contribution.HalfWidth + 1e-9)
            {
                var possible = 100 * loading.Strength.HalfWidth / sum + loading.Contribution.HalfWidth;
                yield return new TableSlip($"{PublishedTables.LoadingsFile}:{loading.Contribution.Line}", $"share of {loading.Metric} in the sum of strengths", loading.Contribution.Value, computed,
                    Math.Abs(computed - loading.Contribution.Value) <= possible ? "rounding: the share was computed before the strengths were rounded" : "does not follow from the strengths even before rounding");
            }
        }
        var total = tables.Loadings.Sum(loading => loading.Contribution.Value);
        if (Math.Abs(total - 100) > 1e-9)
            yield return new TableSlip(PublishedTables.LoadingsFile, "sum of the shares", 100, Math.Round(total, 9), "rounding of each share");
    }

    private static IEnumerable<TableSlip> SeedData(PublishedTables tables) =>
        from setting in tables.Settings
        from domain in (string[])["math", "code"]
        where setting.SeedData.Contains($"({domain})", StringComparison.OrdinalIgnoreCase) && !setting.Domain.Contains(domain, StringComparison.OrdinalIgnoreCase)
        select new TableSlip($"{PublishedTables.SettingsFile}:{setting.Line}", $"seed data \"{setting.SeedData}\" of {setting.Domain}, {setting.Method.ToLowerInvariant()}", null, null, "the name of another domain; the public code uses the general part of the seed set");

    private static IEnumerable<TableSlip> OutOfRange(PublishedTables tables) =>
        from cell in tables.Study.Cells
        from metric in cell.Metrics
        let range = Range(metric.Key)
        where metric.Value < range.Low || metric.Value > range.High
        select new TableSlip(PublishedTables.IntrinsicFile, string.Create(CultureInfo.InvariantCulture, $"{metric.Key} of {cell.Generator} {cell.Setting} lies outside {range.Low} to {range.High}"), metric.Value, null, "cannot be what the column's name says");

    private static (double Low, double High) Range(string metric) =>
        metric.EndsWith("_cdist", StringComparison.Ordinal) ? (0, 2)
        : metric.EndsWith("_gpt4o", StringComparison.Ordinal) || metric.EndsWith("_prometheus2", StringComparison.Ordinal) ? (1, 5)
        : metric == "perplexity" ? (1, double.PositiveInfinity)
        : (double.NegativeInfinity, double.PositiveInfinity);

    private static TableSlip? Mean(string where, string what, PrintedValue stated, double[] cells, double cellHalfWidth)
    {
        var computed = cells.Average();
        if (!Beyond(computed, stated))
            return null;
        return new TableSlip(where, what, stated.Value, computed, Math.Abs(computed - stated.Value) <= stated.HalfWidth + cellHalfWidth
            ? Truncates(computed, stated) ? "cut off instead of rounded, or averaged before the cells were rounded" : "averaged before the cells were rounded"
            : "does not follow from the cells even before their rounding");
    }

    private static bool Beyond(double computed, PrintedValue stated) => Math.Abs(computed - stated.Value) > stated.HalfWidth + 1e-9;

    private static bool Truncates(double computed, PrintedValue stated) =>
        Math.Abs(Math.Truncate(computed * Math.Pow(10, stated.Decimals)) / Math.Pow(10, stated.Decimals) - stated.Value) < 1e-9;

    private static IEnumerable<(string Generator, ImmutableDictionary<string, PrintedValue> Row)> Ordered(PublishedTables tables, ImmutableDictionary<string, ImmutableDictionary<string, PrintedValue>> rows) =>
        from generator in tables.Study.Generators where rows.ContainsKey(generator.Name) select (generator.Name, rows[generator.Name]);
}
