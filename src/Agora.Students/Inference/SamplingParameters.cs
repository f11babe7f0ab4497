using System.Collections.Immutable;

namespace Agora.Students.Inference;

/// <summary>How the next token is chosen. Applied in this order: repetition penalty, temperature, top-k, top-p, min-p.</summary>
public sealed record SamplingParameters
{
    /// <summary>0 takes the most likely token always (after the repetition penalty).</summary>
    public double Temperature { get; init; } = 1;
    /// <summary>Keep the best tokens while the probability strictly before them is below this; 1 is off.</summary>
    public double TopP { get; init; } = 1;
    /// <summary>Keep this many best tokens; 0 is off.</summary>
    public int TopK { get; init; }
    /// <summary>Drop tokens less likely than this share of the best one; 0 is off.</summary>
    public double MinP { get; init; }
    /// <summary>Divides positive and multiplies negative logits of tokens that stand in prompt or answer; 1 is off.</summary>
    public double RepetitionPenalty { get; init; } = 1;
    /// <summary>The answer ends before the first of these texts, wherever token borders fall.</summary>
    public ImmutableArray<string> Stop { get; init; } = [];
    /// <summary>Tokens that end the answer; null means those that generation_config.json or config.json names, an empty list none.</summary>
    public ImmutableArray<int>? EndTokens { get; init; }
    /// <summary>Tokens at most; null means to the end of the model's context.</summary>
    public int? MaxTokens { get; init; }
    /// <summary>The answer depends on model, prompt, these parameters and the seed, and on nothing else.</summary>
    public long Seed { get; init; }
    /// <summary>Report the log-probability of each token.</summary>
    public bool LogProbabilities { get; init; }
    /// <summary>And of this many best alternatives.</summary>
    public int TopLogProbabilities { get; init; }

    /// <exception cref="ArgumentOutOfRangeException">A parameter lies outside its range.</exception>
    internal void Check()
    {
        static void Require(bool holds, string rule, double value)
        {
            if (!holds)
                throw new ArgumentOutOfRangeException(nameof(SamplingParameters), value, rule);
        }
        Require(Temperature >= 0 && double.IsFinite(Temperature), "temperature must be 0 or above", Temperature);
        Require(TopP is > 0 and <= 1, "top-p must be above 0 and at most 1", TopP);
        Require(TopK >= 0, "top-k must be 0 (off) or above", TopK);
        Require(MinP is >= 0 and <= 1, "min-p must be from 0 to 1", MinP);
        Require(RepetitionPenalty > 0 && double.IsFinite(RepetitionPenalty), "the repetition penalty must be above 0", RepetitionPenalty);
        Require(MaxTokens is null or > 0, "max tokens must be above 0", MaxTokens ?? 0);
        Require(Stop.All(text => text.Length > 0), "a stop text must not be empty", 0);
        Require(TopLogProbabilities >= 0, "the number of alternatives must be 0 or above", TopLogProbabilities);
    }
}
