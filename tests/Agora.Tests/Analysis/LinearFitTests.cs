using Agora.Analysis;
using CsCheck;

namespace Agora.Tests.Analysis;

public sealed class LinearFitTests
{
    // By hand: means 3 and 4, Sxx = 10, Sxy = 6, SST = 6, SSE = 2.4; p of F(1, 3) = 4.5 from a table of the distribution.
    [Fact]
    public void A_line_through_five_points_is_the_one_worked_out_by_hand()
    {
        var fit = Fitted([[1], [2], [3], [4], [5]], [2, 4, 5, 4, 5]);
        Assert.Equal(0.6, fit.Slopes[0].Value, 1e-12);
        Assert.Equal(2.2, fit.Intercept.Value, 1e-12);
        Assert.Equal(0.6, fit.RSquared, 1e-12);
        Assert.Equal(4.5, fit.F, 1e-10);
        Assert.Equal(0.1240, fit.P, 1e-4);
        Assert.Equal(Math.Sqrt(0.8 / 10), fit.Slopes[0].StandardError, 1e-12);
        // Student's quantile for 3 degrees of freedom is 3.1824.
        Assert.Equal(0.6 - 3.1824 * Math.Sqrt(0.08), fit.Slopes[0].Low, 1e-4);
        Assert.Equal(0.6 + 3.1824 * Math.Sqrt(0.08), fit.Slopes[0].High, 1e-4);
        Assert.Equal(fit.P, fit.Slopes[0].P, 1e-12);
    }

    // R² is the squared correlation, and neither it nor F depends on units.
    [Fact]
    public void R_squared_is_the_squared_correlation_in_any_unit() =>
        Gen.Select(Gen.Double[-10, 10].Array[8], Gen.Double[-10, 10].Array[8], Gen.Double[0.01, 100], Gen.Double[-50, 50])
            .Where((x, y, _, _) => x.Max() - x.Min() > 0.5 && y.Max() - y.Min() > 0.5)
            .Sample((x, y, scale, shift) =>
            {
                var fit = Fitted([.. x.Select(value => new[] { value })], y);
                var other = Fitted([.. x.Select(value => new[] { scale * value + shift })], [.. y.Select(value => 3 * value - 1)]);
                var correlation = MathNet.Numerics.Statistics.Correlation.Pearson(x, y);
                return Math.Abs(fit.RSquared - correlation * correlation) < 1e-9 && Math.Abs(fit.RSquared - other.RSquared) < 1e-9;
            });

    [Fact]
    public void A_superfluous_predictor_never_lowers_r_squared() =>
        Gen.Select(Gen.Double[-1, 1].Array[10], Gen.Double[-1, 1].Array[10], Gen.Double[-1, 1].Array[10])
            .Where((x, z, y) => x.Max() - x.Min() > 0.1 && y.Max() - y.Min() > 0.1 && Math.Abs(MathNet.Numerics.Statistics.Correlation.Pearson(x, z)) < 0.99)
            .Sample((x, z, y) => Fitted([.. x.Zip(z, (a, b) => new[] { a, b })], y).RSquared >= Fitted([.. x.Select(a => new[] { a })], y).RSquared - 1e-12);

    [Fact]
    public void What_cannot_be_fitted_says_why()
    {
        Assert.Contains("at least 3", Why([[1], [2]], [1, 2]), StringComparison.Ordinal);
        Assert.Contains("x0 is the same in all 4", Why([[1], [1], [1], [1]], [1, 2, 3, 4]), StringComparison.Ordinal);
        Assert.Contains("no variance to explain", Why([[1], [2], [3], [4]], [5, 5, 5, 5]), StringComparison.Ordinal);
        Assert.Contains("x1 is a linear combination", Why([[1, 2], [2, 4], [3, 6], [5, 10]], [1, 2, 3, 5]), StringComparison.Ordinal);
    }

    private static LinearFit Fitted(double[][] x, double[] y) => Assert.IsType<Computed<LinearFit>.Value>(Of(x, y)).Result;

    private static string Why(double[][] x, double[] y) => Assert.IsType<Computed<LinearFit>.NotComputable>(Of(x, y)).Reason;

    private static Computed<LinearFit> Of(double[][] x, double[] y) => LinearFit.Of([.. Enumerable.Range(0, x[0].Length).Select(place => $"x{place}")], x, y, 95);
}
