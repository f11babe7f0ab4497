using Agora.Analysis;
using Agora.Experiments;

namespace Agora.Tests.Analysis;

public sealed class BudgetAdviceTests
{
    private static readonly Setting Math = new(Domain.Math, GenerationMethod.ResponseGeneration);

    [Fact]
    public void A_law_without_noise_is_found_again_and_its_uncertainty_grows_beyond_the_data()
    {
        var law = Assert.IsType<Computed<ScalingLaw>.Value>(ScalingLaw.Fit([.. Curve("g", 60, 2000, 500, 1000, 2000, 4000, 8000)], new RandomStreams(1))).Result;
        Assert.Equal(60, law.Limit, 1.0);
        Assert.InRange(law.Half, 1900, 2100);
        Assert.Equal(60 * 16000.0 / 18000, law.At(16000), 0.5);
        var (low, high) = law.IntervalAt(4000);
        Assert.InRange(law.At(4000), low, high);
        Assert.True(law.IntervalAt(32000).High - law.IntervalAt(32000).Low > high - low);
    }

    [Fact]
    public void Two_sizes_are_no_curve() => Assert.Contains("2 sizes of data set do not tell a curve", ScalingLaw.Fit([.. Curve("g", 60, 2000, 500, 1000)], new RandomStreams(1)).Why, StringComparison.Ordinal);

    [Fact]
    public void A_point_without_interval_gives_no_law() => Assert.Contains("no interval", ScalingLaw.Fit([.. Curve("g", 60, 2000, 1, 2, 3).Select(point => point with { Low = null })], new RandomStreams(1)).Why, StringComparison.Ordinal);

    // Slow at first and fast later, as some curves of the nano study are: no saturating law goes through such points, and the interval says so.
    [Fact]
    public void A_curve_that_the_law_misses_has_a_wider_interval_and_is_said_to_miss()
    {
        SuppliedData[] points = [.. new[] { (60, 2.0), (120, 4.0), (240, 20.0), (480, 80.0) }.Select(point => new SuppliedData("g", Math, "agorabench", point.Item1, point.Item2, point.Item2 - 6, point.Item2 + 6, 0.001))];
        var law = ScalingLaw.Fit(points, new RandomStreams(1)).ResultOrDefault!;
        Assert.True(law.Misfit > 1.5);
        var straight = ScalingLaw.Fit([.. points.Select(point => point with { Pgr = law.At(point.Instances), Low = law.At(point.Instances) - 6, High = law.At(point.Instances) + 6 })], new RandomStreams(1)).ResultOrDefault!;
        Assert.Equal(1, straight.Misfit);
        Assert.True(law.IntervalAt(480).High - law.IntervalAt(480).Low > 1.4 * (straight.IntervalAt(480).High - straight.IntervalAt(480).Low));
        Assert.Contains("the curve misses them by", Best(points, 0.4).Basis, StringComparison.Ordinal);
    }

    [Fact]
    public void A_point_at_which_nothing_was_right_is_not_taken_for_certain()
    {
        SuppliedData[] points = [.. Curve("g", 60, 2000, 500, 1000, 2000, 4000)];
        points[0] = points[0] with { Pgr = 0, Low = 0, High = 0 };
        Assert.NotNull(ScalingLaw.Fit(points, new RandomStreams(1)).ResultOrDefault);
        Assert.Contains("no interval", ScalingLaw.Fit([.. points.Select(point => point with { Low = 0, High = 0 })], new RandomStreams(1)).Why, StringComparison.Ordinal);
    }

    // 10,000 instances at 2 cents cost 200 dollars, at 0.2 cents 20; the cheap one's curve ends lower.
    [Fact]
    public void More_money_turns_the_choice_from_the_cheap_generator_to_the_dear_one()
    {
        SuppliedData[] points = [.. Curve("cheap", 30, 500, 1000, 2000, 4000).Select(point => point with { DollarsPerInstance = 0.002 }), .. Curve("dear", 60, 2000, 1000, 2000, 4000).Select(point => point with { DollarsPerInstance = 0.02 })];
        Assert.Equal("cheap", Best(points, 5).Generator);
        var rich = Best(points, 200);
        Assert.Equal(("dear", 10_000), (rich.Generator, rich.Instances));
        Assert.Equal(200, rich.Dollars, 1e-9);
        Assert.Contains("beyond the 4000 instances", rich.Basis, StringComparison.Ordinal);
        // A curve is not followed further than four times its largest size, however much money there is.
        Assert.Equal(16_000, Best(points, 1e6).Instances);
    }

    [Fact]
    public void Training_is_paid_from_the_same_budget()
    {
        SuppliedData[] points = [.. Curve("g", 60, 2000, 1000, 2000, 4000).Select(point => point with { DollarsPerInstance = 0.01 })];
        Assert.Equal(1000, Assert.Single(BudgetAdvice.Of(points, 20, new TrainingPrice(1, 0.01), new RandomStreams(1))).Options[0].Instances);
    }

    [Fact]
    public void Without_a_curve_only_what_was_measured_is_offered_and_without_a_price_nothing()
    {
        SuppliedData[] points = [.. Curve("measured", 60, 2000, 1000).Select(point => point with { DollarsPerInstance = 0.01 }), .. Curve("unpriced", 60, 2000, 1000)];
        var advice = Assert.Single(BudgetAdvice.Of(points, 50, TrainingPrice.NotCounted, new RandomStreams(1)));
        Assert.Equal((1000, 20.0), (Assert.Single(advice.Options).Instances, advice.Options[0].Pgr));
        Assert.Contains(advice.Excluded, reason => reason.StartsWith("unpriced", StringComparison.Ordinal) && reason.EndsWith("its price is not known", StringComparison.Ordinal));
        var poor = Assert.Single(BudgetAdvice.Of(points, 5, TrainingPrice.NotCounted, new RandomStreams(1)));
        Assert.Empty(poor.Options);
        Assert.Contains(poor.Excluded, reason => reason.Contains("1000 instances cost more than the budget", StringComparison.Ordinal));
        Assert.Equal(2, Assert.Throws<AgoraException>(() => BudgetAdvice.Of(points, 0, TrainingPrice.NotCounted, new RandomStreams(1))).ExitCode);
    }

    // The nano study's steepest curve: by the law 164 at 1,920 instances, where the reference has 100.
    [Fact]
    public void An_expectation_above_the_reference_that_no_size_reached_is_said_to_be_one()
    {
        SuppliedData[] points = [.. new[] { (60, 15.9), (120, 23.8), (240, 49.0), (480, 80.3) }.Select(point => new SuppliedData("g", Math, "agorabench", point.Item1, point.Item2, point.Item2 - 6, point.Item2 + 6, 0.001))];
        var far = Best(points, 200);
        Assert.True(far.Pgr > 100);
        Assert.Contains("above 100, the reference itself, which no measured size reached", far.Basis, StringComparison.Ordinal);
        Assert.DoesNotContain("above 100", Best(points, 0.3).Basis, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-3, "Nothing is worth its money: the best option, 100 instances of b")]
    [InlineData(4, "If anything, since no gain is not excluded, buy 100 instances of b")]
    [InlineData(40, "Buy 100 instances of b by math/response_generation (agorabench) for 0.10 dollars, expected PGR 40.0 [30.0, 50.0]; runner-up: 100 instances of a")]
    public void A_purchase_that_gains_nothing_is_not_recommended(double pgr, string verdict)
    {
        SuppliedData[] points = [.. new[] { ("a", pgr - 1), ("b", pgr) }.Select(point => new SuppliedData(point.Item1, Math, "agorabench", 100, point.Item2, point.Item2 - 10, point.Item2 + 10, 0.001))];
        Assert.StartsWith(verdict, Agora.Reports.BudgetTables.Of(BudgetAdvice.Of(points, 5, TrainingPrice.NotCounted, new RandomStreams(1)), 5, countsTraining: false)[0].Notes[0], StringComparison.Ordinal);
    }

    private static BudgetOption Best(SuppliedData[] points, double budget) => Assert.Single(BudgetAdvice.Of(points, budget, TrainingPrice.NotCounted, new RandomStreams(1))).Options[0];

    private static IEnumerable<SuppliedData> Curve(string generator, double limit, double half, params int[] sizes) =>
        sizes.Select(n => new SuppliedData(generator, Math, "agorabench", n, limit * n / (n + half), limit * n / (n + half) - 1, limit * n / (n + half) + 1, null));
}
