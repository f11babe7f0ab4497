using Agora.Benchmarks;
using Agora.Recovery;
using CsCheck;

namespace Agora.Tests.Recovery;

public sealed class ClusteredScoreTests
{
    [Fact]
    public void With_one_answer_an_item_the_standard_error_is_the_plain_one()
    {
        var score = ClusteredScore.Of([.. Enumerable.Range(0, 100).Select(i => Graded($"{i}", i < 30 ? 1 : 0))], 95)!;
        Assert.Equal(0.3, score.Mean, 1e-12);
        Assert.Equal(Math.Sqrt(0.3 * 0.7 / 99), score.StandardError!.Value, 1e-12);
        Assert.Equal("normal, clustered by item", score.IntervalMethod);
    }

    // Ten samples that always agree are one observation, not ten.
    [Fact]
    public void Repeating_every_answer_changes_neither_score_nor_standard_error() =>
        Gen.Int[0, 1].Array[20, 60].Sample(values =>
        {
            var once = ClusteredScore.Of(values.Select((value, item) => Graded($"{item}", value)), 95)!;
            var often = ClusteredScore.Of(values.SelectMany((value, item) => Enumerable.Repeat(Graded($"{item}", value), 10)), 95)!;
            return Math.Abs(once.Mean - often.Mean) < 1e-12 && Math.Abs(once.StandardError!.Value - often.StandardError!.Value) < 1e-12 && often.Graded == 10 * once.Graded;
        });

    [Fact]
    public void Ungraded_answers_are_in_no_mean()
    {
        var score = ClusteredScore.Of([Graded("a", 1), new GradedAnswer("b", null, new Grade.Unscored("no verdict")), Graded("c", 0)], 95)!;
        Assert.Equal((0.5, 2), (score.Mean, score.Items));
        Assert.Null(ClusteredScore.Of([new GradedAnswer("b", null, new Grade.Unscored("no verdict"))], 95));
    }

    // Clopper and Pearson's interval of 0 in n is [0, 1 - (alpha/2)^(1/n)].
    [Fact]
    public void No_success_at_all_still_leaves_an_interval()
    {
        var score = ClusteredScore.Of([.. Enumerable.Range(0, 164).Select(i => Graded($"{i}", 0))], 95)!;
        var bounds = Assert.IsType<ConfidenceInterval.Bounds>(score.Interval);
        Assert.Equal(0, bounds.Low);
        Assert.Equal(1 - Math.Pow(0.025, 1.0 / 164), bounds.High, 1e-9);
        Assert.Equal("exact (Clopper-Pearson)", score.IntervalMethod);
    }

    [Fact]
    public void Grades_between_right_and_wrong_near_an_end_get_wilsons_interval()
    {
        var score = ClusteredScore.Of([.. Enumerable.Range(0, 50).Select(i => Graded($"{i}", i < 2 ? 0.5 : 0))], 95)!;
        Assert.Equal("Wilson", score.IntervalMethod);
        var bounds = (ConfidenceInterval.Bounds)score.Interval;
        Assert.InRange(score.Mean, bounds.Low, bounds.High);
        Assert.True(bounds.Low > 0);
    }

    // The published example of Wilson's interval: 10 of 50 at 95 %.
    [Fact]
    public void Wilsons_interval_is_the_textbooks()
    {
        var bounds = ProportionInterval.Wilson(0.2, 50, 95);
        Assert.Equal((0.1124375, 0.3303711), (bounds.Low, bounds.High), new Within(1e-5));
    }

    // 7 of 20 by scipy.stats.binomtest: [0.1539, 0.5922].
    [Fact]
    public void The_exact_interval_is_the_textbooks()
    {
        var bounds = ProportionInterval.Exact(7, 20, 95);
        Assert.Equal((0.15390920, 0.59218853), (bounds.Low, bounds.High), new Within(1e-6));
    }

    [Fact]
    public void Swapping_right_and_wrong_mirrors_the_exact_interval() =>
        Gen.Select(Gen.Int[1, 300], Gen.Int[0, 300]).Where((n, k) => k <= n).Sample((n, k) =>
        {
            var (one, other) = (ProportionInterval.Exact(k, n, 95), ProportionInterval.Exact(n - k, n, 95));
            return Math.Abs(one.Low - (1 - other.High)) < 1e-9 && Math.Abs(one.High - (1 - other.Low)) < 1e-9;
        });

    [Fact]
    public void Pass_at_k_over_tasks_has_the_standard_error_of_its_mean()
    {
        GradedAnswer[] grades = [.. from task in Enumerable.Range(0, 40) from sample in Enumerable.Range(0, 5) select Graded($"{task}", sample < task % 6 ? 1 : 0)];
        var estimate = PassAtKEstimate.Of(grades, 2, 95)!;
        Assert.Equal(PassAtK.Mean([.. Enumerable.Range(0, 40).Select(task => (5, task % 6))], 2)!.Value, estimate.Mean, 1e-12);
        Assert.InRange(estimate.StandardError!.Value, 0.05, 0.08);
        Assert.Null(PassAtKEstimate.Of(grades, 6, 95));
    }

    private static GradedAnswer Graded(string item, double value) => new(item, null, new Grade.Scored(value));

    private sealed class Within(double tolerance) : IEqualityComparer<(double, double)>
    {
        public bool Equals((double, double) x, (double, double) y) => Math.Abs(x.Item1 - y.Item1) <= tolerance && Math.Abs(x.Item2 - y.Item2) <= tolerance;

        public int GetHashCode((double, double) pair) => 0;
    }
}
