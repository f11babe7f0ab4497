using System.Collections.Immutable;
using Microsoft.Extensions.AI;

namespace Agora.LanguageModels;

/// <summary>How likely a model held one token of a prompt.</summary>
/// <param name="Token">What tells it from others: its number in the vocabulary where the endpoint gives it, its text elsewhere.</param>
/// <param name="LogProbability">In nats, given all tokens before it; null for the first one, which nothing predicts.</param>
public readonly record struct PromptToken(string Token, double? LogProbability)
{
    /// <summary>Key of the list, one entry per token of the prompt, in <see cref="ChatResponse.AdditionalProperties"/>.</summary>
    public const string PropertyName = "prompt_tokens";

    /// <returns>Empty where the response holds none.</returns>
    public static ImmutableArray<PromptToken> Of(ChatResponse response) =>
        response.AdditionalProperties?.TryGetValue(PropertyName, out var value) == true && value is ImmutableArray<PromptToken> { IsDefault: false } tokens ? tokens : [];
}
