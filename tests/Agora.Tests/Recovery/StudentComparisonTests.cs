using System.Numerics;
using Agora.Benchmarks;
using Agora.Experiments;
using Agora.Recovery;
using CsCheck;

namespace Agora.Tests.Recovery;

public sealed class StudentComparisonTests
{
    [Theory]
    [InlineData(0, 0, 1)]
    [InlineData(5, 5, 1)]
    [InlineData(1, 9, 0.021484375)]         // 2 (1 + 10) / 2^10
    [InlineData(0, 6, 0.03125)]             // 2 / 2^6
    [InlineData(12, 30, 0.0079)]
    public void McNemars_test_is_an_exact_binomial_one(int first, int second, double p)
    {
        Assert.Equal(p, McNemarTest.PValue(first, second), 5e-4);
        Assert.Equal(McNemarTest.PValue(first, second), McNemarTest.PValue(second, first));
    }

    [Fact]
    public void Binomial_tails_are_those_of_exact_arithmetic() =>
        Gen.Select(Gen.Int[1, 120], Gen.Int[0, 120]).Where((n, k) => k <= n).Sample((n, k) =>
        {
            var sum = BigInteger.Zero;
            var term = BigInteger.One;
            for (var i = 0; i <= k; i++)
            {
                sum += term;
                term = term * (n - i) / (i + 1);
            }
            return Math.Abs(BinomialDistribution.AtMost(k, n, 0.5) - Math.Exp(BigInteger.Log(sum) - n * Math.Log(2))) < 1e-11;
        });

    [Theory]
    [InlineData(0.975, 1.959963984540054)]
    [InlineData(0.8, 0.8416212335729143)]
    [InlineData(0.5, 0)]
    [InlineData(1e-10, -6.361340902404056)]
    public void Normal_quantiles_are_the_tables(double probability, double value) => Assert.Equal(value, NormalDistribution.Quantile(probability), 1e-9);

    [Fact]
    public void A_student_is_compared_with_another_item_by_item()
    {
        var comparison = Compare([1, 1, 1, 0, 0, 1], [1, 0, 0, 0, 1, 0]);
        Assert.Equal(2.0 / 6, comparison.Difference, 1e-12);
        Assert.Equal((3, 1, 6), (comparison.FirstBetter, comparison.SecondBetter, comparison.Items));
        Assert.Equal(0.625, comparison.McNemarP!.Value, 1e-9);      // 2 (1 + 4) / 2^4
    }

    [Fact]
    public void Swapping_the_students_turns_the_difference_around() =>
        Gen.Select(Gen.Int[0, 1].Array[40], Gen.Int[0, 1].Array[40]).Sample((first, second) =>
        {
            var (one, other) = (Compare(first, second), Compare(second, first));
            return one.Difference == -other.Difference && one.McNemarP == other.McNemarP && one.BootstrapP == other.BootstrapP && one.StandardError == other.StandardError;
        });

    [Fact]
    public void Samples_and_shares_have_no_mcnemar_test()
    {
        var confidence = new ConfidenceSpec { Resamples = 500 };
        GradedAnswer[] two = [Graded("a", 1), Graded("a", 0), Graded("b", 1), Graded("b", 1)];
        Assert.Null(StudentComparison.Of(two, two, confidence, new RandomStreams(1)).McNemarP);
        Assert.Null(StudentComparison.Of([Graded("a", 0.5)], [Graded("a", 1)], confidence, new RandomStreams(1)).McNemarP);
    }

    [Fact]
    public void Items_that_only_one_of_them_has_are_left_out_and_counted()
    {
        var comparison = StudentComparison.Of([Graded("a", 1), Graded("b", 1)], [Graded("b", 0), Graded("c", 1)], new ConfidenceSpec { Resamples = 500 }, new RandomStreams(1));
        Assert.Equal((1, 2), (comparison.Items, comparison.Unpaired));
        Assert.Throws<AgoraException>(() => StudentComparison.Of([Graded("a", 1)], [Graded("b", 1)], new ConfidenceSpec(), new RandomStreams(1)));
    }

    [Fact]
    public void Many_comparisons_are_corrected_together()
    {
        var one = Compare([1, 1, 1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 0, 0, 0]);
        var corrected = StudentComparison.Corrected([one, one, one]);
        Assert.All(corrected, comparison => Assert.Equal(3 * one.McNemarP!.Value, comparison.AdjustedP, 1e-12));
    }

    // Miller (arXiv:2411.00640): what a benchmark of 500 questions can tell.
    [Fact]
    public void Five_hundred_items_can_tell_six_points_apart()
    {
        Assert.Equal(0.063, DetectableDifference.Of(500), 5e-4);
        Assert.Equal(DetectableDifference.Of(500) / 2, DetectableDifference.Of(2000), 1e-12);
        Assert.True(DetectableDifference.Of(500, correlation: 0) > DetectableDifference.Of(500));
        Assert.Equal(1, DetectableDifference.Of(1));
    }

    private static StudentComparison Compare(int[] first, int[] second) => StudentComparison.Of(
        first.Select((value, item) => Graded($"{item}", value)), second.Select((value, item) => Graded($"{item}", value)), new ConfidenceSpec { Resamples = 500 }, new RandomStreams(1));

    private static GradedAnswer Graded(string item, double value) => new(item, null, new Grade.Scored(value));
}
