using System.Collections.Immutable;
using Agora.Experiments;

namespace Agora.Analysis.Published;

/// <summary>How far results can move because the tables are rounded: each cell is drawn anew from the interval that prints as it does.</summary>
public sealed record RoundingSensitivity
{
    public const int Draws = 1000;

    /// <summary>Least and greatest of the draws, of the share that the used components explain.</summary>
    public required double ExplainedLow { get; init; }
    public required double ExplainedHigh { get; init; }
    /// <summary>Of R² of PGR on the components.</summary>
    public required double RSquaredLow { get; init; }
    public required double RSquaredHigh { get; init; }
    /// <summary>Of the p-value of that regression.</summary>
    public required double PLow { get; init; }
    public required double PHigh { get; init; }

    public static Computed<RoundingSensitivity> Of(PublishedTables tables, RandomStreams random)
    {
        var table = FeatureTable.Of(tables.Study);
        if (ComponentAnalysis.Of(table, 95) is not { Regression: Computed<LinearFit>.Value })
            return new Computed<RoundingSensitivity>.NotComputable("the component regression cannot be computed");
        var draws = new (double Explained, double RSquared, double P)[Draws];
        Parallel.For(0, Draws, draw =>
        {
            var stream = random.For("rounding", draw);
            var abilities = table.Cells.Select(cell => cell.Generator).Distinct().ToDictionary(name => name, name => PublishedTables.BenchmarkColumns.Keys.Average(_ => Shift(FeatureTable.ProblemSolving, stream)));
            var redrawn = table with
            {
                Values = [.. table.Values.Select((row, place) => row.Select((value, feature) => value
                    + (table.Features[feature] == FeatureTable.ProblemSolving ? abilities[table.Cells[place].Generator] : Shift(table.Features[feature], stream))).ToArray())],
                Pgr = [.. table.Pgr.Select(value => value + Shift(PublishedTablesReader.PgrName, stream))],
            };
            var components = ComponentAnalysis.Of(redrawn, 95);
            var fit = components.Regression.ResultOrDefault!;
            draws[draw] = (components.Components.ResultOrDefault!.ExplainedVariance.Take(components.ComponentsUsed).Sum(), fit.RSquared, fit.P);
        });
        return new RoundingSensitivity
        {
            ExplainedLow = draws.Min(draw => draw.Explained),
            ExplainedHigh = draws.Max(draw => draw.Explained),
            RSquaredLow = draws.Min(draw => draw.RSquared),
            RSquaredHigh = draws.Max(draw => draw.RSquared),
            PLow = draws.Min(draw => draw.P),
            PHigh = draws.Max(draw => draw.P),
        };

        double Shift(string name, RandomStream stream) => (2 * stream.NextDouble() - 1) * tables.RoundingHalfWidths.GetValueOrDefault(name);
    }
}
