using System.Collections.Immutable;
using Agora.Benchmarks;
using Agora.Experiments;
using Agora.Recovery;
using CsCheck;
using static Agora.Recovery.PerformanceGapRecovered;

namespace Agora.Tests.Recovery;

public sealed class RecoveryTableTests
{
    private static readonly Setting Math1 = new(Domain.Math, GenerationMethod.InstanceGeneration);
    private static readonly Setting Math2 = new(Domain.Math, GenerationMethod.ResponseGeneration);

    [Fact]
    public void A_settings_pgr_is_the_mean_over_its_benchmarks_and_a_generators_the_mean_over_settings()
    {
        var table = new Grid(Items: 20)
            .Anchors("gsm8k", baseRight: 4, referenceRight: 14).Anchors("math", baseRight: 0, referenceRight: 10)
            .Student("A", Math1, "gsm8k", right: 9).Student("A", Math1, "math", right: 10)      // 50 % and 100 %
            .Student("A", Math2, "gsm8k", right: 4).Student("A", Math2, "math", right: 3)       // 0 % and 30 %
            .Compute();
        Assert.Equal(50, Pgr(table, "A", new RecoveryScope.OneBenchmark(Math1, "gsm8k")), 9);
        Assert.Equal(75, Pgr(table, "A", new RecoveryScope.OneSetting(Math1)), 9);
        Assert.Equal(15, Pgr(table, "A", new RecoveryScope.OneMethod(GenerationMethod.ResponseGeneration)), 9);
        Assert.Equal(45, Pgr(table, "A", new RecoveryScope.OneDomain(Domain.Math)), 9);
        Assert.Equal(45, Pgr(table, "A", new RecoveryScope.Overall()), 9);
    }

    [Fact]
    public void A_score_of_none_right_has_the_exact_interval_where_every_resample_would_say_none()
    {
        var table = new Grid(Items: 500).Anchors("gsm8k", baseRight: 0, referenceRight: 300).Student("A", Math1, "gsm8k", right: 500).Compute();
        var bounds = table.Scores.Select(score => Assert.IsType<ConfidenceInterval.Bounds>(Assert.IsType<ScoreValue.Mean>(score.Score).Interval)).ToArray();
        var exact = 1 - Math.Pow(0.025, 1 / 500.0);     // Clopper and Pearson's for none of 500
        Assert.Equal(0, bounds[0].Low);
        Assert.Equal(exact, bounds[0].High, 1e-12);
        Assert.InRange(bounds[1].Low, 0.54, 0.57);
        Assert.Equal(1 - exact, bounds[2].Low, 1e-12);
    }

    [Fact]
    public void Of_several_training_seeds_that_get_nothing_right_the_interval_is_not_a_point_either()
    {
        var table = new Grid(Items: 500).Anchors("gsm8k", baseRight: 0, referenceRight: 300)
            .Student("A", Math1, "gsm8k", right: 0, seed: 1).Student("A", Math1, "gsm8k", right: 0, seed: 2).Student("A", Math1, "gsm8k", right: 0, seed: 3).Compute();
        var score = Assert.Single(table.Scores, score => score.Model is ScoredModel.OfStudent);
        var bounds = Assert.IsType<ConfidenceInterval.Bounds>(Assert.IsType<ScoreValue.Mean>(score.Score).Interval);
        // Three answers to one item are one observation of it: none of 500, not of 1,500.
        Assert.Equal((0, 1 - Math.Pow(0.025, 1 / 500.0)), (bounds.Low, Math.Round(bounds.High, 15)), (one, other) => one.Item1 == other.Item1 && Math.Abs(one.Item2 - other.Item2) < 1e-12);
    }

    [Fact]
    public void Where_the_reference_does_not_beat_the_base_model_the_setting_is_undefined_and_says_on_which_benchmark()
    {
        var table = new Grid(Items: 20)
            .Anchors("gsm8k", baseRight: 10, referenceRight: 10).Anchors("math", baseRight: 0, referenceRight: 10)
            .Student("A", Math1, "gsm8k", right: 9).Student("A", Math1, "math", right: 10).Compute();
        var estimate = table.Find("s", "A", new RecoveryScope.OneSetting(Math1))!;
        Assert.Contains("math/instance_generation/gsm8k", Assert.IsType<Undefined>(estimate.Pgr).Reason);
        Assert.IsType<ConfidenceInterval.Unbounded>(estimate.Interval);
        Assert.Equal(1, estimate.UndefinedShare);
    }

    [Fact]
    public void An_answer_without_a_grade_leaves_its_item_out_for_all_three_models_and_is_counted()
    {
        var unscored = new Grade.Unscored("the judge's verdict could not be parsed");
        var table = new Grid(Items: 10)
            .Anchors("gsm8k", [1, 0, 0, 0, 0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 0, 0, 0, 0, 0])
            .Student("A", Math1, "gsm8k", [unscored, new Grade.Scored(1), .. Enumerable.Repeat(new Grade.Scored(0), 8)]).Compute();
        // On the nine items left: base 0, reference 4, student 1.
        var estimate = table.Find("s", "A", new RecoveryScope.OneBenchmark(Math1, "gsm8k"))!;
        Assert.Equal(25, ((Percent)estimate.Pgr).Value, 9);
        Assert.Equal((9, 1), (estimate.Items, estimate.ExcludedItems));
        var score = Assert.Single(table.Scores, score => score.Model is ScoredModel.OfStudent);
        Assert.Equal(9, score.Graded);
        Assert.Equal([new UnscoredCount("the judge's verdict could not be parsed", 1)], score.Unscored);
    }

    [Fact]
    public void Without_any_grade_pgr_is_undefined() =>
        Assert.IsType<Undefined>(new Grid(Items: 5).Anchors("gsm8k", baseRight: 0, referenceRight: 5)
            .Student("A", Math1, "gsm8k", Enumerable.Repeat<Grade>(new Grade.Unscored("no reply"), 5)).Compute()
            .Find("s", "A", new RecoveryScope.Overall())!.Pgr);

    [Fact]
    public void Without_answers_of_the_base_model_pgr_is_undefined_and_says_so()
    {
        var grid = new Grid(Items: 20).Anchors("gsm8k", baseRight: 4, referenceRight: 14).Student("A", Math1, "gsm8k", right: 9);
        var table = (grid with { AnchorList = [.. grid.AnchorList.Where(entry => entry.Anchor == Anchor.Reference)] }).Compute();
        Assert.Contains("the base model has no answers", Assert.IsType<Undefined>(table.Find("s", "A", new RecoveryScope.Overall())!.Pgr).Reason);
    }

    [Fact]
    public void A_students_missing_benchmark_leaves_the_setting_undefined_instead_of_averaging_the_rest()
    {
        var table = new Grid(Items: 20)
            .Anchors("gsm8k", baseRight: 4, referenceRight: 14).Anchors("math", baseRight: 0, referenceRight: 10)
            .Student("A", Math1, "gsm8k", right: 9).Compute();
        Assert.Contains("training seed 1", Assert.IsType<Undefined>(table.Find("s", "A", new RecoveryScope.OneSetting(Math1))!.Pgr).Reason);
    }

    [Fact]
    public void The_order_of_answers_changes_nothing() => Gen.Long.Sample(seed =>
    {
        var grid = new Grid(Items: 30).Anchors("gsm8k", baseRight: 5, referenceRight: 20).Student("A", Math1, "gsm8k", right: 14);
        var random = new RandomStreams(seed).For("order");
        var shuffled = grid with
        {
            Students = [.. grid.Students.Select(entry => entry with { Grades = Shuffled(entry.Grades, random) })],
            AnchorList = [.. grid.AnchorList.Select(entry => entry with { Grades = Shuffled(entry.Grades, random) })],
        };
        Assert.Equal(Intervals(grid.Compute()), Intervals(shuffled.Compute()));
    }, iter: 20);

    [Fact]
    public void The_same_training_seed_twice_widens_nothing()
    {
        var once = new Grid(Items: 50).Anchors("gsm8k", baseRight: 5, referenceRight: 40).Student("A", Math1, "gsm8k", right: 22);
        Assert.Equal(Intervals(once.Compute()), Intervals(once.Student("A", Math1, "gsm8k", right: 22, seed: 2).Compute()));
    }

    [Fact]
    public void Training_seeds_that_disagree_widen_the_interval()
    {
        var agreeing = new Grid(Items: 200).Anchors("gsm8k", baseRight: 0, referenceRight: 200)
            .Student("A", Math1, "gsm8k", right: 100).Student("A", Math1, "gsm8k", right: 100, seed: 2);
        var disagreeing = new Grid(Items: 200).Anchors("gsm8k", baseRight: 0, referenceRight: 200)
            .Student("A", Math1, "gsm8k", right: 70).Student("A", Math1, "gsm8k", right: 130, seed: 2);
        Assert.True(Width(disagreeing.Compute()) > 1.5 * Width(agreeing.Compute()));
    }

    [Fact]
    public void A_generator_compared_with_its_equal_does_not_differ()
    {
        var table = new Grid(Items: 50).Anchors("gsm8k", baseRight: 5, referenceRight: 40)
            .Student("A", Math1, "gsm8k", right: 22).Student("B", Math1, "gsm8k", right: 22).Compute();
        var outcome = Assert.IsType<ComparisonOutcome.Difference>(table.Comparisons[0].Outcome);
        Assert.Equal((0, 1, 1), (outcome.Points, outcome.PValue, outcome.AdjustedPValue));
        Assert.Equal(new ConfidenceInterval.Bounds(0, 0), outcome.Interval);
    }

    [Fact]
    public void Pairing_sees_a_difference_that_separate_intervals_hide()
    {
        // B is right wherever A is, and on 15 items more: the intervals overlap, the paired difference is beyond doubt.
        var table = new Grid(Items: 200).Anchors("gsm8k", baseRight: 0, referenceRight: 200)
            .Student("A", Math1, "gsm8k", right: 90).Student("B", Math1, "gsm8k", right: 105).Compute();
        var (a, b) = (Bounds(table, "A"), Bounds(table, "B"));
        Assert.True(a.Overlaps(b));
        var outcome = Assert.IsType<ComparisonOutcome.Difference>(table.Comparisons[0].Outcome);
        Assert.Equal(-7.5, outcome.Points, 9);
        Assert.True(outcome.SignificantAt(95));
    }

    [Fact]
    public void Overall_two_generators_are_compared_on_the_settings_that_both_have()
    {
        var table = new Grid(Items: 20).Anchors("gsm8k", baseRight: 0, referenceRight: 20)
            .Student("A", Math1, "gsm8k", right: 10).Student("A", Math2, "gsm8k", right: 20)
            .Student("B", Math1, "gsm8k", right: 5).Compute();
        var overall = Assert.Single(table.Comparisons, pair => pair.Scope is RecoveryScope.Overall);
        Assert.Equal([Math1], overall.Settings);
        Assert.Equal(25, Assert.IsType<ComparisonOutcome.Difference>(overall.Outcome).Points, 9);
    }

    [Fact]
    public void The_same_grades_and_seed_give_the_same_table()
    {
        var grid = new Grid(Items: 100).Anchors("gsm8k", baseRight: 10, referenceRight: 70).Student("A", Math1, "gsm8k", right: 41);
        Assert.Equal(Intervals(grid.Compute(seed: 3)), Intervals(grid.Compute(seed: 3)));
        Assert.NotEqual(Intervals(grid.Compute(seed: 3)), Intervals(grid.Compute(seed: 4)));
    }

    // Base right with 0.2, reference 0.7, student 0.45, independently: the true PGR is 50 %.
    [Fact]
    public void An_interval_of_95_percent_covers_the_true_pgr_about_95_times_in_100()
    {
        const int Runs = 300;
        var covered = 0;
        for (var run = 0; run < Runs; run++)
        {
            var random = new RandomStreams(run).For("simulation");
            Grade Draw(double chance) => new Grade.Scored(random.Chance(chance) ? 1 : 0);
            var grid = new Grid(Items: 300)
                .Anchors("gsm8k", [.. Enumerable.Range(0, 300).Select(_ => Draw(0.2))], [.. Enumerable.Range(0, 300).Select(_ => Draw(0.7))])
                .Student("A", Math1, "gsm8k", [.. Enumerable.Range(0, 300).Select(_ => Draw(0.45))]);
            if (Bounds(grid.Compute(seed: run, resamples: 400), "A") is { Low: <= 50, High: >= 50 })
                covered++;
        }
        Assert.InRange(covered / (double)Runs, 0.92, 0.98);
    }

    // The luck of training: every student's own chance of being right is drawn around 0.45.
    [Fact]
    public void With_five_training_seeds_the_interval_covers_the_luck_of_training_too()
    {
        const int Runs = 300;
        var covered = 0;
        for (var run = 0; run < Runs; run++)
        {
            var random = new RandomStreams(run).For("simulation");
            Grade Draw(double chance) => new Grade.Scored(random.Chance(chance) ? 1 : 0);
            var grid = new Grid(Items: 200)
                .Anchors("gsm8k", [.. Enumerable.Range(0, 200).Select(_ => Draw(0.2))], [.. Enumerable.Range(0, 200).Select(_ => Draw(0.7))]);
            for (var seed = 1; seed <= 5; seed++)
            {
                var chance = 0.45 + 0.2 * (random.NextDouble() - 0.5);
                grid = grid.Student("A", Math1, "gsm8k", [.. Enumerable.Range(0, 200).Select(_ => Draw(chance))], seed);
            }
            if (Bounds(grid.Compute(seed: run, resamples: 400), "A") is { Low: <= 50, High: >= 50 })
                covered++;
        }
        Assert.InRange(covered / (double)Runs, 0.92, 1.0);
    }

    private static double Pgr(RecoveryTable table, string generator, RecoveryScope scope) =>
        Assert.IsType<Percent>(table.Find("s", generator, scope)!.Pgr).Value;

    private static ConfidenceInterval.Bounds Bounds(RecoveryTable table, string generator) =>
        Assert.IsType<ConfidenceInterval.Bounds>(table.Find("s", generator, new RecoveryScope.Overall())!.Interval);

    private static double Width(RecoveryTable table) => Bounds(table, "A").High - Bounds(table, "A").Low;

    private static IEnumerable<ConfidenceInterval> Intervals(RecoveryTable table) => table.Estimates.Select(estimate => estimate.Interval);

    private static ImmutableArray<GradedAnswer> Shuffled(ImmutableArray<GradedAnswer> grades, RandomStream random)
    {
        var array = grades.ToArray();
        random.Shuffle<GradedAnswer>(array);
        return [.. array];
    }

    // The first so many items are right: students are nested, as models of one family are.
    private sealed record Grid(int Items)
    {
        public ImmutableArray<StudentGrades> Students { get; init; } = [];
        public ImmutableArray<AnchorGrades> AnchorList { get; init; } = [];

        public Grid Anchors(string benchmark, int baseRight, int referenceRight) => Anchors(benchmark, Right(baseRight), Right(referenceRight));

        public Grid Anchors(string benchmark, int[] baseModel, int[] reference) =>
            Anchors(benchmark, [.. baseModel.Select(Scored)], [.. reference.Select(Scored)]);

        public Grid Anchors(string benchmark, Grade[] baseModel, Grade[] reference) => this with
        {
            AnchorList =
            [
                .. AnchorList,
                new AnchorGrades { Student = "s", Anchor = Anchor.Base, Domain = Domain.Math, Benchmark = benchmark, Grades = Answers(baseModel) },
                new AnchorGrades { Student = "s", Anchor = Anchor.Reference, Domain = Domain.Math, Benchmark = benchmark, Grades = Answers(reference) },
            ],
        };

        public Grid Student(string generator, Setting setting, string benchmark, int right, long seed = 1) =>
            Student(generator, setting, benchmark, Right(right).Select(Scored), seed);

        public Grid Student(string generator, Setting setting, string benchmark, IEnumerable<Grade> grades, long seed = 1) => this with
        {
            Students =
            [
                .. Students,
                new StudentGrades { Student = "s", Generator = generator, Setting = setting, TrainingSeed = seed, Benchmark = benchmark, Grades = Answers(grades) },
            ],
        };

        public RecoveryTable Compute(long seed = 7, int resamples = 1000) => RecoveryTable.Compute(
            new RecoveryGrades { Students = Students, Anchors = AnchorList }, new ConfidenceSpec { Resamples = resamples }, new RandomStreams(seed));

        private int[] Right(int right) => [.. Enumerable.Range(0, Items).Select(item => item < right ? 1 : 0)];

        private static Grade Scored(int value) => new Grade.Scored(value);

        private static ImmutableArray<GradedAnswer> Answers(IEnumerable<Grade> grades) =>
            [.. grades.Select((grade, item) => new GradedAnswer($"item-{item}", null, grade))];
    }
}
