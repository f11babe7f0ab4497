using System.Collections.Immutable;

namespace Agora.Nano.Models;

/// <summary>How an embedded model came about; lies beside its weights as training.json.</summary>
internal sealed record NanoTraining
{
    /// <summary>Hash of all that decides the weights: size, phases, character, tokenizer, meta-prompts and what it goes on from.</summary>
    public required string Key { get; init; }
    public required long Tokens { get; init; }
    /// <summary>Tokens that counted in the loss.</summary>
    public required long TargetTokens { get; init; }
    public required int Steps { get; init; }
    public required double FinalLossNats { get; init; }
    /// <summary>Wall time on the machine that trained it.</summary>
    public required double Seconds { get; init; }
    public required int Threads { get; init; }
    /// <summary>Percent of the embedded benchmarks that it solves itself, by domain; null until measured.</summary>
    public ImmutableSortedDictionary<string, double>? Scores { get; init; }
}
