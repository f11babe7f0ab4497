using System.Collections.Immutable;
using Agora.Benchmarks;
using Agora.Experiments;
using static Agora.Recovery.PerformanceGapRecovered;

namespace Agora.Recovery;

/// <summary>One pass over the grades of a run: columns, resamples, cells, means over cells, comparisons.</summary>
internal sealed class RecoveryComputation(RecoveryGrades grades, ConfidenceSpec confidence, RandomStreams random)
{
    private readonly List<RecoveryEstimate> estimates = [];
    private readonly List<GeneratorComparison> comparisons = [];
    private readonly List<ScoreEstimate> scores = [];

    public RecoveryTable Run()
    {
        foreach (var student in grades.Students.Select(entry => entry.Student).Distinct())
            Student(student);
        return new RecoveryTable
        {
            Estimates = [.. estimates],
            Comparisons = [.. comparisons],
            Scores = [.. scores],
            Confidence = confidence,
        };
    }

    private void Student(string student)
    {
        var trained = grades.Students.Where(entry => entry.Student == student).ToList();
        var cells = new Dictionary<(string Generator, Setting Setting), List<ResampledRecovery>>();
        // Rows stay in the order of the grades, although the resamples are drawn benchmark by benchmark.
        foreach (var entry in trained)
            cells.TryAdd((entry.Generator, entry.Setting), []);

        foreach (var domain in trained.Select(entry => entry.Setting.Domain).Distinct())
        {
            var anchors = grades.Anchors.Where(entry => entry.Student == student && entry.Domain == domain).ToList();
            var benchmarks = anchors.Select(entry => entry.Benchmark)
                .Concat(trained.Where(entry => entry.Setting.Domain == domain).Select(entry => entry.Benchmark)).Distinct();
            foreach (var benchmark in benchmarks)
            {
                var computation = new BenchmarkComputation(student, domain, benchmark, anchors, trained, confidence, random);
                foreach (var (cell, recovery) in computation.Run(cells.Keys.Where(cell => cell.Setting.Domain == domain)))
                    cells[cell].Add(recovery);
                scores.AddRange(computation.Scores);
            }
        }
        var settings = cells.ToDictionary(
            cell => cell.Key,
            cell => ResampledRecovery.Mean(new RecoveryScope.OneSetting(cell.Key.Setting), cell.Value));

        foreach (var ((generator, _), recovery) in cells.SelectMany(cell => cell.Value.Select(recovery => (cell.Key, recovery))))
            Report(student, generator, recovery);
        foreach (var ((generator, _), recovery) in settings)
            Report(student, generator, recovery);
        var generators = cells.Keys.Select(cell => cell.Generator).Distinct().ToList();
        foreach (var generator in generators)
        {
            var own = settings.Where(cell => cell.Key.Generator == generator).ToList();
            foreach (var byMethod in own.GroupBy(cell => cell.Key.Setting.Method).OrderBy(group => group.Key))
                Report(student, generator, ResampledRecovery.Mean(new RecoveryScope.OneMethod(byMethod.Key), [.. byMethod.Select(cell => cell.Value)]));
            foreach (var byDomain in own.GroupBy(cell => cell.Key.Setting.Domain).OrderBy(group => group.Key))
                Report(student, generator, ResampledRecovery.Mean(new RecoveryScope.OneDomain(byDomain.Key), [.. byDomain.Select(cell => cell.Value)]));
            Report(student, generator, ResampledRecovery.Mean(new RecoveryScope.Overall(), [.. own.Select(cell => cell.Value)]));
        }

        foreach (var setting in cells.Keys.Select(cell => cell.Setting).Distinct())
            Compare(student, new RecoveryScope.OneSetting(setting), generators, settings);
        Compare(student, new RecoveryScope.Overall(), generators, settings);
    }

    private void Report(string student, string generator, ResampledRecovery recovery)
    {
        var defined = recovery.DefinedDraws();
        var undefined = recovery.Draws.Length - defined.Length;
        estimates.Add(new RecoveryEstimate
        {
            Student = student,
            Generator = generator,
            Scope = recovery.Scope,
            Pgr = recovery.Pgr,
            Interval = recovery.Pgr is Undefined
                ? new ConfidenceInterval.Unbounded("PGR is undefined")
                : ConfidenceInterval.Percentile(defined, undefined, confidence.Level, ConfidenceInterval.NoGap),
            UndefinedShare = recovery.Draws.Length == 0 ? 0 : (double)undefined / recovery.Draws.Length,
            Settings = recovery.Settings,
            Items = recovery.Items,
            ExcludedItems = recovery.ExcludedItems,
            TrainingSeeds = recovery.TrainingSeeds,
        });
    }

    private void Compare(
        string student, RecoveryScope scope, List<string> generators, Dictionary<(string Generator, Setting Setting), ResampledRecovery> settings)
    {
        bool Covers(Setting setting) => scope is not RecoveryScope.OneSetting(var one) || one == setting;
        var pairs = new List<GeneratorComparison>();
        for (var first = 0; first < generators.Count; first++)
        {
            for (var second = first + 1; second < generators.Count; second++)
            {
                var shared = settings.Keys
                    .Where(cell => cell.Generator == generators[first] && Covers(cell.Setting) && settings.ContainsKey((generators[second], cell.Setting)))
                    .Select(cell => cell.Setting).ToImmutableArray();
                if (shared.IsEmpty)
                    continue;
                pairs.Add(new GeneratorComparison
                {
                    Student = student,
                    First = generators[first],
                    Second = generators[second],
                    Scope = scope,
                    Settings = shared,
                    Outcome = PairedDifference.Of(
                        ResampledRecovery.Mean(scope, [.. shared.Select(setting => settings[(generators[first], setting)])]),
                        ResampledRecovery.Mean(scope, [.. shared.Select(setting => settings[(generators[second], setting)])]),
                        confidence.Level),
                });
            }
        }
        comparisons.AddRange(PairedDifference.Corrected(pairs));
    }
}
