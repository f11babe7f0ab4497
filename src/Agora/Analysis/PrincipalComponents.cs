using System.Collections.Immutable;
using MathNet.Numerics.LinearAlgebra;

namespace Agora.Analysis;

/// <summary>Principal components of standardised features.</summary>
/// <remarks>
/// Conventions: features are centred and divided by their population standard deviation (n in the denominator), so that components are eigenvectors of the correlation
/// matrix and shares of variance are eigenvalues over their number. An eigenvector's sign is arbitrary: here its entry of largest absolute value is positive.
/// </remarks>
public sealed record PrincipalComponents
{
    public required ImmutableArray<string> Features { get; init; }
    public required ImmutableArray<double> Means { get; init; }
    /// <summary>Population standard deviations.</summary>
    public required ImmutableArray<double> StandardDeviations { get; init; }
    /// <summary>Descending; their sum is the number of features.</summary>
    public required ImmutableArray<double> Eigenvalues { get; init; }
    /// <summary>Share of the variance that each component explains, 0 to 1.</summary>
    public required ImmutableArray<double> ExplainedVariance { get; init; }
    /// <summary>[component][feature]: unit eigenvectors.</summary>
    public required ImmutableArray<ImmutableArray<double>> Loadings { get; init; }
    public required int Observations { get; init; }

    /// <param name="rows">[observation][feature].</param>
    public static Computed<PrincipalComponents> Of(IReadOnlyList<string> features, IReadOnlyList<double[]> rows)
    {
        var (n, k) = (rows.Count, features.Count);
        if (n < 2 || k < 1)
            return new Computed<PrincipalComponents>.NotComputable($"{n} rows of {k} features have no components: at least two rows and one feature are needed");
        var means = new double[k];
        var deviations = new double[k];
        for (var feature = 0; feature < k; feature++)
        {
            if (LinearFit.IsConstant(rows.Select(row => row[feature])))
                return new Computed<PrincipalComponents>.NotComputable($"{features[feature]} is the same in all {n} rows and cannot be standardised");
            means[feature] = rows.Average(row => row[feature]);
            deviations[feature] = Math.Sqrt(rows.Average(row => (row[feature] - means[feature]) * (row[feature] - means[feature])));
        }
        var standardised = Matrix<double>.Build.Dense(n, k, (row, feature) => (rows[row][feature] - means[feature]) / deviations[feature]);
        var correlation = standardised.TransposeThisAndMultiply(standardised) / n;
        var decomposition = correlation.Evd(Symmetricity.Symmetric);
        var order = Enumerable.Range(0, k).OrderByDescending(place => decomposition.EigenValues[place].Real).ToArray();
        double[] eigenvalues = [.. order.Select(place => Math.Max(0, decomposition.EigenValues[place].Real))];
        return new PrincipalComponents
        {
            Features = [.. features],
            Means = [.. means],
            StandardDeviations = [.. deviations],
            Eigenvalues = [.. eigenvalues],
            ExplainedVariance = [.. eigenvalues.Select(value => value / k)],
            Loadings = [.. order.Select(place => SignFixed(decomposition.EigenVectors.Column(place)))],
            Observations = n,
        };
    }

    /// <summary>The first components' values of one row.</summary>
    /// <param name="row">Features in their own units.</param>
    public double[] Scores(double[] row, int components) =>
        [.. Loadings.Take(components).Select(loading => loading.Select((weight, feature) => weight * (row[feature] - Means[feature]) / StandardDeviations[feature]).Sum())];

    /// <summary>Mean over all components of |loading| · √eigenvalue: how strongly a feature correlates with a component, on average.</summary>
    /// <remarks>
    /// Of the definitions that were tried on the published tables, this is the one that comes within 0.013 of the strengths the paper prints (arXiv:2412.03679, table 4);
    /// the mean of |loading| over the first five components is off by up to 0.11.
    /// </remarks>
    public ImmutableArray<FeatureContribution> Contributions()
    {
        double[] strengths =
        [
            .. Enumerable.Range(0, Features.Length).Select(feature =>
                Enumerable.Range(0, Eigenvalues.Length).Average(component => Math.Abs(Loadings[component][feature]) * Math.Sqrt(Eigenvalues[component]))),
        ];
        return [.. strengths.Select((strength, feature) => new FeatureContribution(Features[feature], strength, 100 * strength / strengths.Sum()))];
    }

    private static ImmutableArray<double> SignFixed(Vector<double> vector)
    {
        var largest = vector.AbsoluteMaximumIndex();
        return [.. vector[largest] < 0 ? -vector : vector];
    }
}

/// <param name="Strength">Mean absolute correlation with the components.</param>
/// <param name="Percent">Of the sum of all strengths.</param>
public sealed record FeatureContribution(string Feature, double Strength, double Percent);
