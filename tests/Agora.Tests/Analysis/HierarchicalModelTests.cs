using System.Collections.Immutable;
using Agora.Analysis;
using CsCheck;
using MathNet.Numerics.LinearAlgebra;

namespace Agora.Tests.Analysis;

/// <summary>Shrinkage by restricted maximum likelihood, against closed forms and simulation.</summary>
public sealed class HierarchicalModelTests
{
    // Balanced groups: the REML estimates are those of the analysis of variance (Searle, Casella and McCulloch 1992, section 4.7): error mean square, and (between − within) / n.
    [Fact]
    public void In_a_balanced_layout_the_variances_are_those_of_the_analysis_of_variance_and_group_means_are_shrunk_accordingly()
    {
        double[][] groups = [[10, 12, 14], [20, 21, 25], [2, 4, 3], [15, 11, 13]];
        var model = Fit(groups);
        var means = groups.Select(group => group.Average()).ToArray();
        var within = groups.Sum(group => group.Sum(value => Math.Pow(value - group.Average(), 2))) / 8;
        var between = 3 * means.Sum(mean => Math.Pow(mean - means.Average(), 2)) / 3;
        var ratio = (between - within) / 3 / within;
        Assert.Equal(within, model.Variance, 1e-3 * within);
        Assert.Equal(ratio, model.Ratios[0], 1e-3 * ratio);
        var shrinkage = 3 * ratio / (3 * ratio + 1);
        Assert.Equal(means.Average() + shrinkage * (means[1] - means.Average()), model.Predict([], ["1"], []).Mean, 1e-3);
        // Of a group that nobody has seen: the grand mean, with the variance of a group, of a measurement, and of the mean of four groups.
        var (mean, deviation) = model.Predict([], [null], []);
        Assert.Equal(means.Average(), mean, 1e-6);
        Assert.Equal(Math.Sqrt(within * (1 + ratio) + within * (ratio / 4 + 1 / 12.0)), deviation, 1e-2);
    }

    [Fact]
    public void Groups_that_do_not_differ_more_than_chance_are_not_told_apart()
    {
        var model = Fit([[1, 9, 5], [4, 2, 9], [5, 8, 2]]);
        Assert.True(model.Ratios[0] < 1e-3);
        Assert.Equal(5, model.Predict([], ["0"], []).Mean, 1e-2);
    }

    // For whatever ratio was found, features have the weights of ridge regression with penalty k/ratio.
    [Fact]
    public void Features_are_shrunk_as_by_ridge_regression() =>
        Gen.Select(Gen.Double[-2, 2].Array[3].Array[14], Gen.Double[-1, 1].Array[14]).Sample((x, noise) =>
        {
            double[] y = [.. x.Select((row, i) => 3 + 2 * row[0] - row[1] + noise[i])];
            if (HierarchicalModel.Fit(new HierarchicalRows(y, [.. y.Select(_ => Array.Empty<double>())], [], x)) is not { } model)
                return true;
            double[] means = [.. Enumerable.Range(0, 3).Select(k => x.Average(row => row[k]))], scales = [.. Enumerable.Range(0, 3).Select(k => Math.Sqrt(x.Average(row => Math.Pow(row[k] - means[k], 2))))];
            if (scales.Any(scale => scale < 1e-3))
                return true;
            var z = Matrix<double>.Build.Dense(14, 3, (row, k) => (x[row][k] - means[k]) / scales[k]);
            var centred = Vector<double>.Build.Dense([.. y.Select(value => value - y.Average())]);
            var weights = (z.TransposeThisAndMultiply(z) + 3 / model.Ratios[0] * Matrix<double>.Build.DenseIdentity(3)).Solve(z.TransposeThisAndMultiply(centred));
            var expected = y.Average() + z.Row(5) * weights;
            return Math.Abs(expected - model.Predict([], [], x[5]).Mean) < 1e-5;
        }, iter: 30, seed: "0N0XIzNsQ0O2");

    // Twenty groups of six: intervals for a new group hold what is measured there about as often as they say.
    [Fact]
    public void Intervals_for_a_new_group_cover_what_is_measured_there()
    {
        var random = new Random(5);
        double Normal() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
        var (held, hits) = (0, 0);
        for (var round = 0; round < 300; round++)
        {
            var groups = Enumerable.Range(0, 8).Select(_ =>
            {
                var effect = 4 * Normal();
                return Enumerable.Range(0, 4).Select(_ => 20 + effect + 2 * Normal()).ToArray();
            }).ToArray();
            var model = Fit([.. groups.Skip(1)]);
            var (low, high) = HierarchicalModel.Interval(model.Predict([], [null], []), degrees: 6, level: 95);
            held++;
            hits += groups[0][0] >= low && groups[0][0] <= high ? 1 : 0;
        }
        Assert.InRange(hits / (double)held, 0.91, 0.985);
    }

    [Theory]
    [InlineData(1.0, 1.0, 1.0, 1.0)]
    [InlineData(1.0, 2.0)]
    public void Nothing_is_fitted_to_what_does_not_vary_or_is_too_little(params double[] response) =>
        Assert.Null(HierarchicalModel.Fit(new HierarchicalRows(response, [.. response.Select(_ => Array.Empty<double>())], [], [.. response.Select(_ => Array.Empty<double>())])));

    private static HierarchicalModel Fit(double[][] groups)
    {
        double[] y = [.. groups.SelectMany(group => group)];
        ImmutableArray<string> labels = [.. groups.SelectMany((group, place) => group.Select(_ => $"{place}"))];
        return HierarchicalModel.Fit(new HierarchicalRows(y, [.. y.Select(_ => Array.Empty<double>())], [labels], [.. y.Select(_ => Array.Empty<double>())]))!;
    }
}
