using System.Collections.Immutable;
using MathNet.Numerics.Distributions;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;
using MathNet.Numerics.Optimization;

namespace Agora.Analysis;

/// <summary>A regression whose groups and features are shrunk as far as the data say: fixed regressors, random effects of groups, and one ridge penalty for all features of a profile.</summary>
/// <remarks>
/// y = Xβ + Σ effects + error, the effects normal with variances γ·σ². The ratios γ are chosen by restricted maximum likelihood (Patterson and Thompson 1971), β is the generalised
/// least-squares estimate, effects are best linear unbiased predictions (Henderson 1975). A feature block with ratio γ is ridge regression with penalty k/γ on k standardised features. A group
/// that was not seen has effect 0 and its whole variance in the prediction's error. The error of the ratios themselves is not counted; Student's quantile on few degrees stands in for it.
/// </remarks>
internal sealed class HierarchicalModel
{
    // Of the natural logarithm of a variance ratio: below the lower end an effect is gone, above the upper one it is not shrunk.
    private const double Lowest = -12, Highest = 7;

    private readonly Matrix<double> fixedPart;
    private readonly Vector<double> response;
    private readonly ImmutableArray<ImmutableArray<string>> groups;     // [effect][row]
    private readonly double[][] features;                               // [row][feature], standardised
    private readonly double[] means, scales, fixedMeans, fixedScales;
    private readonly Matrix<double>[] kernels;
    private readonly double[] ratios;
    private readonly Solution solution;

    /// <summary>Variance of each effect relative to that of the error, groups first, the features' last if there are features.</summary>
    public IReadOnlyList<double> Ratios => ratios;
    /// <summary>Of the error.</summary>
    public double Variance => solution.Variance;
    /// <summary>Intercept and slopes of the fixed regressors, in the regressors' own units.</summary>
    public ImmutableArray<double> Coefficients { get; }

    private HierarchicalModel(HierarchicalRows rows)
    {
        var n = rows.Response.Count;
        response = Vector<double>.Build.DenseOfEnumerable(rows.Response);
        groups = rows.Groups;
        (fixedMeans, fixedScales) = Scales(rows.Fixed);
        (means, scales) = Scales(rows.Features);
        fixedPart = Matrix<double>.Build.DenseOfRows(rows.Fixed.Select(FixedRow));
        features = [.. rows.Features.Select(row => Standardised(row, means, scales))];
        kernels =
        [
            .. groups.Select(labels => Matrix<double>.Build.Dense(n, n, (one, other) => labels[one] == labels[other] ? 1 : 0)),
            .. means.Length == 0 ? Array.Empty<Matrix<double>>() : [Matrix<double>.Build.Dense(n, n, (one, other) => Inner(features[one], features[other]))],
        ];
        ratios = Likeliest();
        solution = Solve(ratios) ?? throw new InvalidOperationException("the likeliest variances have no solution");
        Coefficients = [solution.Beta[0] - Enumerable.Range(0, fixedMeans.Length).Sum(place => solution.Beta[place + 1] * fixedMeans[place] / fixedScales[place]),
            .. Enumerable.Range(0, fixedMeans.Length).Select(place => solution.Beta[place + 1] / fixedScales[place])];
    }

    /// <returns>Null where there are too few rows for the fixed regressors and an error, or where nothing varies.</returns>
    public static HierarchicalModel? Fit(HierarchicalRows rows)
    {
        var slopes = rows.Fixed.Count == 0 ? 0 : rows.Fixed[0].Length;
        return rows.Response.Count < slopes + 3 || LinearFit.IsConstant(rows.Response)
            || Enumerable.Range(0, slopes).Any(place => LinearFit.IsConstant(rows.Fixed.Select(row => row[place])))
            ? null
            : new HierarchicalModel(rows);
    }

    /// <summary>The expected response of one more row, and the standard deviation of what would be measured around it.</summary>
    /// <param name="regressors">Fixed ones, in their own units.</param>
    /// <param name="labels">Of each group; null where it is none that was seen.</param>
    public (double Mean, double Deviation) Predict(double[] regressors, IReadOnlyList<string?> labels, double[] profile)
    {
        var x = Vector<double>.Build.Dense(FixedRow(regressors));
        var z = Standardised(profile, means, scales);
        var shared = Vector<double>.Build.Dense(response.Count, row =>
            groups.Select((seen, effect) => seen[row] == labels[effect] ? ratios[effect] : 0).Sum() + (z.Length == 0 ? 0 : ratios[^1] * Inner(z, features[row])));
        var own = 1 + Enumerable.Range(0, groups.Length).Sum(effect => ratios[effect]) + (z.Length == 0 ? 0 : ratios[^1] * Inner(z, z));
        var solved = solution.Factor.Solve(shared);
        var rest = x - fixedPart.TransposeThisAndMultiply(solved);
        var variance = own - shared * solved + rest * solution.Information.Solve(rest);
        return (x * solution.Beta + solved * (response - fixedPart * solution.Beta), Math.Sqrt(Math.Max(0, solution.Variance * variance)));
    }

    /// <summary>Ends of an interval of the given level around a prediction.</summary>
    /// <param name="degrees">Groups of the kind that is new, less one.</param>
    public static (double Low, double High) Interval((double Mean, double Deviation) prediction, int degrees, double level)
    {
        var half = StudentT.InvCDF(0, 1, Math.Max(1, degrees), 0.5 + level / 200) * prediction.Deviation;
        return (prediction.Mean - half, prediction.Mean + half);
    }

    // One effect after the other along a grid, then the simplex method from there: the likelihood of few rows has flat stretches at its ends.
    private double[] Likeliest()
    {
        if (kernels.Length == 0)
            return [];
        double Loss(double[] logarithms) => Solve([.. logarithms.Select(value => Math.Exp(Math.Clamp(value, Lowest, Highest)))]) is { } found
            ? found.Criterion + logarithms.Sum(value => Math.Pow(Math.Max(0, Math.Max(Lowest - value, value - Highest)), 2))
            : double.MaxValue;
        var best = Enumerable.Repeat(-1.0, kernels.Length).ToArray();
        for (var round = 0; round < 2; round++)
            for (var effect = 0; effect < best.Length; effect++)
            {
                var tried = Enumerable.Range(0, 10).Select(step =>
                {
                    var logarithms = (double[])best.Clone();
                    logarithms[effect] = Lowest + (Highest - Lowest) * step / 9;
                    return logarithms;
                });
                best = tried.Append(best).MinBy(Loss)!;
            }
        try
        {
            var objective = ObjectiveFunction.Value(point => Loss([.. point]));
            var found = new NelderMeadSimplex(1e-8, 2000).FindMinimum(objective, Vector<double>.Build.DenseOfArray(best), Vector<double>.Build.Dense(best.Length, 1.0)).MinimizingPoint.ToArray();
            if (Loss(found) < Loss(best))
                best = found;
        }
        catch (MaximumIterationsException)
        {
            // A flat likelihood: the grid's point is as good as any.
        }
        return [.. best.Select(value => Math.Exp(Math.Clamp(value, Lowest, Highest)))];
    }

    private Solution? Solve(double[] gammas)
    {
        var (n, p) = (response.Count, fixedPart.ColumnCount);
        var covariance = Matrix<double>.Build.DenseIdentity(n);
        for (var effect = 0; effect < kernels.Length; effect++)
            covariance += gammas[effect] * kernels[effect];
        try
        {
            var factor = covariance.Cholesky();
            var information = fixedPart.TransposeThisAndMultiply(factor.Solve(fixedPart)).Cholesky();
            var beta = information.Solve(fixedPart.TransposeThisAndMultiply(factor.Solve(response)));
            var residual = response - fixedPart * beta;
            var variance = residual * factor.Solve(residual) / (n - p);
            return variance > 0 ? new Solution(factor, information, beta, variance, (n - p) * Math.Log(variance) + factor.DeterminantLn + information.DeterminantLn) : null;
        }
        catch (ArgumentException)
        {
            return null;        // not positive definite within rounding
        }
    }

    private double[] FixedRow(double[] regressors) => [1, .. Standardised(regressors, fixedMeans, fixedScales)];

    private static (double[] Means, double[] Scales) Scales(IReadOnlyList<double[]> rows)
    {
        var k = rows.Count == 0 ? 0 : rows[0].Length;
        double[] means = [.. Enumerable.Range(0, k).Select(place => rows.Average(row => row[place]))];
        // A feature that does not vary here has nothing to say here.
        return (means, [.. Enumerable.Range(0, k).Select(place => LinearFit.IsConstant(rows.Select(row => row[place])) ? double.PositiveInfinity : Math.Sqrt(rows.Average(row => Math.Pow(row[place] - means[place], 2))))]);
    }

    private static double[] Standardised(double[] row, double[] means, double[] scales) => [.. row.Select((value, place) => (value - means[place]) / scales[place])];

    private static double Inner(double[] one, double[] other) => one.Zip(other, (a, b) => a * b).Sum() / one.Length;

    private sealed record Solution(Cholesky<double> Factor, Cholesky<double> Information, Vector<double> Beta, double Variance, double Criterion);
}

/// <summary>What a <see cref="HierarchicalModel"/> is fitted to.</summary>
/// <param name="Fixed">[row][regressor], without intercept: effects that are not shrunk.</param>
/// <param name="Groups">[effect][row]: labels.</param>
/// <param name="Features">[row][feature]: shrunk together.</param>
internal sealed record HierarchicalRows(IReadOnlyList<double> Response, IReadOnlyList<double[]> Fixed, ImmutableArray<ImmutableArray<string>> Groups, IReadOnlyList<double[]> Features);
