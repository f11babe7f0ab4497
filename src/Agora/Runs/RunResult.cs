using System.Collections.Immutable;
using Agora.Benchmarks;
using Agora.Benchmarks.Judged;
using Agora.Experiments;
using Agora.IntrinsicMetrics;
using Agora.Recovery;
using Agora.Training;

namespace Agora.Runs;

/// <summary>What came of a run, ready for recovery and report.</summary>
public sealed record RunResult
{
    public required Experiment Experiment { get; init; }
    /// <summary>What PGR is computed from; cells that failed are not in it.</summary>
    public required RecoveryGrades Grades { get; init; }
    /// <summary>The generators' own scores; empty where the experiment does not ask for them.</summary>
    public required ImmutableArray<SolverGrades> ProblemSolving { get; init; }
    public required ImmutableArray<GeneratedData> Data { get; init; }
    /// <summary>Intrinsic metrics, step by step.</summary>
    public required ImmutableArray<MeasuredSet> Measurements { get; init; }
    /// <summary>Of the students whose training is still on record; where only their answers are, they are not in it.</summary>
    public required ImmutableArray<TrainedStudent> Training { get; init; }
    /// <summary>Where every answer and its grade can be read.</summary>
    public required ImmutableArray<AnsweredBenchmark> Answers { get; init; }
    /// <summary>What was planned and is not there, with the reason.</summary>
    public required ImmutableArray<MissingResult> Missing { get; init; }
    /// <summary>Generators that wrote fewer instances than wanted.</summary>
    public IEnumerable<GeneratedData> Incomplete => Data.Where(data => data.Summary.Shortfall is not null);

    /// <summary>One per data set that was measured, all its parts together.</summary>
    public ImmutableArray<DataSetProfile> Profiles =>
    [
        .. Measurements.GroupBy(part => (part.Generator, part.Setting)).Select(parts => parts.First().Profile with { Metrics = [.. parts.SelectMany(part => part.Profile.Metrics)] }),
    ];

    /// <summary>Reads the results that are there.</summary>
    /// <param name="results">Of every wanted step that was done.</param>
    /// <param name="reasons">Why a step has no result, where it has none.</param>
    /// <param name="store">Where results lie that no report needs, such as trained students.</param>
    internal static RunResult Gather(
        Experiment experiment, StepGraph graph, IReadOnlyDictionary<StepKey, StepResult> results, IReadOnlyDictionary<StepKey, string> reasons, StepStore store)
    {
        var students = ImmutableArray.CreateBuilder<StudentGrades>();
        var anchors = ImmutableArray.CreateBuilder<AnchorGrades>();
        var solvers = ImmutableArray.CreateBuilder<SolverGrades>();
        var answers = ImmutableArray.CreateBuilder<AnsweredBenchmark>();
        var missing = ImmutableArray.CreateBuilder<MissingResult>();

        foreach (var node in graph.Students)
            foreach (var benchmark in node.Benchmarks)
                if (Grades(benchmark, AnsweredBy.Trained(node)) is { } grades)
                    students.Add(new StudentGrades
                    {
                        Student = node.Student,
                        Generator = node.Generator,
                        Setting = node.Setting,
                        TrainingSeed = node.TrainingSeed,
                        Benchmark = benchmark.Benchmark,
                        Grades = grades,
                    });
        foreach (var node in graph.Anchors)
            if (Grades(node.Benchmark, AnsweredBy.Anchored(node)) is { } grades)
                anchors.Add(new AnchorGrades
                {
                    Student = node.Student,
                    Anchor = node.Anchor,
                    Domain = node.Domain,
                    Benchmark = node.Benchmark.Benchmark,
                    Grades = grades,
                });
        foreach (var node in graph.Solvers)
            if (Grades(node.Benchmark, new AnsweredBy(AnsweredBy.GeneratorRole, Generator: node.Generator)) is { } grades)
                solvers.Add(new SolverGrades(node.Generator, node.Domain, node.Benchmark.Benchmark, grades));

        var data = ImmutableArray.CreateBuilder<GeneratedData>();
        foreach (var node in graph.Data)
        {
            if (results.TryGetValue(node.Generate.Key, out var result))
            {
                var summary = StepFiles.Read<GenerationSummary>(result, StepFiles.Generation);
                // At today's price: the data may be older than the experiment's price.
                var judgePrice = experiment.Generation.BestOf?.Judge is { } judging && experiment.Models.TryGetValue(judging, out var judge) ? judge.Price : null;
                var dollars = summary.Bill.DollarsAt(experiment.Models[node.Generator].Price, judgePrice);
                data.Add(new GeneratedData(node.Generator, node.Setting, summary with { Dollars = dollars }, result));
            }
            else
                missing.Add(new MissingResult(node.Generate.Name, reasons[node.Generate.Key]));
        }
        var measurements = ImmutableArray.CreateBuilder<MeasuredSet>();
        foreach (var node in graph.Measures)
        {
            if (results.TryGetValue(node.Measure.Key, out var result))
                measurements.Add(new MeasuredSet(node.Generator, node.Setting, StepFiles.Read<DataSetProfile>(result, StepFiles.Profile), result));
            else
                missing.Add(new MissingResult(node.Measure.Name, reasons[node.Measure.Key]));
        }
        return new RunResult
        {
            Experiment = experiment,
            Grades = new RecoveryGrades { Students = students.ToImmutable(), Anchors = anchors.ToImmutable() },
            ProblemSolving = solvers.ToImmutable(),
            Data = data.ToImmutable(),
            Measurements = measurements.ToImmutable(),
            Training =
            [
                .. from node in graph.Students
                   let finished = TrainStep.Finished(store, node.Train.Key)
                   where finished is not null
                   select new TrainedStudent(node.Student, node.Generator, node.Setting, node.TrainingSeed, finished.Value.Summary, finished.Value.Result),
            ],
            Answers = answers.ToImmutable(),
            Missing = missing.ToImmutable(),
        };

        ImmutableArray<GradedAnswer>? Grades(BenchmarkNode node, AnsweredBy by)
        {
            if (!results.TryGetValue(node.Grade.Key, out var graded) || !results.TryGetValue(node.Answer.Key, out var answered))
            {
                missing.Add(new MissingResult(node.Grade.Name, reasons[node.Grade.Key]));
                return null;
            }
            answers.Add(new AnsweredBenchmark(by, node.Benchmark, answered, graded));
            return StepFiles.ReadLines<GradedAnswer>(graded, StepFiles.Grades);
        }
    }
}

/// <summary>A generator's own grades on one benchmark.</summary>
public sealed record SolverGrades(string Generator, Domain Domain, string Benchmark, ImmutableArray<GradedAnswer> Grades);

/// <summary>A data set that a generator wrote in this experiment.</summary>
public sealed record GeneratedData(string Generator, Setting Setting, GenerationSummary Summary, StepResult Result)
{
    /// <summary>One <see cref="DataGeneration.SyntheticInstance"/> a line.</summary>
    public string InstancesFile => Result.PathOf(StepFiles.Instances);
    /// <summary>One <see cref="DataGeneration.RejectedCompletion"/> a line.</summary>
    public string RejectsFile => Result.PathOf(StepFiles.Rejects);
}

/// <summary>A part of a data set's profile, and where its instances' values lie.</summary>
public sealed record MeasuredSet(string Generator, Setting Setting, DataSetProfile Profile, StepResult Result);

/// <param name="Generator">Or the name of a data set that was brought along.</param>
public sealed record TrainedStudent(string Student, string Generator, Setting Setting, long Seed, TrainingSummary Summary, StepResult Result)
{
    /// <summary>The loss curve, one entry a step.</summary>
    public ImmutableArray<StepLoss> ReadLosses() => StepFiles.ReadLines<StepLoss>(Result, StepFiles.Losses);
}

/// <summary>Answers of one model on one benchmark with their grades, in the same order.</summary>
public sealed record AnsweredBenchmark(AnsweredBy By, string Benchmark, StepResult Answered, StepResult Graded)
{
    public ImmutableArray<BenchmarkAnswer> ReadAnswers() => StepFiles.ReadLines<BenchmarkAnswer>(Answered, StepFiles.Answers);

    public ImmutableArray<GradedAnswer> ReadGrades() => StepFiles.ReadLines<GradedAnswer>(Graded, StepFiles.Grades);

    /// <returns>Null where the benchmark asks no judge.</returns>
    public JudgingSummary? ReadJudging() => File.Exists(Graded.PathOf(StepFiles.Judging)) ? StepFiles.Read<JudgingSummary>(Graded, StepFiles.Judging) : null;
}

/// <summary>Who gave answers.</summary>
/// <param name="Role">base, reference, student or generator.</param>
public sealed record AnsweredBy(string Role, string? Student = null, string? Generator = null, Setting? Setting = null, long? TrainingSeed = null)
{
    public const string StudentRole = "student", GeneratorRole = "generator", BaseRole = "base", ReferenceRole = "reference";

    internal static AnsweredBy Trained(StudentNode node) => new(StudentRole, node.Student, node.Generator, node.Setting, node.TrainingSeed);

    internal static AnsweredBy Anchored(AnchorNode node) => new(node.Anchor == Anchor.Base ? BaseRole : ReferenceRole, node.Student);

    public override string ToString() => Role switch
    {
        StudentRole => $"{Student} on {Generator} {Setting} seed {TrainingSeed}",
        GeneratorRole => $"{Generator}",
        _ => $"{Role} of {Student}",
    };
}

/// <param name="Step">The step's name.</param>
/// <param name="Reason">What went wrong, in it or in a step before it.</param>
public sealed record MissingResult(string Step, string Reason);
