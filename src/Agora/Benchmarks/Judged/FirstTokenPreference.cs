using System.Collections.Immutable;
using Agora.LanguageModels;

namespace Agora.Benchmarks.Judged;

/// <summary>Reads a preference out of the judge's first token: not which label it wrote, but how likely either was.</summary>
internal static class FirstTokenPreference
{
    /// <summary>The names under which the judge sees the outputs: the first slot's and the second's.</summary>
    public const string FirstSlot = "m", SecondSlot = "M";

    /// <summary>Probability of the second slot among both, 0 to 1.</summary>
    /// <remarks>
    /// Tokens are compared exactly, nothing is trimmed; a label that is not among the alternatives has probability 0; the token that was drawn does not matter.
    /// </remarks>
    /// <param name="tokens">The alternatives at each generated token.</param>
    /// <returns>Null, with the reason, where the answer is not one token long or neither label is among its alternatives.</returns>
    public static (double? Second, string? Reason) Read(ImmutableArray<TokenAlternatives> tokens)
    {
        if (tokens.IsDefaultOrEmpty)
            return (null, "no log-probabilities");
        if (tokens.Length != 1)
            return (null, $"{tokens.Length} tokens with log-probabilities instead of one");
        var (first, second) = (Probability(tokens[0], FirstSlot), Probability(tokens[0], SecondSlot));
        return first + second > 0 ? (second / (first + second), null) : (null, "neither label among the likely tokens");
    }

    private static double Probability(TokenAlternatives token, string label)
    {
        foreach (var alternative in token.Alternatives)
            if (alternative.Token == label)
                return double.IsNaN(alternative.LogProbability) ? 0 : Math.Exp(alternative.LogProbability);
        return 0;
    }
}
