using Agora.Recovery;
using Agora.Reports.Tables;

namespace Agora.Reports;

/// <summary>Paired comparisons of scores as a table.</summary>
public static class ComparisonTables
{
    /// <param name="level">Of the intervals, in percent.</param>
    public static TextTable Of(IEnumerable<(string Name, StudentComparison Comparison)> pairs, string first, string second, double level, IEnumerable<string> notes) => new()
    {
        Id = "comparison",
        Title = $"{first} against {second}",
        Columns = ["benchmark and who answered", new("difference, points", true), new("low", true), new("high", true), new("p", true), new("p, corrected", true), new("items", true), "first better : second better"],
        Rows =
        [
            .. pairs.Select(pair => (System.Collections.Immutable.ImmutableArray<TextCell>)
            [
                pair.Name, TextCell.Of(100 * pair.Comparison.Difference, "0.0"), TextCell.Of(100 * (pair.Comparison.Interval as ConfidenceInterval.Bounds)?.Low, "0.0"), TextCell.Of(100 * (pair.Comparison.Interval as ConfidenceInterval.Bounds)?.High, "0.0"),
                TextCell.Of(pair.Comparison.McNemarP ?? pair.Comparison.BootstrapP, "0.0000"), TextCell.Of(pair.Comparison.AdjustedP, "0.0000"), TextCell.Count(pair.Comparison.Items), $"{pair.Comparison.FirstBetter} : {pair.Comparison.SecondBetter}",
            ]),
        ],
        Notes =
        [
            string.Create(System.Globalization.CultureInfo.InvariantCulture, $"Score of the first run minus that of the second on the same items, with {level:0.##} % intervals of the paired bootstrap; p is McNemar's exact test where answers are right or wrong, else the bootstrap's, corrected by Holm's procedure over the table."),
            .. notes,
        ],
    };
}
