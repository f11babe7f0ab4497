using System.Collections.Immutable;
using System.Globalization;
using Agora.Benchmarks.Judged;
using Agora.DataGeneration;
using Agora.Experiments;
using Agora.Recovery;
using Agora.Reports;

namespace Agora.Runs;

/// <summary>Turns a run's results into its report.</summary>
public static class RunReporting
{
    private const string WritingFile = ".report";

    /// <summary>Writes the report into the run's folder, after any other process that does so.</summary>
    /// <exception cref="AgoraException">A file cannot be written.</exception>
    public static async Task WriteAsync(RunReport report, RunFolder run, CancellationToken cancellationToken)
    {
        using var alone = await FileLock.ExclusiveAsync(run.PathOf(WritingFile), waiting: null, cancellationToken);
        ReportFiles.Write(report, run.FullPath);
    }

    /// <summary>Computes PGR and collects all that the report says. Samples are read from the store when the report is written.</summary>
    public static RunReport Of(RunResult result)
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
                    Instances = Rows<SyntheticInstance>(data.Result, StepFiles.Instances).Select(Sample),
                    Rejects = Rows<RejectedCompletion>(data.Result, StepFiles.Rejects).Select(reject => new RejectSample(reject.Reason.Name(), reject.Detail, reject.Completion)),
                }),
            ],
        };
    }

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

    // One file at a time, and only when somebody reads the samples.
    private static IEnumerable<T> Rows<T>(StepResult step, string file)
    {
        foreach (var row in StepFiles.ReadLines<T>(step, file))
            yield return row;
    }
}
