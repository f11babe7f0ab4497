using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Agora.Analysis;
using Agora.Experiments;
using Agora.LanguageModels;
using Agora.Recovery;
using Agora.Training;
using MathNet.Numerics.Statistics;

namespace Agora.Runs;

/// <summary>Makes a study to predict from out of finished runs: one in full, and cheap ones over the same data as probes.</summary>
public static class RunPredictionStudy
{
    private const string PgrSuffix = " PGR", LossSuffix = " loss";

    /// <summary>What decides a run's PGR besides its data, by name.</summary>
    public static async Task<ImmutableSortedDictionary<string, string>> ConditionsAsync(Experiment experiment, ILanguageModels models, CancellationToken cancellationToken) => new Dictionary<string, string>
    {
        ["base"] = await models.IdentifyAsync(experiment.Models[experiment.Students[0].Base], cancellationToken),
        ["reference"] = await models.IdentifyAsync(experiment.Models[experiment.Students[0].Reference], cancellationToken),
        ["recipe"] = TrainStep.Deciding(experiment.Recipe).ToJsonString(),
        ["answering"] = CanonicalJson.ToNode(experiment.Answering.ToDictionary(entry => entry.Key.Name(), entry => entry.Value))!.ToJsonString(),
        ["benchmarks"] = string.Join(' ', experiment.Benchmarks.SelectMany(entry => entry.Value).Select(benchmark => $"{benchmark.Name}:{benchmark.Limit}:{Contents(benchmark.File)}")),
    }.ToImmutableSortedDictionary(StringComparer.Ordinal);

    /// <summary>The same of a probe, whose number of instances counts too.</summary>
    public static async Task<ImmutableSortedDictionary<string, string>> ProbeConditionsAsync(Experiment experiment, ILanguageModels models, CancellationToken cancellationToken) =>
        (await ConditionsAsync(experiment, models, cancellationToken)).Add("instances", experiment.Generation.Instances.ToString(CultureInfo.InvariantCulture));

    /// <param name="probes">By name.</param>
    /// <param name="losses">Of the probes' students, by the probe's name.</param>
    /// <exception cref="AgoraException">A run has no results, or a probe is no probe of this run.</exception>
    public static async Task<PredictionStudy> MakeAsync(
        RunFolder full, IReadOnlyList<(string Name, RunFolder Run)> probes, IReadOnlyDictionary<string, ImmutableArray<RecordedLossGap>> losses, StepStore store, ILanguageModels models, CancellationToken cancellationToken)
    {
        var study = RunStudy.Of([full]);
        var experiment = Load(full);
        var conditions = ImmutableSortedDictionary.CreateBuilder<string, ImmutableSortedDictionary<string, string>>(StringComparer.Ordinal);
        var values = study.Study.Cells.ToDictionary(cell => (cell.Generator, cell.Setting), _ => ImmutableSortedDictionary.CreateBuilder<string, double>(StringComparer.Ordinal));
        var named = ImmutableArray.CreateBuilder<StudyProbe>();
        foreach (var (name, run) in probes)
        {
            var other = Load(run);
            var own = await ProbeConditionsAsync(other, models, cancellationToken);
            string[] changed = [.. PredictionStudy.Differences(await ProbeConditionsAsync(experiment, models, cancellationToken), own)];
            if (changed.Contains("benchmarks") || changed.Contains("answering"))
                throw new AgoraException($"{run.Id} asks other questions than {full.Id}, or asks them in another way, and is no probe of it", $"--probe {name}={run.Id}", "run the probe with the benchmarks and answering of the full run") { ExitCode = 2 };
            conditions[name] = own;
            var how = How(experiment, other);
            var (cost, seconds) = Shares(full, run, store);
            var cells = RunStudy.Of([run]).Study.Cells;
            if (!cells.Any(cell => values.ContainsKey((cell.Generator, cell.Setting))))
                throw new AgoraException($"{run.Id} shares no generator and setting with {full.Id}", $"--probe {name}={run.Id}", "name a probe of the same generators and settings") { ExitCode = 2 };
            named.Add(new StudyProbe(name + PgrSuffix, $"PGR of a student trained with {how}", cost, seconds));
            foreach (var cell in cells.Where(cell => cell.Pgr is not null && values.ContainsKey((cell.Generator, cell.Setting))))
                values[(cell.Generator, cell.Setting)][name + PgrSuffix] = cell.Pgr!.Value;
            if (!losses.TryGetValue(name, out var gaps))
                continue;
            named.Add(new StudyProbe(name + LossSuffix, $"loss gap recovered by a student trained with {how}", cost, seconds));
            foreach (var gap in gaps.Where(gap => values.ContainsKey((gap.Generator, gap.Setting))))
                values[(gap.Generator, gap.Setting)][name + LossSuffix] = gap.Percent;
        }
        int[] sizes = [.. study.Supply.Select(data => data.Instances)];
        return new PredictionStudy
        {
            FormatVersion = PredictionStudy.CurrentVersion,
            Agora = Reports.ResultsDocument.Read(full.PathOf(Reports.ReportFiles.Json)).Agora,
            Conditions = await ConditionsAsync(experiment, models, cancellationToken),
            ProbeConditions = conditions.ToImmutable(),
            SmallestData = sizes.Length == 0 ? 0 : sizes.Min(),
            LargestData = sizes.Length == 0 ? 0 : sizes.Max(),
            TrainingSeeds = experiment.TrainingSeeds.Length,
            AgreementOfSeeds = Agreement(full, experiment),
            Study = study.Study with
            {
                MetaPrompts = [],
                Probes = named.ToImmutable(),
                Cells = [.. study.Study.Cells.Select(cell => cell with { Probes = values[(cell.Generator, cell.Setting)].ToImmutable() })],
            },
        };
    }

    /// <summary>What a probe run says of one data set, by the names of the study's probes.</summary>
    /// <exception cref="AgoraException">The study knows no such probe, or this run was made under other conditions.</exception>
    public static async Task<ImmutableSortedDictionary<string, double>> OutcomeAsync(
        PredictionStudy study, string name, RunFolder run, ImmutableArray<RecordedLossGap> losses, string generator, Setting setting, ILanguageModels models, CancellationToken cancellationToken)
    {
        if (!study.ProbeConditions.TryGetValue(name, out var expected))
            throw new AgoraException($"the study has no probe \"{name}\"", $"--probe {name}={run.Id}", study.ProbeConditions.IsEmpty ? "it has none at all" : $"its probes are {string.Join(", ", study.ProbeConditions.Keys)}") { ExitCode = 2 };
        string[] different = [.. PredictionStudy.Differences(expected, await ProbeConditionsAsync(Load(run), models, cancellationToken))];
        if (different.Length > 0)
            throw new AgoraException($"{run.Id} is another probe than the study's \"{name}\": {string.Join(", ", different)} differ", $"--probe {name}={run.Id}", "run the probe as the study did") { ExitCode = 2 };
        var outcome = ImmutableSortedDictionary.CreateBuilder<string, double>(StringComparer.Ordinal);
        if (RunStudy.Of([run]).Study.Cells.FirstOrDefault(cell => cell.Generator == generator && cell.Setting == setting)?.Pgr is { } pgr)
            outcome[name + PgrSuffix] = pgr;
        if (losses.FirstOrDefault(gap => gap.Generator == generator && gap.Setting == setting) is { } found)
            outcome[name + LossSuffix] = found.Percent;
        return outcome.Count > 0 ? outcome.ToImmutable()
            : throw new AgoraException($"{run.Id} has no student of {generator} {setting}", $"--probe {name}={run.Id}", "name a probe run over this data set") { ExitCode = 2 };
    }

    /// <exception cref="AgoraException">The file cannot be read, or holds no study.</exception>
    public static PredictionStudy Read(string path)
    {
        try
        {
            var study = JsonSerializer.Deserialize<PredictionStudy>(File.ReadAllBytes(path), CanonicalJson.Options) ?? throw new JsonException("the value is null");
            return study.FormatVersion != PredictionStudy.CurrentVersion ? throw new JsonException($"its format is {study.FormatVersion}, and {PredictionStudy.CurrentVersion} is read")
                : study.Study.Cells.Any(cell => cell.Metrics is null || cell.Probes is null || cell.Generator is null || cell.Pgr is { } pgr && !double.IsFinite(pgr)) ? throw new JsonException("a cell is incomplete")
                : study;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException or NotSupportedException)
        {
            throw new AgoraException($"the study cannot be read: {CanonicalJson.Fault(error)}", path, "give a file that \"agora predict learn\" wrote", error) { ExitCode = 2 };
        }
    }

    public static void Write(PredictionStudy study, string path) =>
        DurableFiles.Instance.WriteWhole(Path.GetFullPath(path), (byte[])[.. JsonSerializer.SerializeToUtf8Bytes(study, CanonicalJson.Indented), (byte)'\n']);

    private static Experiment Load(RunFolder run) => ExperimentFile.Load(run.PathOf(RunFolder.ExperimentFileName), []);

    // A file that is gone was still the one that the results came from; its name has to do.
    private static string Contents(string file) => File.Exists(file) ? DurableFiles.Hash(file) : Path.GetFileName(file);

    private static string How(Experiment full, Experiment probe)
    {
        var parts = new List<string>();
        if (full.Students[0].Base != probe.Students[0].Base)
            parts.Add($"{probe.Students[0].Base} as base model instead of {full.Students[0].Base}");
        if (full.Generation.Instances != probe.Generation.Instances)
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"{probe.Generation.Instances} instances instead of {full.Generation.Instances}"));
        var (one, other) = (TrainStep.Deciding(full.Recipe), TrainStep.Deciding(probe.Recipe));
        parts.AddRange(from member in other
                       where !JsonNode.DeepEquals(member.Value, one[member.Key])
                       select $"{member.Key} {member.Value?.ToJsonString()} instead of {one[member.Key]?.ToJsonString()}");
        return parts.Count == 0 ? "the same recipe and another seed" : string.Join(" and ", parts);
    }

    // Tokens times size of the weights, and seconds, of one student against one student of the full run; mean over the data sets that both have.
    private static (double Cost, double Seconds) Shares(RunFolder full, RunFolder probe, StepStore store)
    {
        var (whole, part) = (Efforts(full, store), Efforts(probe, store));
        var shared = whole.Keys.Intersect(part.Keys).ToArray();
        return shared.Length == 0 ? (double.NaN, double.NaN) : (shared.Sum(key => part[key].Cost) / shared.Sum(key => whole[key].Cost), shared.Sum(key => part[key].Seconds) / shared.Sum(key => whole[key].Seconds));
    }

    private static Dictionary<string, (double Cost, double Seconds)> Efforts(RunFolder run, StepStore store)
    {
        var experiment = Load(run);
        var seeds = experiment.TrainingSeeds.Length;
        var steps = run.Steps();
        return (from step in steps
                let name = TrainStep.StudentOf(step.Name)
                where name is not null
                let cell = name[..name.LastIndexOf(" seed ", StringComparison.Ordinal)]
                let finished = TrainStep.Finished(store, new StepKey(step.Key))
                where finished is not null
                let seconds = steps.Where(other => other.Name == step.Name || other.Name.EndsWith(" by " + name, StringComparison.Ordinal)).Sum(other => store.TimingOf(new StepKey(other.Key))?.Seconds ?? 0)
                let cost = (double)finished.Value.Summary.Tokens * WeightBytes(finished.Value.Result.Manifest)
                group (cost, seconds) by cell into students
                select (students.Key, (students.Sum(effort => effort.cost) / seeds, students.Sum(effort => effort.seconds) / seeds))).ToDictionary();
    }

    private static long WeightBytes(StepManifest trained) =>
        trained.Files.Where(file => file.Path.StartsWith(StepFiles.Model + "/", StringComparison.Ordinal) && file.Path.EndsWith(".safetensors", StringComparison.Ordinal)).Sum(file => file.Bytes);

    private static double? Agreement(RunFolder run, Experiment experiment)
    {
        if (experiment.TrainingSeeds.Length < 2)
            return null;
        var scores = run.Scores();
        var student = experiment.Students[0].Name;
        double? Score(string by, string benchmark) => scores.FirstOrDefault(score => score.By == by && score.Benchmark == benchmark)?.Mean;
        var (first, second) = (new List<double>(), new List<double>());
        foreach (var generator in experiment.Generators)
            foreach (var setting in experiment.Settings)
            {
                double?[] both = [.. experiment.TrainingSeeds.Take(2).Select(seed =>
                {
                    var parts = experiment.Benchmarks[setting.Domain].Select(benchmark =>
                        Score($"{student} on {generator} {setting} seed {seed}", benchmark.Name) is { } own && Score($"base of {student}", benchmark.Name) is { } low && Score($"reference of {student}", benchmark.Name) is { } high
                        && PerformanceGapRecovered.Of(own, low, high) is PerformanceGapRecovered.Percent(var percent) ? (double?)percent : null).ToArray();
                    return parts.Any(part => part is null) ? null : (double?)parts.Average();
                })];
                if (both is [{ } one, { } other])
                {
                    first.Add(one);
                    second.Add(other);
                }
            }
        return first.Count < 3 ? null : Correlation.Spearman(first, second);
    }
}
