using System.Collections.Immutable;
using Microsoft.Extensions.AI;

namespace Agora.LanguageModels;

/// <summary>What a model could have written at one place of its answer.</summary>
/// <param name="Token">What it wrote.</param>
/// <param name="Alternatives">The likeliest tokens with their log-probabilities in nats, in the model's order; the written one need not be among them.</param>
public sealed record TokenAlternatives(string Token, ImmutableArray<LikelyToken> Alternatives)
{
    /// <summary>Key of the list, one entry per generated token, in <see cref="ChatResponse.AdditionalProperties"/>; absent where the model gave none.</summary>
    public const string PropertyName = "token_alternatives";

    /// <param name="alternatives">Those of probability 0, whose logarithm no file can hold, are left out.</param>
    public static TokenAlternatives Of(string token, IEnumerable<(string Token, double LogProbability)> alternatives) =>
        new(token, [.. alternatives.Where(likely => double.IsFinite(likely.LogProbability)).Select(likely => new LikelyToken(likely.Token, likely.LogProbability))]);

    /// <returns>Empty where the response holds none.</returns>
    public static ImmutableArray<TokenAlternatives> Of(ChatResponse response) =>
        response.AdditionalProperties?.TryGetValue(PropertyName, out var value) == true && value is ImmutableArray<TokenAlternatives> { IsDefault: false } tokens ? tokens : [];
}

/// <param name="LogProbability">In nats.</param>
public readonly record struct LikelyToken(string Token, double LogProbability);
