using System.Collections.Immutable;

namespace Agora.Students.Inference;

/// <summary>Why an answer ended: an end token or a stop text, or the token limit or the end of the context.</summary>
public enum CompletionEnd { Stop, Length }

/// <summary>What a model wrote after a prompt.</summary>
public sealed record Completion
{
    /// <summary>Without special tokens, and without the stop text and what followed it.</summary>
    public required string Text { get; init; }
    /// <summary>All tokens drawn, the end token and those of a stop text included.</summary>
    public required ImmutableArray<int> Tokens { get; init; }
    public required CompletionEnd End { get; init; }
    public required int PromptTokens { get; init; }
    /// <summary>Prompt tokens that were not read again, because an earlier prompt began with them.</summary>
    public required int CachedPromptTokens { get; init; }
    /// <summary>One per token where asked for, else empty.</summary>
    public ImmutableArray<TokenLogProbability> LogProbabilities { get; init; } = [];
}

/// <summary>How likely the model itself held a token: before penalty, temperature and filters.</summary>
/// <param name="LogProbability">Nats.</param>
/// <param name="Alternatives">The most likely tokens with their log-probabilities, best first; as many as asked for.</param>
public sealed record TokenLogProbability(int Token, double LogProbability, ImmutableArray<(int Token, double LogProbability)> Alternatives)
{
    /// <summary>Place of the token among all, from 1 for the likeliest.</summary>
    public required int Rank { get; init; }
}

/// <summary>A piece of a streamed answer.</summary>
/// <param name="Text">Never part of a stop text, never half a character; may be empty in the last piece.</param>
/// <param name="Completion">The whole answer, in the last piece only.</param>
public readonly record struct CompletionPiece(string Text, Completion? Completion);
