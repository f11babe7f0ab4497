using Agora.Analysis;
using CsCheck;

namespace Agora.Tests.Analysis;

public sealed class PrincipalComponentsTests
{
    // Two features with correlation 0.5 (by hand): eigenvalues 1.5 and 0.5, vectors (1, 1)/√2 and (1, −1)/√2.
    [Fact]
    public void Two_features_have_the_components_worked_out_by_hand()
    {
        var found = Of(["a", "b"], [[1, 1], [2, 3], [3, 2]]);
        Assert.Equal([1.5, 0.5], found.Eigenvalues, (one, other) => Math.Abs(one - other) < 1e-12);
        Assert.Equal(0.75, found.ExplainedVariance[0], 1e-12);
        Assert.Equal([Math.Sqrt(0.5), Math.Sqrt(0.5)], found.Loadings[0], (one, other) => Math.Abs(one - other) < 1e-12);
        // Mean of |loading|·√eigenvalue: (√1.5 + √0.5)/(2√2) for both, so each contributes half.
        Assert.All(found.Contributions(), entry => Assert.Equal(((Math.Sqrt(1.5) + Math.Sqrt(0.5)) / (2 * Math.Sqrt(2)), 50.0), (entry.Strength, entry.Percent), (one, other) => Math.Abs(one.Item1 - other.Item1) < 1e-12 && Math.Abs(one.Item2 - other.Item2) < 1e-9));
    }

    [Fact]
    public void Components_do_not_depend_on_the_features_units() => Rows.Sample(rows =>
    {
        var plain = Of(Names, rows);
        var scaled = Of(Names, [.. rows.Select(row => new[] { 1000 * row[0] + 3, 0.02 * row[1] - 7, row[2] })]);
        return plain.Eigenvalues.Zip(scaled.Eigenvalues, (one, other) => Math.Abs(one - other)).Max() < 1e-9
            && rows.Select((row, place) => (plain.Scores(row, 3), scaled.Scores([1000 * row[0] + 3, 0.02 * row[1] - 7, row[2]], 3)))
                .All(pair => Distinct(plain) is false || pair.Item1.Zip(pair.Item2, (one, other) => Math.Abs(one - other)).Max() < 1e-6);
    });

    [Fact]
    public void Eigenvalues_sum_to_the_number_of_features_and_are_the_variances_of_the_scores() => Rows.Sample(rows =>
    {
        var found = Of(Names, rows);
        var scores = rows.Select(row => found.Scores(row, 3)).ToArray();
        return Math.Abs(found.Eigenvalues.Sum() - 3) < 1e-9
            && Enumerable.Range(0, 3).All(place => Math.Abs(scores.Average(score => score[place] * score[place]) - found.Eigenvalues[place]) < 1e-9);
    });

    [Fact]
    public void The_largest_entry_of_every_component_is_positive() => Rows.Sample(rows => Of(Names, rows).Loadings.All(loading => loading.MaxBy(Math.Abs) > 0));

    [Fact]
    public void A_constant_feature_is_named() => Assert.Contains("b is the same in all 3 rows",
        Assert.IsType<Computed<PrincipalComponents>.NotComputable>(PrincipalComponents.Of(["a", "b"], [[1, 2], [2, 2], [3, 2]])).Reason, StringComparison.Ordinal);

    private static readonly string[] Names = ["a", "b", "c"];

    private static readonly Gen<double[][]> Rows = Gen.Double[-1, 1].Array[3].Array[7].Where(rows => Enumerable.Range(0, 3).All(place => rows.Max(row => row[place]) - rows.Min(row => row[place]) > 0.2));

    // Where eigenvalues coincide, or the two largest entries of a vector, its direction is arbitrary.
    private static bool Distinct(PrincipalComponents found) => found.Eigenvalues.Zip(found.Eigenvalues.Skip(1), (one, next) => one - next).Min() > 1e-3
        && found.Loadings.All(loading => loading.Select(Math.Abs).OrderDescending().ToArray() is var sizes && sizes[0] - sizes[1] > 1e-6);

    private static PrincipalComponents Of(string[] names, double[][] rows) => Assert.IsType<Computed<PrincipalComponents>.Value>(PrincipalComponents.Of(names, rows)).Result;
}
