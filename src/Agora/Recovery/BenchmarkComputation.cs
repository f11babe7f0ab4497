using System.Collections.Immutable;
using Agora.Benchmarks;
using Agora.Experiments;
using static Agora.Recovery.PerformanceGapRecovered;

namespace Agora.Recovery;

/// <summary>One benchmark of one student: base, reference and all students of the domain, resampled together.</summary>
internal sealed class BenchmarkComputation(
    string student,
    Domain domain,
    string benchmark,
    IReadOnlyList<AnchorGrades> anchors,
    IReadOnlyList<StudentGrades> trained,
    ConfidenceSpec confidence,
    RandomStreams random)
{
    private readonly List<ScoreEstimate> scores = [];

    public IReadOnlyList<ScoreEstimate> Scores => scores;

    public IEnumerable<KeyValuePair<(string Generator, Setting Setting), ResampledRecovery>> Run(IEnumerable<(string Generator, Setting Setting)> cells)
    {
        var baseGrades = AnchorOf(Anchor.Base);
        var referenceGrades = AnchorOf(Anchor.Reference);
        var own = trained.Where(entry => entry.Setting.Domain == domain && entry.Benchmark == benchmark).ToList();
        var resamples = new BenchmarkResamples([baseGrades, referenceGrades, .. own.Select(entry => entry.Grades)]);
        var baseModel = resamples.ByItem(baseGrades);
        var reference = resamples.ByItem(referenceGrades);

        var reads = new List<Func<KeyValuePair<(string, Setting), ResampledRecovery>>>();
        var scoreReads = new List<Func<ScoreEstimate>>
        {
            Score(resamples, new ScoredModel.OfAnchor(Anchor.Base), [baseGrades], null),
            Score(resamples, new ScoredModel.OfAnchor(Anchor.Reference), [referenceGrades], null),
        };
        foreach (var cell in cells)
        {
            var students = own.Where(entry => entry.Generator == cell.Generator && entry.Setting == cell.Setting).ToList();
            var seeds = trained.Where(entry => entry.Generator == cell.Generator && entry.Setting == cell.Setting)
                .Select(entry => entry.TrainingSeed).Distinct().ToList();
            var draws = SeedDraws(cell, seeds.Count);
            reads.Add(Recovery(resamples, cell, baseModel, reference, students, seeds, draws));
            if (students.Count > 0)
            {
                scoreReads.Add(Score(
                    resamples, new ScoredModel.OfStudent(cell.Generator, cell.Setting), [.. students.Select(entry => entry.Grades)],
                    students.Count == seeds.Count ? draws : null));
            }
        }
        // The same items for every student specification, generator and setting: the stream is named after the benchmark alone.
        resamples.Draw(confidence.Resamples, chunk => random.For($"recovery/items/{domain.Name()}/{benchmark}", chunk));
        scores.AddRange(scoreReads.Select(read => read()));
        return [.. reads.Select(read => read())];
    }

    // Empty where the step failed: every PGR on the benchmark is then undefined, and says so.
    private ImmutableArray<GradedAnswer> AnchorOf(Anchor anchor) =>
        anchors.SingleOrDefault(entry => entry.Anchor == anchor && entry.Benchmark == benchmark)?.Grades ?? [];

    private string MissingAnchors() => string.Join(" and ",
        from anchor in (Anchor[])[Anchor.Base, Anchor.Reference]
        where AnchorOf(anchor).IsEmpty
        select anchor == Anchor.Base ? "the base model" : "the reference");

    // Adds the columns now, and reads their sums once the resamples are drawn.
    private Func<KeyValuePair<(string, Setting), ResampledRecovery>> Recovery(
        BenchmarkResamples resamples, (string Generator, Setting Setting) cell, double[] baseModel, double[] reference,
        List<StudentGrades> students, List<long> seeds, double[][]? seedDraws)
    {
        var answers = students.Select(entry => resamples.ByItem(entry.Grades)).ToList();
        var mask = new double[resamples.ItemCount];
        for (var item = 0; item < mask.Length; item++)
            mask[item] = double.IsNaN(baseModel[item]) || double.IsNaN(reference[item]) || answers.Exists(grade => double.IsNaN(grade[item])) ? 0 : 1;
        var count = resamples.Add(mask);
        var baseSum = resamples.Add(Masked(baseModel, mask));
        var referenceSum = resamples.Add(Masked(reference, mask));
        var studentSums = answers.Select(grade => resamples.Add(Masked(grade, mask))).ToList();
        var scope = new RecoveryScope.OneBenchmark(cell.Setting, benchmark);
        var missing = seeds.Except(students.Select(entry => entry.TrainingSeed)).ToList();

        return () =>
        {
            var draws = new double[confidence.Resamples];
            var items = (int)resamples.Total(count);
            PerformanceGapRecovered pgr;
            if (missing.Count > 0)
                pgr = new Undefined($"the student of training seed {string.Join(", ", missing)} has no grades");
            else if (MissingAnchors() is { Length: > 0 } anchorless)
                pgr = new Undefined($"{anchorless} has no answers");
            else if (items == 0)
                pgr = new Undefined("no item has a grade for base model, reference and student alike");
            else
                pgr = Of(studentSums.Average(resamples.Total) / items, resamples.Total(baseSum) / items, resamples.Total(referenceSum) / items);

            if (missing.Count > 0 || items == 0)
                Array.Fill(draws, double.NaN);
            else
                Fill(draws, resamples.Sums(baseSum), resamples.Sums(referenceSum), [.. studentSums.Select(resamples.Sums)], seedDraws);
            return new((cell.Generator, cell.Setting), new ResampledRecovery
            {
                Scope = scope,
                Pgr = pgr,
                Draws = draws,
                Settings = [cell.Setting],
                Items = items,
                ExcludedItems = resamples.ItemCount - items,
                TrainingSeeds = seeds.Count,
            });
        };
    }

    // The number of items cancels in the quotient, so sums do; a resample without a single graded item has no gap either.
    private static void Fill(double[] draws, double[] baseModel, double[] reference, double[][] students, double[][]? seedDraws)
    {
        for (var draw = 0; draw < draws.Length; draw++)
        {
            var gap = reference[draw] - baseModel[draw];
            draws[draw] = gap > 0 ? 100 * (SeedMean(students, seedDraws, draw) - baseModel[draw]) / gap : double.NaN;
        }
    }

    private static double SeedMean(double[][] students, double[][]? seedDraws, int draw)
    {
        if (seedDraws is null)
            return students.Average(student => student[draw]);
        var mean = 0.0;
        for (var seed = 0; seed < students.Length; seed++)
            mean += seedDraws[seed][draw] * students[seed][draw];
        return mean;
    }

    /// <summary>Weights of the training seeds in each resample, [seed][resample]; null where there is one seed.</summary>
    /// <remarks>
    /// One draw fewer than there are seeds: the mean of K − 1 draws from K values has exactly the variance s²/K that the mean of
    /// K seeds is estimated to have, where K draws would understate it, by half for two seeds (McCarthy and Snowden 1985).
    /// </remarks>
    private double[][]? SeedDraws((string Generator, Setting Setting) cell, int seeds)
    {
        if (seeds < 2)
            return null;
        var stream = random.For($"recovery/seeds/{student}/{cell.Generator}/{cell.Setting}");
        var weights = new double[seeds][];
        for (var seed = 0; seed < seeds; seed++)
            weights[seed] = new double[confidence.Resamples];
        for (var draw = 0; draw < confidence.Resamples; draw++)
            for (var drawn = 0; drawn < seeds - 1; drawn++)
                weights[stream.Next(seeds)][draw] += 1.0 / (seeds - 1);
        return weights;
    }

    private Func<ScoreEstimate> Score(
        BenchmarkResamples resamples, ScoredModel model, ImmutableArray<ImmutableArray<GradedAnswer>> answers, double[][]? seedDraws)
    {
        var columns = answers.Select(resamples.ByItem).Select(grades =>
        {
            var mask = Array.ConvertAll(grades, grade => double.IsNaN(grade) ? 0.0 : 1);
            return (Sum: resamples.Add(Masked(grades, mask)), Count: resamples.Add(mask));
        }).ToList();
        return () =>
        {
            var draws = new double[confidence.Resamples];
            var graded = columns.Sum(column => (int)resamples.Total(column.Count));
            ScoreValue score = new ScoreValue.None("no answer has a grade");
            if (columns.TrueForAll(column => resamples.Total(column.Count) > 0))
            {
                var means = columns.Select(column => Quotient(resamples.Sums(column.Sum), resamples.Sums(column.Count))).ToArray();
                for (var draw = 0; draw < draws.Length; draw++)
                    draws[draw] = SeedMean(means, seedDraws, draw);
                var defined = Array.FindAll(draws, draw => !double.IsNaN(draw));
                // Of 0 right in 500, every resample has 0 too: the bootstrap would claim certainty. Of several training seeds, answers to one item belong
                // together, and the seeds' own spread, which the bootstrap knows, counts where it is wider.
                var nearAnEnd = ClusteredScore.Of(answers.SelectMany(seed => seed), confidence.Level) is { IsNearAnEnd: true } clustered ? clustered.Interval : null;
                var resampled = ConfidenceInterval.Percentile(defined, draws.Length - defined.Length, confidence.Level, "no answer with a grade was drawn");
                if (answers.Length > 1 && (nearAnEnd, resampled) is (ConfidenceInterval.Bounds own, ConfidenceInterval.Bounds drawn))
                    nearAnEnd = new ConfidenceInterval.Bounds(Math.Min(own.Low, drawn.Low), Math.Max(own.High, drawn.High));
                score = new ScoreValue.Mean(
                    columns.Average(column => resamples.Total(column.Sum) / resamples.Total(column.Count)),
                    nearAnEnd ?? resampled);
            }
            return new ScoreEstimate
            {
                Student = student,
                Model = model,
                Domain = domain,
                Benchmark = benchmark,
                Score = score,
                Graded = graded,
                Unscored = UnscoredIn(answers),
            };
        };
    }

    private static ImmutableArray<UnscoredCount> UnscoredIn(ImmutableArray<ImmutableArray<GradedAnswer>> answers) =>
    [
        .. answers.SelectMany(grades => grades).Select(answer => answer.Grade).OfType<Grade.Unscored>()
            .GroupBy(grade => grade.Reason).Select(group => new UnscoredCount(group.Key, group.Count()))
            .OrderByDescending(count => count.Answers).ThenBy(count => count.Reason, StringComparer.Ordinal),
    ];

    private static double[] Masked(double[] grades, double[] mask)
    {
        var masked = new double[grades.Length];
        for (var item = 0; item < masked.Length; item++)
            masked[item] = mask[item] == 0 ? 0 : grades[item];
        return masked;
    }

    private static double[] Quotient(double[] sums, double[] counts)
    {
        var quotient = new double[sums.Length];
        for (var draw = 0; draw < quotient.Length; draw++)
            quotient[draw] = sums[draw] / counts[draw];
        return quotient;
    }
}
