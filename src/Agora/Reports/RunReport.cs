using System.Collections.Immutable;
using Agora.Analysis;
using Agora.Benchmarks;
using Agora.Benchmarks.Judged;
using Agora.Experiments;
using Agora.IntrinsicMetrics;
using Agora.Recovery;

namespace Agora.Reports;

/// <summary>All that a run has to say, in one record; every rendering reads it and nothing else.</summary>
/// <remarks>It holds no times and no dates: the same experiment writes the same bytes again, however often it was interrupted.</remarks>
public sealed record RunReport
{
    public required Experiment Experiment { get; init; }
    /// <summary>Of Agora.</summary>
    public required string Version { get; init; }
    public required RecoveryTable Recovery { get; init; }
    /// <summary>The generators' own scores; empty where the experiment does not ask for them.</summary>
    public ImmutableArray<SolverScore> ProblemSolving { get; init; } = [];
    /// <summary>One entry per generator and setting.</summary>
    public ImmutableArray<DataSetFacts> DataSets { get; init; } = [];
    /// <summary>One entry per model and judged benchmark.</summary>
    public ImmutableArray<JudgedAnswers> Judgments { get; init; } = [];
    /// <summary>Of judges that were among the judged, where there was another judge.</summary>
    public ImmutableArray<SelfPreference> SelfPreferences { get; init; } = [];
    /// <summary>What was planned and is not there.</summary>
    public ImmutableArray<MissingPart> Missing { get; init; } = [];
    public ImmutableArray<AnswerSamples> Answers { get; init; } = [];
    public ImmutableArray<InstanceSamples> Instances { get; init; } = [];
    /// <summary>Intrinsic metrics of the data sets; empty where none were measured.</summary>
    public ImmutableArray<DataSetProfile> Profiles { get; init; } = [];
    /// <summary>What explains PGR in this run; null where there is no PGR.</summary>
    public StudyAnalysis? Analysis { get; init; }
    /// <summary>What the analysis leaves out, and why.</summary>
    public ImmutableArray<string> AnalysisRemarks { get; init; } = [];
    /// <summary>One entry per trained student whose training is still on record.</summary>
    public ImmutableArray<TrainingFacts> Training { get; init; } = [];
    /// <summary>What each result was made from.</summary>
    public ImmutableArray<ProvenanceEntry> Provenance { get; init; } = [];
}

/// <param name="What">The step, in words.</param>
/// <param name="Key">Of the step's result in the store: equal keys mean equal results.</param>
/// <param name="From">What it was made from: names and hashes in order.</param>
public sealed record ProvenanceEntry(string What, string Key, ImmutableArray<(string Name, string Value)> From);

/// <summary>What a generator wrote for a setting, and what that took.</summary>
public sealed record DataSetFacts
{
    public required string Generator { get; init; }
    public required Setting Setting { get; init; }
    public required int Wanted { get; init; }
    public required int Valid { get; init; }
    /// <summary>Why there are fewer than wanted; null where there are not.</summary>
    public string? Shortfall { get; init; }
    /// <summary>Asked for in all.</summary>
    public required long Completions { get; init; }
    /// <summary>Of these, asked for since an earlier one of the same place was rejected.</summary>
    public required long Retries { get; init; }
    /// <summary>Of all completions.</summary>
    public required long InputTokens { get; init; }
    public required long OutputTokens { get; init; }
    /// <summary>Output tokens of the completions that were kept.</summary>
    public required long KeptOutputTokens { get; init; }
    /// <summary>Completions for which the endpoint reported no tokens; they are in no sum but this one.</summary>
    public required long WithoutUsage { get; init; }
    /// <summary>US dollars for all completions; null where no price is known.</summary>
    public decimal? Dollars { get; init; }
    /// <summary>Part of <see cref="Dollars"/>: completions that checks and filters turned away, and what a method's judge was asked.</summary>
    public decimal? FilteringDollars { get; init; }
    public required ImmutableArray<RejectCount> Rejects { get; init; }
}

/// <param name="Reason">As files write it, e.g. <c>finished_by_length</c>.</param>
public sealed record RejectCount(string Reason, long Completions);

/// <param name="Model">Who answered, in words.</param>
public sealed record JudgedAnswers(string Model, JudgingSummary Judging);

/// <param name="What">E.g. the name of a step.</param>
public sealed record MissingPart(string What, string Reason);

/// <summary>One model's answers to one benchmark, for reading.</summary>
public sealed record AnswerSamples
{
    /// <summary>Who answered, in words.</summary>
    public required string Model { get; init; }
    public required string Benchmark { get; init; }
    /// <summary>In the benchmark's order; read anew at every enumeration, so that a large run need not fit into memory.</summary>
    public required IEnumerable<AnswerSample> Samples { get; init; }
}

public sealed record AnswerSample(BenchmarkAnswer Answer, GradedAnswer Graded);

/// <summary>One data set, for reading.</summary>
public sealed record InstanceSamples
{
    public required string Generator { get; init; }
    public required Setting Setting { get; init; }
    /// <summary>By place; read anew at every enumeration.</summary>
    public required IEnumerable<InstanceSample> Instances { get; init; }
    /// <summary>How many there are.</summary>
    public required int Count { get; init; }
    /// <summary>Those of some lines, counted from 0; where absent, all are read and the others passed over.</summary>
    public Func<IReadOnlySet<int>, IEnumerable<(int Place, InstanceSample Sample)>>? Pick { get; init; }
    /// <summary>What was measured of an instance: by line, counted from 0; empty where nothing was.</summary>
    public Func<IReadOnlySet<int>, IReadOnlyDictionary<int, ImmutableArray<Verdict>>> Verdicts { get; init; } = static _ => ImmutableDictionary<int, ImmutableArray<Verdict>>.Empty;
    /// <summary>By place and try; read anew at every enumeration.</summary>
    public required IEnumerable<RejectSample> Rejects { get; init; }
}

/// <param name="Origin">Where it came from, e.g. demonstrations, theme, tries: names and values in order.</param>
public sealed record InstanceSample(int Index, string Instruction, string Response, ImmutableArray<(string Name, string Value)> Origin);

/// <summary>What a judge, a model or a check said of an instance.</summary>
/// <param name="Name">Of the metric, and where several judges were asked, of the judge.</param>
/// <param name="Value">Null where there is none; the text then says why.</param>
public sealed record Verdict(string Name, double? Value, string Text);

/// <param name="Detail">What the check saw.</param>
public sealed record RejectSample(string Reason, string Detail, string Completion);
