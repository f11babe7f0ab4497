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
    /// <summary>Null: all generators together.</summary>
    public required string? Generator { get; init; }
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

    /// <summary>The first variant of the study against each other one, over everything, per method and per generator; then the others among themselves over everything.</summary>
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
                var pairs = (from one in measured[first]
                             from other in measured[second]
                             where one.Generator == other.Generator && one.Setting == other.Setting
                             select (one.Generator, one.Setting.Method, First: one.Pgr!.Value, Second: other.Pgr!.Value)).ToArray();
                GenerationMethod[] methods = [.. pairs.Select(pair => pair.Method).Distinct().Order()];
                string[] generators = [.. pairs.Select(pair => pair.Generator).Distinct()];
                // A part that is the whole would stand twice.
                (GenerationMethod? Method, string? Generator)[] parts = place > 0 ? [(null, null)]
                    : [(null, null), .. methods.Length > 1 ? methods.Select(method => ((GenerationMethod?)method, (string?)null)) : [], .. generators.Length > 1 ? generators.Select(generator => ((GenerationMethod?)null, (string?)generator)) : []];
                foreach (var (method, generator) in parts)
                {
                    var own = pairs.Where(pair => (method is null || pair.Method == method) && (generator is null || pair.Generator == generator)).Select(pair => (pair.First, pair.Second)).ToArray();
                    if (own.Length > 0)
                        comparisons.Add(Of(first, second, method, generator, own, level));
                }
            }
        }
        return comparisons.Count == 0
            ? new Computed<ImmutableArray<MetaPromptComparison>>.NotComputable("no generator and setting were tried with two meta-prompts")
            : comparisons.ToImmutable();
    }

    private static MetaPromptComparison Of(string first, string second, GenerationMethod? method, string? generator, (double First, double Second)[] pairs, double level)
    {
        // A tenth minus a tenth is not zero in binary; published figures have one decimal.
        double[] differences = [.. pairs.Select(pair => Math.Round(pair.First - pair.Second, 9))];
        return new MetaPromptComparison
        {
            First = first,
            Second = second,
            Method = method,
            Generator = generator,
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
/// <param name="Low">Of the mean difference.</param>
/// <param name="EffectSize">Mean over sample standard deviation of the differences (Cohen's d for pairs).</param>
/// <param name="EffectLow">Exact under normal differences: the noncentralities of t for which the one observed lies at either tail (Steiger and Fouladi 1997).</param>
public sealed record PairedTest(double T, int Degrees, double P, double Low, double High, double EffectSize, double EffectLow, double EffectHigh)
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
        var (effectLow, effectHigh) = NoncentralT.Noncentralities(mean / error, n - 1, level);
        return new PairedTest(mean / error, n - 1, LinearFit.TwoSided(mean / error, n - 1), mean - quantile * error, mean + quantile * error, mean / deviation, effectLow / Math.Sqrt(n), effectHigh / Math.Sqrt(n));
    }
}
