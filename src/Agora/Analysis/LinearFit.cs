using System.Collections.Immutable;
using MathNet.Numerics;
using MathNet.Numerics.Distributions;
using MathNet.Numerics.LinearAlgebra;

namespace Agora.Analysis;

/// <summary>An ordinary least-squares fit with intercept, and what is known about its error.</summary>
/// <remarks>
/// Conventions: R² = 1 − SSE/SST about the mean of the response; F tests all slopes at once with (k, n − k − 1) degrees of freedom; standard
/// errors use SSE/(n − k − 1); intervals are Student's.
/// </remarks>
public sealed record LinearFit
{
    public required int Observations { get; init; }
    public required Coefficient Intercept { get; init; }
    public required ImmutableArray<Coefficient> Slopes { get; init; }
    public required double RSquared { get; init; }
    public required double AdjustedRSquared { get; init; }
    public required double F { get; init; }
    public required int ModelDegrees { get; init; }
    public required int ResidualDegrees { get; init; }
    /// <summary>Of F, upper tail.</summary>
    public required double P { get; init; }
    /// <summary>Square root of SSE/(n − k − 1), in the unit of the response.</summary>
    public required double ResidualStandardError { get; init; }
    /// <summary>In percent, of the coefficients' intervals.</summary>
    public required double ConfidenceLevel { get; init; }

    /// <param name="predictors">[observation][predictor].</param>
    /// <param name="level">Of the intervals, in percent.</param>
    public static Computed<LinearFit> Of(IReadOnlyList<string> names, IReadOnlyList<double[]> predictors, IReadOnlyList<double> response, double level)
    {
        var (n, k) = (response.Count, names.Count);
        var residualDegrees = n - k - 1;
        if (residualDegrees < 1)
            return new Computed<LinearFit>.NotComputable($"{n} {(n == 1 ? "observation does" : "observations do")} not determine {k + 1} coefficients and their error: at least {k + 2} are needed");
        for (var predictor = 0; predictor < k; predictor++)
            if (IsConstant(predictors.Select(row => row[predictor])))
                return new Computed<LinearFit>.NotComputable($"{names[predictor]} is the same in all {n} observations, so that nothing can depend on it");
        if (IsConstant(response))
            return new Computed<LinearFit>.NotComputable($"the response is the same in all {n} observations: there is no variance to explain");

        var design = Matrix<double>.Build.Dense(n, k + 1, (row, column) => column == 0 ? 1 : predictors[row][column - 1]);
        var y = Vector<double>.Build.DenseOfEnumerable(response);
        var decomposition = design.QR();
        // The determinant of R is what is left of each predictor after those before it.
        for (var predictor = 0; predictor < k; predictor++)
            if (Math.Abs(decomposition.R[predictor + 1, predictor + 1]) < 1e-10 * design.Column(predictor + 1).L2Norm())
                return new Computed<LinearFit>.NotComputable($"{names[predictor]} is a linear combination of the other predictors");
        var coefficients = decomposition.Solve(y);
        var residuals = y - design * coefficients;
        var mean = response.Average();
        var (sse, sst) = (residuals * residuals, response.Sum(value => (value - mean) * (value - mean)));
        var rSquared = 1 - sse / sst;
        var f = (sst - sse) / k / (sse / residualDegrees);
        var variance = sse / residualDegrees;
        var inverse = decomposition.R.Inverse();
        var quantile = StudentT.InvCDF(0, 1, residualDegrees, 0.5 + level / 200);

        Coefficient At(int place, string name)
        {
            var error = Math.Sqrt(variance * (inverse.Row(place) * inverse.Row(place)));
            var t = coefficients[place] / error;
            return new Coefficient(name, coefficients[place], error, t, TwoSided(t, residualDegrees), coefficients[place] - quantile * error, coefficients[place] + quantile * error);
        }

        return new LinearFit
        {
            Observations = n,
            Intercept = At(0, "intercept"),
            Slopes = [.. names.Select((name, place) => At(place + 1, name))],
            RSquared = rSquared,
            AdjustedRSquared = 1 - (1 - rSquared) * (n - 1) / residualDegrees,
            F = f,
            ModelDegrees = k,
            ResidualDegrees = residualDegrees,
            P = UpperTailOfF(f, k, residualDegrees),
            ResidualStandardError = Math.Sqrt(variance),
            ConfidenceLevel = level,
        };
    }

    /// <param name="predictors">Of one observation, in the order of <see cref="Slopes"/>.</param>
    public double Predict(IReadOnlyList<double> predictors) => Intercept.Value + Slopes.Select((slope, place) => slope.Value * predictors[place]).Sum();

    // Tails through the regularised beta function: one minus a cumulative probability loses what is below 1e-16.
    internal static double TwoSided(double t, double degrees) => double.IsInfinity(t) ? 0 : SpecialFunctions.BetaRegularized(degrees / 2, 0.5, degrees / (degrees + t * t));

    private static double UpperTailOfF(double f, double numerator, double denominator) =>
        double.IsInfinity(f) ? 0 : SpecialFunctions.BetaRegularized(denominator / 2, numerator / 2, denominator / (denominator + numerator * f));

    /// <summary>True of nothing, too: where there are no values, none differs.</summary>
    internal static bool IsConstant(IEnumerable<double> values)
    {
        var all = values.ToArray();
        if (all.Length == 0)
            return true;
        var (low, high) = (all.Min(), all.Max());
        return high - low <= 1e-12 * Math.Max(Math.Abs(low), Math.Abs(high));
    }
}

/// <param name="P">Two-sided, of t against 0.</param>
public sealed record Coefficient(string Name, double Value, double StandardError, double T, double P, double Low, double High);
