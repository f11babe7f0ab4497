using System.Collections.Immutable;
using Agora.Analysis;
using Agora.Experiments;
using Agora.IntrinsicMetrics;
using Agora.Reports;
using Agora.Training;

namespace Agora.Runs;

/// <summary>Finished runs as a study: PGR from their results, profiles from what <c>agora metrics</c> measured.</summary>
public sealed record RunStudy
{
    /// <summary>Of the first run; meta-prompts of all of them.</summary>
    public required Study Study { get; init; }
    /// <summary>Of all runs.</summary>
    public required ImmutableArray<SuppliedData> Supply { get; init; }
    /// <summary>Of all runs: every data set, and what a generator wrote for all settings together.</summary>
    public required ImmutableArray<Purchase> Purchases { get; init; }
    /// <summary>As the first run's experiment says; not counted where it says nothing.</summary>
    public required TrainingPrice Training { get; init; }
    public required ImmutableArray<string> Remarks { get; init; }

    /// <summary>Of a run whose files are not written yet.</summary>
    internal static RunStudy Of(RunReport report) => Of([new ReadRun(report.Experiment.Name, report.Experiment, ResultsDocument.Of(report, []), report.Profiles, TokenHours(report.Experiment,
        report.Training.Select(trained => (trained.Student, trained.Generator, trained.Setting, trained.Tokens))))]);

    /// <param name="runs">The first is analysed; others add sizes of data sets and meta-prompts.</param>
    /// <exception cref="AgoraException">A run has no results, or runs differ in what decides PGR besides the data.</exception>
    /// <param name="store">Where the students of the runs lie, and how long their trainings took; null: that is not asked for.</param>
    public static RunStudy Of(IReadOnlyList<RunFolder> runs, StepStore? store = null) => Of([.. runs.Select(run => Read(run, store))]);

    private static RunStudy Of(ReadRun[] read)
    {
        var remarks = new List<string>();
        var first = read[0];
        foreach (var other in read.Skip(1))
        {
            string[] different = [.. Deciding(first.Experiment).Zip(Deciding(other.Experiment)).Where(pair => pair.First != pair.Second).Select(pair => pair.First.Name)];
            if (different.Length > 0)
                throw new AgoraException($"the runs are different experiments: {string.Join(", ", different)} differ, so that their PGRs do not compare", $"{first.Id}, {other.Id}", "analyse them one by one") { ExitCode = 2 };
            if (other.Results.Agora != first.Results.Agora)
                remarks.Add($"{first.Id} was made by Agora {first.Results.Agora} and {other.Id} by {other.Results.Agora}: a difference between them may be one of versions");
        }
        var student = first.Experiment.Students[0].Name;
        if (first.Experiment.Students.Length > 1)
            remarks.Add($"the run has {first.Experiment.Students.Length} students; only {student} is analysed");
        var profiles = first.Profiles.Where(profile => profile.Setting is not null).ToDictionary(profile => (profile.Generator, profile.Setting!.Value));
        if (profiles.Count == 0)
            remarks.Add($"the run has no {RunDataSets.MetricsFile}: \"agora metrics {first.Id}\" measures what the components are computed from");
        foreach (var (name, reason) in first.Results.Missing.Select(part => (part.What, part.Reason)))
            remarks.Add($"{name} is missing: {reason}");

        var all = Cells(first, student);
        // One point a generator: what it wrote with another meta-prompt is compared with that, and is no generator of its own.
        var cells = all.Where(cell => first.Experiment.GeneratorBehind(cell.Entry.Generator) == cell.Entry.Generator).ToArray();
        if (cells.Length < all.Length)
            remarks.Add($"regressions, components and predictions read the data of meta-prompt {string.Join(", ", cells.Select(cell => first.Experiment.MetaPromptOf(cell.Entry.Generator).Name()).Distinct())}; the others are compared with it");
        return new RunStudy
        {
            Study = new Study
            {
                Source = $"run {first.Id}",
                Cells =
                [
                    .. cells.Select(cell => new StudyCell
                    {
                        Generator = cell.Entry.Generator,
                        Setting = cell.Setting,
                        Pgr = cell.Entry.Percent,
                        Metrics = profiles.TryGetValue((cell.Entry.Generator, cell.Setting), out var profile)
                            ? profile.Metrics.Where(metric => metric.Value is not null).ToImmutableSortedDictionary(metric => metric.Name, metric => metric.Value!.Value)
                            : ImmutableSortedDictionary<string, double>.Empty,
                    }),
                ],
                Metrics = [.. profiles.Values.SelectMany(profile => profile.Metrics).Select(metric => metric.Name).Distinct().Where(IsFeature)],
                Generators = [.. cells.Select(cell => cell.Entry.Generator).Distinct().Select(name => Generator(first, name))],
                MetaPrompts =
                [
                    .. from run in read
                       from cell in Cells(run, student)
                       where run.Experiment.Generators.Contains(cell.Entry.Generator)
                       select new MetaPromptCell(run.Experiment.GeneratorBehind(cell.Entry.Generator), cell.Setting, run.Experiment.MetaPromptOf(cell.Entry.Generator).Name(), cell.Entry.Percent),
                ],
            },
            Supply =
            [
                .. from run in read
                   from cell in Cells(run, student)
                   where cell.Entry.Percent is not null
                   let data = run.Results.DataSets.FirstOrDefault(data => data.Generator == cell.Entry.Generator && data.Setting == cell.Setting.ToString())
                   where data is { Valid: > 0 }
                   select new SuppliedData(run.Experiment.GeneratorBehind(cell.Entry.Generator), cell.Setting, run.Experiment.MetaPromptOf(cell.Entry.Generator).Name(), data.Valid, cell.Entry.Percent!.Value, cell.Entry.Low, cell.Entry.High, (double?)data.Dollars / data.Valid, Hours(run, cell)),
            ],
            Purchases = [.. read.SelectMany(run => Bought(run, student))],
            Training = new TrainingPrice(first.Experiment.Budget.TrainingDollarsPerHour ?? 0, null),
            Remarks = [.. remarks],
        };
    }

    private static double? Hours(ReadRun run, (PgrEntry Entry, Setting Setting) cell) => run.TrainingHours.TryGetValue((cell.Entry.Student, cell.Entry.Generator, cell.Setting), out var hours) ? hours : null;

    private static IEnumerable<Purchase> Bought(ReadRun run, string student)
    {
        var cells = (from cell in Cells(run, student)
                     let data = run.Results.DataSets.FirstOrDefault(data => data.Generator == cell.Entry.Generator && data.Setting == cell.Setting.ToString())
                     where cell.Entry.Percent is not null && data is { Valid: > 0 }
                     select (cell.Entry, Data: data, Bought: new Purchase(run.Experiment.GeneratorBehind(cell.Entry.Generator), cell.Setting, run.Experiment.MetaPromptOf(cell.Entry.Generator).Name(), data.Valid,
                         cell.Entry.Percent!.Value, cell.Entry.Low, cell.Entry.High, (double?)data.Dollars, (double?)data.FilteringDollars, Hours(run, cell)))).ToArray();
        var settings = cells.Select(cell => cell.Bought.Setting).Distinct().Count();
        // A mean over fewer settings is a mean of something else.
        return settings < 2 ? cells.Select(cell => cell.Bought) :
        [
            .. from own in cells.GroupBy(cell => cell.Entry.Generator)
               let overall = run.Results.Pgr.FirstOrDefault(entry => entry.Scope == "overall" && entry.Student == student && entry.Generator == own.Key)
               where own.Count() == settings && overall?.Percent is not null
               let parts = own.Select(cell => cell.Bought).ToArray()
               select new Purchase(parts[0].Generator, null, parts[0].MetaPrompt, parts.Sum(part => part.Instances), overall.Percent!.Value, overall.Low, overall.High,
                   Sum(parts.Select(part => part.GenerationDollars)), Sum(parts.Select(part => part.FilteringDollars)), Sum(parts.Select(part => part.TrainingHours))),
            .. cells.Select(cell => cell.Bought),
        ];
    }

    // One that is not known leaves the sum unknown.
    private static double? Sum(IEnumerable<double?> values) => values.Aggregate((double?)0, (sum, value) => sum + value);

    // By the experiment's speed where it names one: the same bytes on any machine.
    private static ImmutableDictionary<(string, string, Setting), double> TokenHours(Experiment experiment, IEnumerable<(string Student, string Generator, Setting Setting, long Tokens)> trained) =>
        experiment.Budget.TrainingTokensPerSecond is not { } speed ? ImmutableDictionary<(string, string, Setting), double>.Empty
        : trained.GroupBy(one => (one.Student, one.Generator, one.Setting)).ToImmutableDictionary(seeds => seeds.Key, seeds => seeds.Average(one => one.Tokens / speed / 3600));

    // As the experiment says, else as long as it took here; mean over training seeds.
    private static ImmutableDictionary<(string, string, Setting), double> HoursOf(RunFolder run, Experiment experiment, StepStore store)
    {
        var steps = run.Steps().ToDictionary(step => step.Name, step => new StepKey(step.Key));
        var trained = from student in experiment.Students
                      from writer in experiment.Generators.SelectMany(generator => experiment.Settings.Select(setting => (Name: generator, Setting: setting))).Concat(experiment.DataSets.Select(data => (data.Name, data.Setting)))
                      from seed in experiment.TrainingSeeds
                      let name = TrainStep.NameOf(TrainStep.StudentName(student.Name, writer.Name, writer.Setting, seed))
                      where steps.ContainsKey(name)
                      select (student.Name, Generator: writer.Name, writer.Setting, Key: steps[name]);
        return experiment.Budget.TrainingTokensPerSecond is not null
            ? TokenHours(experiment, from one in trained
                                     let finished = TrainStep.Finished(store, one.Key)
                                     where finished is not null
                                     select (one.Name, one.Generator, one.Setting, finished.Value.Summary.Tokens))
            : (from one in trained
               let timing = store.TimingOf(one.Key)
               where timing is not null
               group timing.Seconds / 3600 by (one.Name, one.Generator, one.Setting)).ToImmutableDictionary(seeds => seeds.Key, seeds => seeds.Average());
    }

    // The paper's kinds of metric. Counts of words and tokens and their like describe a data set; as features they would outnumber the rows.
    private static bool IsFeature(string metric) =>
        metric is "perplexity" or "response_reward" or "implicit_reward" || metric.EndsWith("_cdist", StringComparison.Ordinal) || metric.EndsWith("_judge", StringComparison.Ordinal);

    private static StudyGenerator Generator(ReadRun run, string name)
    {
        var scores = run.Results.ProblemSolving.Where(score => score.Generator == name && score.Score is not null).ToArray();
        var price = run.Experiment.Models.TryGetValue(name, out var model) ? model.Price : null;
        return new StudyGenerator
        {
            Name = name,
            Family = model is null ? name : run.Experiment.Models.First(other => run.Experiment.Generators.Contains(other.Key) && (other.Key == name || SameWeights(other.Value, model))).Key,
            ProblemSolving = scores.GroupBy(score => Enum.GetValues<Domain>().First(domain => domain.Name() == score.Domain)).ToImmutableSortedDictionary(group => group.Key, group => 100 * group.Average(score => score.Score!.Value)),
            ProblemSolvingAverage = scores.Length == 0 ? null : 100 * scores.Average(score => score.Score!.Value),
            InputPrice = (double?)price?.Input,
            OutputPrice = (double?)price?.Output,
        };
    }

    // The same model under another name, asked in another way.
    private static bool SameWeights(ModelSpec one, ModelSpec other) =>
        (one.Provider, one.Path, one.Endpoint, one.Model) == (other.Provider, other.Path, other.Endpoint, other.Model);

    private static (PgrEntry Entry, Setting Setting)[] Cells(ReadRun run, string student) =>
    [
        .. from entry in run.Results.Pgr
           where entry.Scope == "setting" && entry.Student == student
           select (entry, Setting.TryParse($"{entry.Domain}/{entry.Method}", out var setting) ? setting : throw new AgoraException($"\"{entry.Domain}/{entry.Method}\" is no setting", run.Id, "write the report anew: give the run's command again")),
    ];

    private static IEnumerable<(string Name, string Value)> Deciding(Experiment experiment) =>
    [
        ("students", CanonicalJson.ToNode(experiment.Students)!.ToJsonString()),
        ("recipe", TrainStep.Deciding(experiment.Recipe).ToJsonString()),
        ("trainingSeeds", CanonicalJson.ToNode(experiment.TrainingSeeds)!.ToJsonString()),
        ("benchmarks", string.Join('\n', experiment.Benchmarks.SelectMany(entry => entry.Value).Select(benchmark => $"{benchmark.Name} {benchmark.Limit} {Path.GetFileName(benchmark.File)}"))),
        ("answering", CanonicalJson.ToNode(experiment.Answering.ToDictionary(entry => entry.Key.Name(), entry => entry.Value))!.ToJsonString()),
    ];

    private static ReadRun Read(RunFolder run, StepStore? store)
    {
        var path = run.PathOf(ReportFiles.Json);
        if (!File.Exists(path))
            throw new AgoraException("the run has no results yet", path, "let the run finish: give its command again") { ExitCode = 2 };
        var experiment = ExperimentFile.Load(run.PathOf(RunFolder.ExperimentFileName), []);
        return new ReadRun(run.Id, experiment, ResultsDocument.Read(path), RunDataSets.Profiles(run), store is null ? ImmutableDictionary<(string, string, Setting), double>.Empty : HoursOf(run, experiment, store));
    }

    private sealed record ReadRun(string Id, Experiment Experiment, ResultsDocument Results, ImmutableArray<DataSetProfile> Profiles, ImmutableDictionary<(string Student, string Generator, Setting Setting), double> TrainingHours);
}
