using System.Collections.Immutable;
using Agora.Analysis;
using Agora.Experiments;

namespace Agora.Tests.Analysis;

public sealed class MetaPromptComparisonTests
{
    // Values of scipy.stats.nct.cdf, and of its roots in the noncentrality (scipy 1.10).
    [Theory]
    [InlineData(3.2, 17, 0.5, 0.9904822092181776, 0.9320765023400819, 5.395567815411883)]
    [InlineData(0, 5, 3, 0.0013498980316300954, -1.9599639845400543, 1.9599639845400543)]
    [InlineData(-1.1, 1, -1, 0.5522181066489581, -3.330279531093401, 1.3813349588438264)]
    [InlineData(2.0, 2, 3, 0.18223175257129112, -0.7660144771954763, 4.573498894950479)]
    [InlineData(25, 8, 3, 0.9999970255223035, 12.86656541397174, 37.15362321263383)]
    [InlineData(-4, 100, -1, 0.0019937634166877632, -6.027380676851507, -1.9540516825161094)]
    public void The_noncentral_t_is_scipys(double t, int degrees, double noncentrality, double probability, double low, double high)
    {
        Assert.Equal(probability, NoncentralT.AtMost(t, degrees, noncentrality), 1e-9);
        var found = NoncentralT.Noncentralities(t, degrees, 95);
        Assert.Equal(low, found.Low, 1e-6);
        Assert.Equal(high, found.High, 1e-6);
    }

    // By simulation: the interval of an effect size holds the true one as often as it says.
    [Fact]
    public void The_interval_of_an_effect_size_covers()
    {
        const int Trials = 1000, Pairs = 9;
        const double True = 0.8;
        var random = new RandomStreams(5).For("differences");
        var held = 0;
        for (var trial = 0; trial < Trials; trial++)
        {
            double[] differences = [.. Enumerable.Range(0, Pairs).Select(_ => True + Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()))];
            var test = PairedTest.Of(differences, 95).ResultOrDefault!;
            held += test.EffectLow <= True && True <= test.EffectHigh ? 1 : 0;
        }
        // 95 % of 1,000 has a deviation of 6.9.
        Assert.InRange(held, 922, 978);
    }

    [Fact]
    public void Variants_are_compared_over_everything_by_method_and_by_generator_and_only_where_both_were_tried()
    {
        var (math, code) = (new Setting(Domain.Math, GenerationMethod.InstanceGeneration), new Setting(Domain.Code, GenerationMethod.ResponseGeneration));
        var comparisons = Compare(
            ("a", math, "x", 10), ("a", math, "y", 4), ("a", code, "x", 20), ("a", code, "y", 18),
            ("b", math, "x", 7), ("b", math, "y", 8), ("b", code, "x", 30), ("b", code, "y", null));
        Assert.Equal(["all 3", "instance_generation 2", "response_generation 1", "a 2", "b 1"], comparisons.Select(pair => $"{pair.Method?.Name() ?? pair.Generator ?? "all"} {pair.Pairs}"));
        Assert.Equal((6 + 2 - 1) / 3.0, comparisons[0].Difference, 1e-12);
        Assert.Equal(4, comparisons.Single(pair => pair.Generator == "a").Difference, 1e-12);
        Assert.Equal("one pair has no spread", comparisons.Single(pair => pair.Generator == "b").Test.Why);
    }

    [Fact]
    public void One_generator_alone_is_not_compared_twice() =>
        Assert.Single(Compare(("a", new Setting(Domain.Math, GenerationMethod.InstanceGeneration), "x", 10), ("a", new Setting(Domain.Math, GenerationMethod.InstanceGeneration), "y", 4)));

    private static ImmutableArray<MetaPromptComparison> Compare(params (string Generator, Setting Setting, string Variant, double? Pgr)[] cells) =>
        MetaPromptComparison.All(new Study { Source = "test", Cells = [], Metrics = [], Generators = [], MetaPrompts = [.. cells.Select(cell => new MetaPromptCell(cell.Generator, cell.Setting, cell.Variant, cell.Pgr))] }, 95).ResultOrDefault;
}
