using System.Collections.Immutable;
using Agora.Experiments;
using MathNet.Numerics.Distributions;

namespace Agora.Analysis;

/// <summary>Two meta-prompts, paired by generator and setting.</summary>
public sealed record MetaPromptComparison
{
    public required string First { get; init; }
    public required string Second { get; init; }
    /// <summary>Null: all methods together.</summary>
    public required GenerationMethod? Method { get; init; }
    public required int Pairs { get; init; }
    public required double FirstMean { get; init; }
    public required double SecondMean { get; init; }
    /// <summary>Mean of first minus second, in percentage points.</summary>
    public required double Difference { get; init; }
    /// <summary>Pairs in which the first is above the second.</summary>
    public required int FirstBetter { get; init; }
    public required int SecondBetter { get; init; }
    /// <summary>Paired t-test; pairs of one generator share it, so that p is too small if generators differ in how prompts suit them.</summary>
    public required Computed<PairedTest> Test { get; init; }
    /// <summary>Exact, two-sided.</summary>
    public required double WilcoxonP { get; init; }

    /// <summary>The first variant of the study against each other one, over all methods and per method; then the others among themselves over all methods.</summary>
    public static Computed<ImmutableArray<MetaPromptComparison>> All(Study study, double level)
    {
        var measured = study.MetaPrompts.Where(cell => cell.Pgr is not null).ToLookup(cell => cell.Variant);
        string[] variants = [.. measured.Select(group => group.Key)];
        if (variants.Length < 2)
            return new Computed<ImmutableArray<MetaPromptComparison>>.NotComputable("fewer than two meta-prompts were tried");
        var comparisons = ImmutableArray.CreateBuilder<MetaPromptComparison>();
        foreach (var (place, first) in variants.Index())
        {
            foreach (var second in variants.Skip(place + 1))
            {
                GenerationMethod?[] methods = place == 0 ? [null, .. measured[first].Select(cell => (GenerationMethod?)cell.Setting.Method).Distinct().Order()] : [null];
                foreach (var method in methods)
                {
                    var pairs = (from one in measured[first]
                                 from other in measured[second]
                                 where one.Generator == other.Generator && one.Setting == other.Setting && (method is null || one.Setting.Method == method)
                                 select (First: one.Pgr!.Value, Second: other.Pgr!.Value)).ToArray();
                    if (pairs.Length > 0)
                        comparisons.Add(Of(first, second, method, pairs, level));
                }
            }
        }
        return comparisons.Count == 0
            ? new Computed<ImmutableArray<MetaPromptComparison>>.NotComputable("no generator and setting were tried with two meta-prompts")
            : comparisons.ToImmutable();
    }

    private static MetaPromptComparison Of(string first, string second, GenerationMethod? method, (double First, double Second)[] pairs, double level)
    {
        // A tenth minus a tenth is not zero in binary; published figures have one decimal.
        double[] differences = [.. pairs.Select(pair => Math.Round(pair.First - pair.Second, 9))];
        return new MetaPromptComparison
        {
            First = first,
            Second = second,
            Method = method,
            Pairs = pairs.Length,
            FirstMean = pairs.Average(pair => pair.First),
            SecondMean = pairs.Average(pair => pair.Second),
            Difference = differences.Average(),
            FirstBetter = differences.Count(difference => difference > 0),
            SecondBetter = differences.Count(difference => difference < 0),
            Test = PairedTest.Of(differences, level),
            WilcoxonP = WilcoxonSignedRank.PValue(differences),
        };
    }
}

/// <summary>Student's t-test of paired differences against 0.</summary>
/// <param name="EffectSize">Mean over sample standard deviation of the differences (Cohen's d for pairs).</param>
public sealed record PairedTest(double T, int Degrees, double P, double Low, double High, double EffectSize)
{
    public static Computed<PairedTest> Of(IReadOnlyList<double> differences, double level)
    {
        var n = differences.Count;
        if (n < 2)
            return new Computed<PairedTest>.NotComputable("one pair has no spread");
        var mean = differences.Average();
        var deviation = Math.Sqrt(differences.Sum(difference => (difference - mean) * (difference - mean)) / (n - 1));
        if (deviation == 0)
            return new Computed<PairedTest>.NotComputable($"all {n} differences are the same");
        var error = deviation / Math.Sqrt(n);
        var quantile = StudentT.InvCDF(0, 1, n - 1, 0.5 + level / 200);
        return new PairedTest(mean / error, n - 1, LinearFit.TwoSided(mean / error, n - 1), mean - quantile * error, mean + quantile * error, mean / deviation);
    }
}
