using System.Collections.Immutable;
using Agora.Analysis;
using Agora.Experiments;
using Agora.IntrinsicMetrics;
using Agora.Reports;

namespace Agora.Runs;

/// <summary>Finished runs as a study: PGR from their results, profiles from what <c>agora metrics</c> measured.</summary>
public sealed record RunStudy
{
    /// <summary>Of the first run; meta-prompts of all of them.</summary>
    public required Study Study { get; init; }
    /// <summary>Of all runs.</summary>
    public required ImmutableArray<SuppliedData> Supply { get; init; }
    public required ImmutableArray<string> Remarks { get; init; }

    /// <summary>Of a run whose files are not written yet.</summary>
    internal static RunStudy Of(RunReport report) => Of([new ReadRun(report.Experiment.Name, report.Experiment, ResultsDocument.Of(report, []), report.Profiles)]);

    /// <param name="runs">The first is analysed; others add sizes of data sets and meta-prompts.</param>
    /// <exception cref="AgoraException">A run has no results, or runs differ in what decides PGR besides the data.</exception>
    public static RunStudy Of(IReadOnlyList<RunFolder> runs) => Of([.. runs.Select(Read)]);

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

        var cells = Cells(first, student);
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
                       select new MetaPromptCell(cell.Entry.Generator, cell.Setting, run.Experiment.Generation.MetaPrompt.Name(), cell.Entry.Percent),
                ],
            },
            Supply =
            [
                .. from run in read
                   from cell in Cells(run, student)
                   where cell.Entry.Percent is not null
                   let data = run.Results.DataSets.FirstOrDefault(data => data.Generator == cell.Entry.Generator && data.Setting == cell.Setting.ToString())
                   where data is { Valid: > 0 }
                   select new SuppliedData(cell.Entry.Generator, cell.Setting, run.Experiment.Generation.MetaPrompt.Name(), data.Valid, cell.Entry.Percent!.Value, cell.Entry.Low, cell.Entry.High, (double?)data.Dollars / data.Valid),
            ],
            Remarks = [.. remarks],
        };
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

    private static ReadRun Read(RunFolder run)
    {
        var path = run.PathOf(ReportFiles.Json);
        if (!File.Exists(path))
            throw new AgoraException("the run has no results yet", path, "let the run finish: give its command again") { ExitCode = 2 };
        return new ReadRun(run.Id, ExperimentFile.Load(run.PathOf(RunFolder.ExperimentFileName), []), ResultsDocument.Read(path), RunDataSets.Profiles(run));
    }

    private sealed record ReadRun(string Id, Experiment Experiment, ResultsDocument Results, ImmutableArray<DataSetProfile> Profiles);
}
