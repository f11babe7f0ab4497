using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Agora.Benchmarks;
using Agora.Experiments;
using Agora.Recovery;
using Agora.Reports;

namespace Agora.Runs;

/// <summary>An evaluation as it is kept: <c>evaluation.json</c>.</summary>
public sealed record EvaluationRecord
{
    public required string Name { get; init; }
    /// <summary>Null where answers were given.</summary>
    public ModelSpec? Model { get; init; }
    public string? GivenSamples { get; init; }
    public required string SystemMessage { get; init; }
    /// <summary>Answers to each item.</summary>
    public required int Samples { get; init; }
    public required long Seed { get; init; }
    /// <summary>Percent.</summary>
    public required double ConfidenceLevel { get; init; }
    public required ImmutableArray<EvaluationScore> Scores { get; init; }
    /// <summary>Benchmarks without a score, and why.</summary>
    public required ImmutableArray<MissingResult> Failures { get; init; }
}

/// <summary>One benchmark's score.</summary>
public sealed record EvaluationScore
{
    public required string Benchmark { get; init; }
    /// <summary>Benchmark, rules, file and options of the grader; says so where code ran without a sandbox.</summary>
    public required string Grader { get; init; }
    /// <summary>Null where answers were given.</summary>
    public AnsweringSpec? Answering { get; init; }
    /// <summary>In which style the items were put: <c>chat</c>, <c>base</c> or <c>evalplus</c>; null where answers were given.</summary>
    public string? PromptStyle { get; init; }
    /// <summary>Exemplars before every item; null where answers were given.</summary>
    public int? FewShot { get; init; }
    /// <summary>Items of the benchmark.</summary>
    public required int Items { get; init; }
    public required int Answers { get; init; }
    /// <summary>Answers that ended at the token limit.</summary>
    public required int CutOff { get; init; }
    /// <summary>Answers without text.</summary>
    public required int Empty { get; init; }
    /// <summary>The mean grade, for code pass@1; null where nothing could be graded.</summary>
    [JsonConverter(typeof(ClusteredScoreConverter))]
    public required ClusteredScore? Estimate { get; init; }
    /// <summary>pass@k for k above 1.</summary>
    public required ImmutableArray<PassAtKScore> PassAt { get; init; }
    /// <summary>What the judges said and how they went about it; null where none was asked.</summary>
    public JudgingEntry? Judging { get; init; }
    /// <summary>Where programs ran, and how long they might; null where none did.</summary>
    public SandboxFacts? Sandbox { get; init; }
    /// <summary>Answers that could not be graded, by reason; they are in no mean.</summary>
    public required ImmutableArray<UnscoredCount> Unscored { get; init; }
    /// <summary>Answers that were counted as wrong because they could not be searched for a program, by reason; they are in the mean.</summary>
    public ImmutableArray<UnscoredCount> Unsearchable { get; init; } = [];
}

/// <param name="Estimate">Null where some task has fewer than k graded samples.</param>
public sealed record PassAtKScore(int K, [property: JsonConverter(typeof(ClusteredScoreConverter))] ClusteredScore? Estimate);
