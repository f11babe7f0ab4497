using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Agora.Analysis;
using Agora.Benchmarks.Judged;
using Agora.DataGeneration;
using Agora.Experiments;
using Agora.IntrinsicMetrics;
using Agora.Recovery;
using Agora.Reports;
using Agora.Reports.Figures;

namespace Agora.Runs;

/// <summary>Turns a run's results into its report.</summary>
public static class RunReporting
{
    private const string WritingFile = ".report";

    /// <summary>Writes the report into the run's folder, after any other process that does so.</summary>
    /// <param name="draw">Null: figures are written as SVG alone.</param>
    /// <exception cref="AgoraException">A file cannot be written.</exception>
    public static async Task WriteAsync(RunReport report, RunFolder run, DrawPng? draw, CancellationToken cancellationToken)
    {
        using var alone = await FileLock.ExclusiveAsync(run.PathOf(WritingFile), waiting: null, cancellationToken);
        ReportFiles.Write(report, run.FullPath, draw);
    }

    /// <summary>Computes PGR and collects all that the report says. Samples are read from the store when the report is written.</summary>
    /// <param name="profiles">What <c>agora metrics</c> measured; stands in where the experiment itself measures nothing.</param>
    public static RunReport Of(RunResult result, ImmutableArray<DataSetProfile> profiles) => Analysed(Collected(result, result.Measurements.IsEmpty ? profiles : result.Profiles));

    private static RunReport Analysed(RunReport report)
    {
        if (!report.Recovery.Estimates.Any(estimate => estimate.Pgr is PerformanceGapRecovered.Percent))
            return report;
        var study = RunStudy.Of(report);
        var analysis = StudyAnalysis.Of(study.Study, study.Supply, study.Purchases, study.Training, new RandomStreams(report.Experiment.Seed), report.Recovery.Confidence.Level);
        return report with { Analysis = analysis, AnalysisRemarks = [.. study.Remarks, .. analysis.Remarks] };
    }

    private static RunReport Collected(RunResult result, ImmutableArray<DataSetProfile> profiles)
    {
        var experiment = result.Experiment;
        var random = new RandomStreams(experiment.Seed);
        return new RunReport
        {
            Experiment = experiment,
            Version = typeof(RunReporting).Assembly.GetName().Version is { } version ? version.ToString(3) : "unknown",
            Recovery = RecoveryTable.Compute(result.Grades, experiment.Confidence, random),
            ProblemSolving =
            [
                .. result.ProblemSolving.Select(solver =>
                    SolverScore.Of(solver.Generator, solver.Domain, solver.Benchmark, solver.Grades, experiment.Confidence, random)),
            ],
            DataSets = [.. result.Data.Select(Facts)],
            Judgments =
            [
                .. from answered in result.Answers
                   let judging = answered.ReadJudging()
                   where judging is not null
                   select new JudgedAnswers(answered.By.ToString(), judging.Naming(experiment.Judges)),
            ],
            SelfPreferences = SelfPreferences(result),
            Missing = [.. result.Missing.Select(missing => new MissingPart(missing.Step, missing.Reason))],
            Answers =
            [
                .. result.Answers.Select(answered => new AnswerSamples
                {
                    Model = answered.By.ToString(),
                    Benchmark = answered.Benchmark,
                    Samples = Samples(answered),
                }),
            ],
            Instances =
            [
                .. result.Data.Select(data => new InstanceSamples
                {
                    Generator = data.Generator,
                    Setting = data.Setting,
                    Instances = StepFiles.Stream<SyntheticInstance>(data.Result, StepFiles.Instances).Select(Sample),
                    Count = data.Summary.Valid,
                    Pick = places => StepFiles.Stream<SyntheticInstance>(data.Result, StepFiles.Instances, places).Select(row => (row.Place, Sample(row.Record))),
                    Verdicts = places => Verdicts([.. result.Measurements.Where(part => part.Generator == data.Generator && part.Setting == data.Setting)], places),
                    Rejects = StepFiles.Stream<RejectedCompletion>(data.Result, StepFiles.Rejects).Select(reject => new RejectSample(reject.Reason.Name(), reject.Detail, reject.Completion)),
                }),
            ],
            Profiles = profiles,
            Training =
            [
                .. result.Training.Select(trained => new TrainingFacts(
                    trained.Student, trained.Generator, trained.Setting, trained.Seed, trained.Summary.Steps, trained.Summary.Tokens, trained.Summary.ResponseTokens,
                    trained.Summary.SkippedTooLong, trained.Summary.FirstLossNats, trained.Summary.FinalLossNats)
                {
                    Losses = TrainingFacts.Curve([.. trained.ReadLosses().Select(step => new LossPoint(step.Step, step.LossNats))]),
                    HeldOut = trained.Summary.HeldOut is { } held ? [.. held.LossNats.Select((loss, epoch) => new LossPoint(epoch == 0 ? 0 : trained.ReadLosses().Last(step => step.Epoch <= epoch).Step, loss))] : [],
                }),
            ],
            Provenance =
            [
                .. result.Data.Select(data => Origin($"data of {data.Generator} for {data.Setting}", data.Result)),
                .. result.Training.Select(trained => Origin($"student {trained.Student} on {trained.Generator} {trained.Setting} seed {trained.Seed}", trained.Result)),
            ],
        };
    }

    private static Dictionary<int, ImmutableArray<Verdict>> Verdicts(MeasuredSet[] parts, IReadOnlySet<int> places) =>
        (from part in parts
         from row in StepFiles.Stream<InstanceValues>(part.Result, StepFiles.Values)
         where places.Contains(row.Place)
         from value in row.Values
         group new Verdict(value.Metric.Replace('_', ' '), value.Value, value.Value is { } known ? known.ToString("0.###", CultureInfo.InvariantCulture) : value.Why ?? "no value") by row.Place)
        .ToDictionary(row => row.Key, row => row.ToImmutableArray());

    // Identities of models, hashes of prompts and rows: what decides a result and is no setting that the experiment shows anyway.
    private static ProvenanceEntry Origin(string what, StepResult result) => new(what, result.Key.Value,
    [
        .. from name in (string[])["model", "base", "metaPrompt", "seeds", "fileData", "tokenizer"]
           let value = result.Manifest.Parameters[name] as JsonValue
           where value is not null && value.GetValueKind() == JsonValueKind.String && value.GetValue<string>().Length > 0
           select (name, value.GetValue<string>()),
        .. result.Manifest.Inputs.Select(input => ("input", input)),
    ]);

    // A judge is among the judged where it is the same model of the experiment: a generator, a base model or a reference.
    private static ImmutableArray<SelfPreference> SelfPreferences(RunResult result)
    {
        var experiment = result.Experiment;
        var scores = from answered in result.Answers
                     let judging = answered.ReadJudging()
                     where judging is not null
                     from entry in judging.Judges.Index()
                     where entry.Item.Score is not null && entry.Index < experiment.Judges.Length
                     group entry.Item.Score!.Value by (Judge: experiment.Judges[entry.Index], Model: NameOf(answered.By, experiment)) into pair
                     select new JudgedModel(pair.Key.Judge, pair.Key.Model, pair.Average());
        return SelfPreference.Of([.. scores]);
    }

    private static string NameOf(AnsweredBy by, Experiment experiment) => by.Role switch
    {
        AnsweredBy.GeneratorRole => by.Generator!,
        AnsweredBy.BaseRole => experiment.Students.First(student => student.Name == by.Student).Base,
        AnsweredBy.ReferenceRole => experiment.Students.First(student => student.Name == by.Student).Reference,
        _ => by.ToString(),
    };

    private static DataSetFacts Facts(GeneratedData data)
    {
        var bill = data.Summary.Bill;
        var total = bill.Total;
        return new DataSetFacts
        {
            Generator = data.Generator,
            Setting = data.Setting,
            Wanted = data.Summary.Wanted,
            Valid = data.Summary.Valid,
            Shortfall = data.Summary.Shortfall,
            Completions = total.Completions,
            Retries = bill.Retried.Completions,
            InputTokens = total.InputTokens,
            OutputTokens = total.OutputTokens,
            KeptOutputTokens = bill.Kept.OutputTokens,
            WithoutUsage = total.WithoutUsage,
            Dollars = data.Summary.Dollars,
            FilteringDollars = data.Summary.Dollars - bill.Kept.Dollars(bill.Price),
            Rejects =
            [
                .. bill.Rejected.Where(reject => reject.Value.Completions > 0)
                    .OrderByDescending(reject => reject.Value.Completions).ThenBy(reject => reject.Key)
                    .Select(reject => new RejectCount(reject.Key.Name(), reject.Value.Completions)),
            ],
        };
    }

    private static IEnumerable<AnswerSample> Samples(AnsweredBenchmark answered)
    {
        foreach (var (answer, graded) in answered.ReadAnswers().Zip(answered.ReadGrades()))
            yield return new AnswerSample(answer, graded);
    }

    private static InstanceSample Sample(SyntheticInstance instance)
    {
        var origin = ImmutableArray.CreateBuilder<(string, string)>();
        var provenance = instance.Provenance;
        if (provenance.Seed is { } seed)
            origin.Add(("seed", seed.Value));
        if (!provenance.Demonstrations.IsDefaultOrEmpty)
            origin.Add(("demonstrations", string.Join(", ", provenance.Demonstrations)));
        if (provenance.Theme is { } theme)
            origin.Add(("theme", theme));
        if (provenance.OpeningWords is { } words)
            origin.Add(("opening words", words));
        origin.Add(("round", provenance.Round.ToString(CultureInfo.InvariantCulture)));
        origin.Add(("tries", provenance.Tries.ToString(CultureInfo.InvariantCulture)));
        origin.Add(("tokens", string.Create(CultureInfo.InvariantCulture, $"{provenance.InputTokens} in, {provenance.OutputTokens} out")));
        origin.Add(("prompt", provenance.PromptHash));
        return new InstanceSample(instance.Index, instance.Instruction, instance.Response, origin.ToImmutable());
    }
}
