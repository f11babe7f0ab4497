using System.Collections.Immutable;
using System.CommandLine;
using System.Text.Json;
using Agora.Analysis;
using Agora.Cli.Progress;
using Agora.Experiments;
using Agora.IntrinsicMetrics;
using Agora.LanguageModels;
using Agora.Reports;
using Agora.Runs;
using Agora.SeedData;

namespace Agora.Cli.Commands;

/// <summary><c>agora predict</c>: what PGR to expect of data before a student is trained on them in full.</summary>
internal static class PredictCommand
{
    private const string ShippedStudy = "study.json";

    public static Command Create()
    {
        var runs = RunsOption.Create();
        var data = new Argument<string>("data") { Description = "A run's id, whose data sets are predicted; or a data file (JSON, JSONL, .gz of either, Parquet)." };
        var setting = new Option<string?>("--setting") { Description = "Of a data file, e.g. math/response_generation.", HelpName = "setting" };
        var columns = new Option<string>("--columns") { Description = "Of a data file: which columns hold what.", HelpName = "instruction=NAME,response=NAME", DefaultValueFactory = _ => "instruction=instruction,response=response" };
        var study = new Option<string?>("--study") { Description = "A file that \"agora predict learn\" wrote; the study of the nano benchmark where absent.", HelpName = "file" };
        var probe = new Option<string[]>("--probe") { Description = "A cheap training on these data, as one of the study's probes; its generator or data set has the file's name without ending. May be repeated.", HelpName = "NAME=RUN" };
        var student = new Option<string?>("--base") { Description = "Of a data file: the untrained student's folder; nano-base where absent.", HelpName = "folder" };
        var reference = new Option<string?>("--reference") { Description = "Of a data file: the reference's folder; nano-instruct where absent.", HelpName = "folder" };
        var device = DeviceOption.Create();
        var json = new Option<bool>("--json") { Description = "Print one JSON document instead of a table." };
        var command = new Command("predict", "What PGR to expect of data before a student is trained on them in full, with an interval; says so where nothing can be expected.") { data, setting, columns, study, probe, student, reference, device, json, runs };
        command.Subcommands.Add(PredictLearnCommand.Create());
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var known = RunPredictionStudy.Read(parsed.GetValue(study) ?? ShippedFiles.PathOf("nano", ShippedStudy));
            var archive = parsed.Archive(runs);
            using var composition = new Composition(jobs: 1, device: parsed.Device(device));
            var targets = File.Exists(parsed.GetRequiredValue(data))
                ? await FileAsync(parsed.GetRequiredValue(data), parsed.GetValue(setting), parsed.GetRequiredValue(columns), parsed.GetValue(student), parsed.GetValue(reference), known, new Measuring(composition.Services, archive), composition.Services.Models, cancellationToken)
                : await RunAsync(archive.Find(parsed.GetRequiredValue(data)), known, archive, composition.Services.Models, cancellationToken);
            foreach (var (name, run) in Probes(parsed.GetValue(probe) ?? [], archive))
            {
                var losses = await LossGap.MeasureAsync(run, archive.Store, composition.RentLikelihoodAsync, step => Console.Error.WriteLine($"measuring the loss of {step}"), cancellationToken);
                for (var place = 0; place < targets.Length; place++)
                    targets[place] = targets[place] with
                    {
                        Probes = targets[place].Probes.AddRange(await RunPredictionStudy.OutcomeAsync(known, name, run, losses, targets[place].Generator, targets[place].Setting, composition.Services.Models, cancellationToken)),
                    };
            }
            var trial = PredictionTrial.Of(known.Study);
            (string Generator, Setting Setting, Computed<PgrPrediction> Prediction)[] predictions = [.. targets.Select(target => (target.Generator, target.Setting, PgrPrediction.Of(trial, target)))];
            if (predictions.All(prediction => prediction.Prediction.Why is not null))
                throw new AgoraException($"nothing can be predicted: {string.Join("; ", predictions.Select(prediction => prediction.Prediction.Why).Distinct())}", parsed.GetRequiredValue(data),
                    known.ProbeConditions.IsEmpty ? "measure the data with \"agora metrics\", or train a student" : $"run a probe ({string.Join(", ", known.ProbeConditions.Keys)}) and give it with --probe, measure the data with \"agora metrics\", or train a student")
                { ExitCode = ExitCodes.Usage };
            if (parsed.GetValue(json))
                Console.WriteLine(JsonSerializer.Serialize(predictions.Select(entry => new { data = entry.Generator, entry.Setting, entry.Prediction }), CanonicalJson.Indented));
            else
                TerminalTable.Print(PredictionTables.OfPredictions(predictions.Select(entry => (entry.Generator, entry.Setting.ToString(), entry.Prediction)), known));
            return ExitCodes.Done;
        });
        return command;
    }

    internal static IEnumerable<(string Name, RunFolder Run)> Probes(IEnumerable<string> given, RunArchive archive) => given.Select(text => text.Split('=', 2) is [{ Length: > 0 } name, { Length: > 0 } run]
        ? (name, archive.Find(run))
        : throw new AgoraException($"\"{text}\" names no probe", "--probe", "give NAME=RUN") { ExitCode = ExitCodes.Usage });

    private static async Task<StudyCell[]> RunAsync(RunFolder run, PredictionStudy known, RunArchive archive, ILanguageModels models, CancellationToken cancellationToken)
    {
        var experiment = ExperimentFile.Load(run.PathOf(RunFolder.ExperimentFileName), []);
        RefuseOther(known, await RunPredictionStudy.ConditionsAsync(experiment, models, cancellationToken), run.Id);
        var profiles = RunDataSets.Profiles(run).Where(profile => profile.Setting is not null).ToDictionary(profile => (profile.Generator, profile.Setting!.Value));
        if (profiles.Count == 0)
            Console.Error.WriteLine($"note: the run's data are not measured; \"agora metrics {run.Id}\" measures them");
        var targets = new List<StudyCell>();
        foreach (var written in RunDataSets.Of(run, archive.Store))
        {
            RefuseSize(known, StepFiles.Read<GenerationSummary>(written.Result, StepFiles.Generation).Valid, $"{run.Id}, {written.Generator} {written.Setting}");
            targets.Add(Target(written.Generator, written.Setting, profiles.GetValueOrDefault((written.Generator, written.Setting))));
        }
        return [.. targets];
    }

    private static async Task<StudyCell[]> FileAsync(
        string file, string? setting, string columns, string? student, string? reference, PredictionStudy known, Measuring measuring, ILanguageModels models, CancellationToken cancellationToken)
    {
        if (!Setting.TryParse(setting, out var of))
            throw new AgoraException(setting is null ? "a data file needs a setting: PGR depends on it" : $"\"{setting}\" is no setting", "--setting", $"give one of {string.Join(", ", known.Study.Cells.Select(cell => cell.Setting.ToString()).Distinct())}") { ExitCode = ExitCodes.Usage };
        var untrained = new ModelSpec { Provider = ModelSpec.Embedded, Path = student ?? ShippedFiles.PathOf("nano", "models", "nano-base") };
        var trained = new ModelSpec { Provider = ModelSpec.Embedded, Path = reference ?? ShippedFiles.PathOf("nano", "models", "nano-instruct") };
        RefuseOther(known, known.Conditions
            .SetItem("base", await models.IdentifyAsync(untrained, cancellationToken))
            .SetItem("reference", await models.IdentifyAsync(trained, cancellationToken)), file);
        var (instruction, response) = GivenDataArguments.Columns(columns);
        var instances = SeedSet.Load(new DataSource { File = file, InstructionColumn = instruction, ResponseColumn = response }, requireResponse: true).Instances.Select(row => new MeasuredInstance(row.Instruction, row.Response!)).ToImmutableArray();
        RefuseSize(known, instances.Length, file);
        var profiles = await measuring.MeasureAsync([DataToMeasure.Of(file, columns, of.Domain, instances)], new MeasuredBy { Perplexity = untrained, Reference = trained, Embeddings = untrained }, seed: 42, new MeasuringProgress(Console.Error), cancellationToken);
        return [Target(Path.GetFileName(file).Split('.')[0], of, profiles[0])];
    }

    private static StudyCell Target(string generator, Setting setting, DataSetProfile? profile) => new()
    {
        Generator = generator,
        Setting = setting,
        Pgr = null,
        Metrics = profile is null ? ImmutableSortedDictionary<string, double>.Empty
            : profile.Metrics.Where(metric => metric.Value is not null).ToImmutableSortedDictionary(metric => metric.Name, metric => metric.Value!.Value, StringComparer.Ordinal),
    };

    private static void RefuseOther(PredictionStudy known, ImmutableSortedDictionary<string, string> conditions, string where)
    {
        var different = PredictionStudy.Differences(known.Conditions, conditions);
        if (different.Length > 0)
            throw new AgoraException($"the study says nothing of these data: {string.Join(", ", different)} differ from its own", where, "make a study of your own student with \"agora predict learn\", and give it with --study") { ExitCode = ExitCodes.Usage };
    }

    // PGR depends on the number of instances, and the study has seen no other.
    private static void RefuseSize(PredictionStudy known, int instances, string where)
    {
        if (instances < known.SmallestData * 0.9 || instances > known.LargestData * 1.1)
            throw new AgoraException($"{instances} instances are another quantity than the study's {known.SmallestData} to {known.LargestData}, of which alone it says something", where, "take as many instances, or learn from runs of that size") { ExitCode = ExitCodes.Usage };
    }
}
