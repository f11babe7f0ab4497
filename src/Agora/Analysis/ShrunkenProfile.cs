using MathNet.Numerics.LinearAlgebra;

namespace Agora.Analysis;

/// <summary>Setting means, and around them a ridge regression on the intrinsic profile: features count only as far as generators differ within a setting.</summary>
internal static class ShrunkenProfile
{
    // Relative to the number of rows, as features are standardised; infinity leaves the setting's mean alone.
    private static readonly double[] Penalties = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, double.PositiveInfinity];

    public static Func<int, double?>? Learn(FeatureTable table, int[] rows)
    {
        var generators = rows.Select(row => table.Cells[row].Generator).Distinct().ToArray();
        if (generators.Length < 3)
            return null;        // one is left out to choose the penalty, and one alone does not differ from its setting's mean
        var best = Penalties.MinBy(penalty => generators.Sum(held =>
        {
            var fit = Fit(table, [.. rows.Where(row => table.Cells[row].Generator != held)], penalty);
            return rows.Where(row => table.Cells[row].Generator == held && fit(row) is not null).Sum(row => Math.Pow(fit(row)!.Value - table.Pgr[row], 2));
        }));
        return Fit(table, rows, best);
    }

    private static Func<int, double?> Fit(FeatureTable table, int[] rows, double penalty)
    {
        var k = table.Features.Length;
        var means = rows.GroupBy(row => table.Cells[row].Setting).ToDictionary(
            group => group.Key,
            group => (Pgr: group.Average(row => table.Pgr[row]), Features: Enumerable.Range(0, k).Select(feature => group.Average(row => table.Values[row][feature])).ToArray()));
        double[] Centred(int row) => [.. Enumerable.Range(0, k).Select(feature => table.Values[row][feature] - means[table.Cells[row].Setting].Features[feature])];
        var centred = rows.Select(Centred).ToArray();
        double[] scales = [.. Enumerable.Range(0, k).Select(feature => Math.Sqrt(centred.Average(row => row[feature] * row[feature])))];
        if (double.IsPositiveInfinity(penalty) || k == 0)
            return row => means.TryGetValue(table.Cells[row].Setting, out var mean) ? mean.Pgr : null;

        // A feature that is the same for all generators of a setting has no scale and no weight.
        var x = Matrix<double>.Build.Dense(rows.Length, k, (row, feature) => scales[feature] > 1e-9 ? centred[row][feature] / scales[feature] : 0);
        var y = Vector<double>.Build.Dense(rows.Length, place => table.Pgr[rows[place]] - means[table.Cells[rows[place]].Setting].Pgr);
        var weights = (x.TransposeThisAndMultiply(x) + Matrix<double>.Build.DenseIdentity(k) * (penalty * rows.Length)).Cholesky().Solve(x.TransposeThisAndMultiply(y));
        return row =>
        {
            if (!means.TryGetValue(table.Cells[row].Setting, out var mean))
                return null;
            var profile = Centred(row);
            return mean.Pgr + Enumerable.Range(0, k).Where(feature => scales[feature] > 1e-9).Sum(feature => weights[feature] * profile[feature] / scales[feature]);
        };
    }
}
