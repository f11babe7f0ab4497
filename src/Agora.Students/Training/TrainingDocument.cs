using System.Collections.Immutable;

namespace Agora.Students.Training;

/// <summary>A token sequence to learn from, on its own: it neither sees its neighbours in a batch nor predicts across its borders.</summary>
/// <param name="Tokens">Ids, in order.</param>
/// <param name="Targets">For each token whether its prediction, from the ones before it, counts in the loss; null where all do. The first is never predicted.</param>
public sealed record TrainingDocument(int[] Tokens, bool[]? Targets = null)
{
    /// <summary>Which rows of the training data it was made of, from 0, for messages; empty where that is of no interest.</summary>
    public ImmutableArray<int> Rows { get; init; } = [];

    public bool IsTarget(int index) => index > 0 && (Targets is null || Targets[index]);

    public int TargetCount => Targets is null ? Math.Max(Tokens.Length - 1, 0) : Targets.AsSpan(Math.Min(1, Targets.Length)).Count(true);
}
