using System.Collections.Immutable;

namespace Agora.Analysis;

/// <summary>Predicts a data set's PGR from others', without training a student.</summary>
internal sealed record Predictor
{
    public required string Name { get; init; }
    public required string How { get; init; }
    /// <summary>From the rows it may learn from to a function of a row; that function gives null where it has no prediction.</summary>
    public required Func<FeatureTable, int[], Func<int, double?>?> Learn { get; init; }

    /// <summary>All that can be tried on the table.</summary>
    public static ImmutableArray<Predictor> All { get; } =
    [
        new()
        {
            Name = "components",
            How = "regression on the first components, both fitted without the rows held out",
            Learn = static (table, rows) => Components(table, rows, rows),
        },
        new()
        {
            Name = "components over all rows",
            How = "regression on the first components; the components saw the features of the rows held out, only the regression did not",
            Learn = static (table, rows) => Components(table, [.. Enumerable.Range(0, table.Cells.Length)], rows),
        },
        new()
        {
            Name = "problem solving",
            How = "regression on the generator's mean benchmark score",
            Learn = static (table, rows) => table.Features.IndexOf(FeatureTable.ProblemSolving) is var feature and >= 0
                && LinearFit.Of(["x"], [.. rows.Select(row => new[] { table.Values[row][feature] })], [.. rows.Select(row => table.Pgr[row])], 95).ResultOrDefault is { } fit
                    ? row => fit.Predict([table.Values[row][feature]])
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
            Name = "setting mean and shrunken profile",
            How = "the setting's mean plus a ridge regression on how the features differ from the setting's mean; the penalty is chosen by leaving out generators among the rows not held out",
            Learn = ShrunkenProfile.Learn,
        },
    ];

    private static Func<int, double?> Constant(double value) => _ => value;

    private static Func<int, double?>? Components(FeatureTable table, int[] seen, int[] rows)
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
        return fit is null ? null : row => fit.Predict(components.Scores(Part(row), used));
    }

    private static Func<int, double?> GroupMean<TKey>(FeatureTable table, int[] rows, Func<StudyCell, TKey> key) where TKey : notnull
    {
        var means = rows.GroupBy(row => key(table.Cells[row])).ToDictionary(group => group.Key, group => group.Average(row => table.Pgr[row]));
        return row => means.TryGetValue(key(table.Cells[row]), out var mean) ? mean : null;
    }
}
