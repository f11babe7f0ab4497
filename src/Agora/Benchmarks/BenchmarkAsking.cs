using System.Collections.Immutable;

namespace Agora.Benchmarks;

/// <summary>A question of a benchmark's training split with its worked answer, shown to the model before the item at hand.</summary>
public sealed record Exemplar(string Question, string Answer);

/// <summary>How a benchmark's items are put to a model; the same for all of its items.</summary>
public sealed record BenchmarkAsking
{
    /// <summary>One user message an item, in the model's chat template.</summary>
    public static BenchmarkAsking Chat { get; } = new();

    /// <summary>The prompt goes to the model as it stands, without chat template or system message, and the model writes on from its end.</summary>
    public bool IsContinued { get; init; }
    /// <summary>Earlier exchanges of the same conversation; empty where the prompt itself holds the exemplars.</summary>
    public ImmutableArray<Exemplar> Exemplars { get; init; } = [];
    /// <summary>Generation ends before the first of these.</summary>
    public ImmutableArray<string> Stop { get; init; } = [];
    /// <summary>What the assistant is made to begin with; not part of the completion. Endpoints that cannot continue a message get the prompt without it.</summary>
    public string AnswerPrefix { get; init; } = "";

    /// <summary>Whether items are put as <see cref="Chat"/> puts them.</summary>
    public bool IsPlainChat => !IsContinued && Exemplars.IsEmpty && Stop.IsEmpty && AnswerPrefix.Length == 0;
}
