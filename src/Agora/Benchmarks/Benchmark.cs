using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Agora.Benchmarks.Judged;
using Agora.Experiments;
using Microsoft.Extensions.AI;

namespace Agora.Benchmarks;

/// <summary>A question put to a student; what is needed to grade the answer stays with the benchmark.</summary>
/// <param name="Prompt">The user's message.</param>
public sealed record BenchmarkItem(string Id, string Prompt)
{
    /// <summary>What the item asks, without what its benchmark puts around it: what must not stand in training data.</summary>
    public string Question { get; init; } = Prompt;
}

/// <summary>What a model wrote.</summary>
public sealed record BenchmarkAnswer
{
    public required string ItemId { get; init; }
    public required string Prompt { get; init; }
    public required string Completion { get; init; }
    /// <summary>False where the answer was cut off at the token limit.</summary>
    public required bool Finished { get; init; }
    /// <summary>What the completion is to the benchmarks that run programs.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public AnswerForm Form { get; init; }
}

/// <summary>What a completion is, to a benchmark that runs programs.</summary>
public enum AnswerForm
{
    /// <summary>What a model said, in which the program is looked for.</summary>
    Message,
    /// <summary>The program itself, run as it is.</summary>
    Program,
    /// <summary>What belongs behind the task's prompt, run with it as it is.</summary>
    Continuation,
}

/// <summary>"No value" is a case with a reason, so that no mean can swallow it by accident.</summary>
public abstract record Grade
{
    private Grade() { }
    /// <param name="Value">
    /// From 0 (wrong) to 1 (right). In the judged benchmarks, whose score is no mean over items, the item's contribution to it: their mean is the score, and single ones may lie outside.
    /// </param>
    public sealed record Scored(double Value) : Grade;
    /// <param name="Reason">E.g. the judge's verdict could not be parsed.</param>
    public sealed record Unscored(string Reason) : Grade;
}

/// <param name="Extracted">The part of the completion that was graded; null where none was found.</param>
/// <param name="Detail">What the grader saw, for the reader of samples.</param>
public sealed record GradedAnswer(string ItemId, string? Extracted, Grade Grade, string? Detail = null);

/// <summary>What grading may need besides the answers.</summary>
public sealed record GradingContext
{
    public required RandomStreams Random { get; init; }
    /// <summary>Judges of the pairwise benchmarks, in the experiment's order.</summary>
    public ImmutableArray<IChatClient> Judges { get; init; } = [];
    /// <summary>What the judges are, in their order; numbers where fewer are given.</summary>
    public ImmutableArray<string> JudgeNames { get; init; } = [];
    public JudgingSpec Judging { get; init; } = new();
    /// <summary>Takes what the judges as a whole have to say.</summary>
    public Action<JudgingSummary>? Judged { get; init; }
    /// <summary>Takes where programs were run, once there is a sandbox.</summary>
    public Action<SandboxFacts>? Ran { get; init; }
    /// <summary>Keeps a file beside the grades: its name and its lines.</summary>
    public Action<string, IEnumerable<string>>? Keep { get; init; }
    public IProgress<(int Done, int Total)>? Progress { get; init; }
    /// <summary>Processes or requests at once.</summary>
    public int Parallel { get; init; } = Environment.ProcessorCount;
}

/// <summary>A set of questions with its official metric.</summary>
public interface IBenchmark
{
    string Name { get; }
    Domain Domain { get; }
    ImmutableArray<BenchmarkItem> Items { get; }
    /// <summary>How the items are put to a model.</summary>
    BenchmarkAsking Asking => BenchmarkAsking.Chat;
    /// <summary>Changes when the same answers would get other grades; part of the step's key.</summary>
    string GraderVersion { get; }
    /// <summary>Whether grading asks the experiment's judges, whose identity then belongs to the step's key.</summary>
    bool NeedsJudge { get; }
    /// <summary>The benchmark's own solutions, written as a model would, for the items that have one: graded, they must come out as <see cref="ReferenceGrade"/> says.</summary>
    ImmutableArray<BenchmarkAnswer> ReferenceAnswers { get; }
    /// <summary>What every reference answer is graded: 1, or 0.5 where it is the answer that others are measured against, which draws with itself.</summary>
    double ReferenceGrade => 1;
    /// <returns>One grade per answer, in the order of the answers.</returns>
    Task<ImmutableArray<GradedAnswer>> GradeAsync(IReadOnlyList<BenchmarkAnswer> answers, GradingContext context, CancellationToken cancellationToken);
}
