using System.Collections.Immutable;
using Agora.Experiments;
using Agora.Recovery;

namespace Agora.Runs;

/// <summary>The steps of an experiment, and what each stands for. Steps with equal keys are one step.</summary>
public sealed record StepGraph
{
    /// <summary>One per generator and setting, in the experiment's order.</summary>
    public required ImmutableArray<DataNode> Data { get; init; }
    /// <summary>Intrinsic metrics, one node per data set and who measures it; empty where the experiment asks for none.</summary>
    public ImmutableArray<MeasureNode> Measures { get; init; } = [];
    /// <summary>One per student, generator or given data set, setting and training seed.</summary>
    public required ImmutableArray<StudentNode> Students { get; init; }
    /// <summary>Base model and reference of each student on each benchmark.</summary>
    public required ImmutableArray<AnchorNode> Anchors { get; init; }
    /// <summary>The generators' own answers, where the experiment asks for problem-solving ability.</summary>
    public required ImmutableArray<SolverNode> Solvers { get; init; }

    /// <summary>Steps whose results a report reads. A trained student is not among them: once its answers are there, its weights are not needed.</summary>
    public IEnumerable<RunStep> Wanted => Distinct(
        Data.Select(node => (RunStep)node.Generate)
            .Concat(Measures.Select(node => node.Measure))
            .Concat(Students.SelectMany(node => node.Benchmarks).SelectMany(node => node.Steps))
            .Concat(Anchors.SelectMany(node => node.Benchmark.Steps))
            .Concat(Solvers.SelectMany(node => node.Benchmark.Steps)));

    /// <summary>Every step, inputs before the steps that read them.</summary>
    public IEnumerable<RunStep> Steps => Distinct(Wanted.SelectMany(WithInputs));

    private static IEnumerable<RunStep> WithInputs(RunStep step) => step.Inputs.SelectMany(WithInputs).Append(step);

    private static IEnumerable<RunStep> Distinct(IEnumerable<RunStep> steps) => steps.DistinctBy(step => step.Key);
}

/// <summary>A data set that a generator writes.</summary>
public sealed record DataNode(string Generator, Setting Setting, GenerateStep Generate);

public sealed record MeasureNode(string Generator, Setting Setting, MeasureStep Measure);

/// <summary>A trained student.</summary>
/// <param name="Generator">Who wrote the data: a generator, or the name of a data set that was brought along.</param>
public sealed record StudentNode(
    string Student, string Generator, Setting Setting, long TrainingSeed, TrainStep Train, ImmutableArray<BenchmarkNode> Benchmarks);

public sealed record AnchorNode(string Student, Anchor Anchor, Domain Domain, BenchmarkNode Benchmark);

public sealed record SolverNode(string Generator, Domain Domain, BenchmarkNode Benchmark);

/// <summary>Answers of one model on one benchmark, and their grades.</summary>
public sealed record BenchmarkNode(string Benchmark, AnswerStep Answer, GradeStep Grade)
{
    public IEnumerable<RunStep> Steps => [Answer, Grade];
}
