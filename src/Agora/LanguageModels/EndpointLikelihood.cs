using System.Collections.Immutable;
using Agora.Experiments;
using Microsoft.Extensions.AI;

namespace Agora.LanguageModels;

/// <summary>How likely a model behind an endpoint holds given responses, from log-probabilities of prompts.</summary>
/// <remarks>
/// Which tokens are the response's is told from the tokens alone, since no protocol marks them: the conversation is asked for with the response and without it, and what both begin with is the prompt. Where a token spans
/// the end of the prompt and the start of the response, it belongs to the response, as in training. What the server's chat template writes after every answer is what two short probes end with in common; it is no part of the response.
/// </remarks>
/// <param name="model">Usually a <see cref="JournaledChatClient"/>, so that nothing is asked twice. The caller disposes it.</param>
/// <param name="systemMessage">Put before each instruction; null or empty: none. Plain prompts have none.</param>
/// <param name="parallel">Requests in flight.</param>
public sealed class EndpointLikelihood(IChatClient model, string? systemMessage, LikelihoodReading reading, int parallel) : ILikelihoodModel
{
    /// <returns>One loss per token of the response's text; empty for an empty response. Infinite where the endpoint gives a token no probability.</returns>
    /// <exception cref="PromptRefusedException">A conversation is longer than the model's context.</exception>
    /// <exception cref="AgoraException">The endpoint gives no log-probabilities of prompts.</exception>
    public async Task<IReadOnlyList<float[]>> TokenLossesAsync(IReadOnlyList<(string Instruction, string Response)> pairs, CancellationToken cancellationToken)
    {
        var closing = reading == LikelihoodReading.Chat ? await ClosingAsync(cancellationToken) : 0;
        var losses = new float[pairs.Count][];
        await Parallel.ForAsync(0, pairs.Count, new ParallelOptions { MaxDegreeOfParallelism = parallel, CancellationToken = cancellationToken }, async (place, stop) =>
            losses[place] = pairs[place].Response.Length == 0 ? [] : await LossesAsync(pairs[place].Instruction, pairs[place].Response, closing, stop));
        return losses;
    }

    private async Task<float[]> LossesAsync(string instruction, string response, int closing, CancellationToken cancellationToken)
    {
        var whole = await ReadAsync(instruction, response, cancellationToken);
        var prompt = await ReadAsync(instruction, null, cancellationToken);
        var from = 0;
        while (from < prompt.Length && from < whole.Length && prompt[from].Token == whole[from].Token)
            from++;
        var end = whole.Length - closing;
        return from >= end ? [] : [.. whole[from..end].Select(token => token.LogProbability is { } logProbability ? (float)-logProbability : float.PositiveInfinity)];
    }

    private async Task<int> ClosingAsync(CancellationToken cancellationToken)
    {
        var one = await ReadAsync("Write a word.", "word", cancellationToken);
        var other = await ReadAsync("Write a word.", "7", cancellationToken);
        var common = 0;
        while (common < one.Length && common < other.Length && one[^(common + 1)].Token == other[^(common + 1)].Token)
            common++;
        return common;
    }

    // Without a response: up to where one would begin.
    private async Task<ImmutableArray<PromptToken>> ReadAsync(string instruction, string? response, CancellationToken cancellationToken)
    {
        var options = new ChatOptions { MaxOutputTokens = 1, AdditionalProperties = new() { [SamplingOptions.PromptLogProbabilities] = true } };
        var messages = new List<ChatMessage>();
        if (reading == LikelihoodReading.Completions)
        {
            options.AdditionalProperties[SamplingOptions.PlainPrompt] = true;
            messages.Add(new ChatMessage(ChatRole.User, $"{instruction}\n\n{response}"));
        }
        else
        {
            if (systemMessage is { Length: > 0 })
                messages.Add(new ChatMessage(ChatRole.System, systemMessage));
            messages.Add(new ChatMessage(ChatRole.User, instruction));
            if (response is not null)
                messages.Add(new ChatMessage(ChatRole.Assistant, response));
        }
        return PromptToken.Of(await model.GetResponseAsync(messages, options, cancellationToken));
    }
}
