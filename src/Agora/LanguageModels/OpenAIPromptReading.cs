using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Agora.Experiments;
using Microsoft.Extensions.AI;

namespace Agora.LanguageModels;

/// <summary>Asks an endpoint how likely it holds a text that is there already; other requests go on.</summary>
/// <remarks>
/// A conversation goes to /chat/completions with vLLM's <c>prompt_logprobs</c>, without a header for another answer where the last message is the assistant's; a plain prompt to /completions with OpenAI's
/// <c>echo</c> and <c>logprobs</c>. A chat must write one token, which is thrown away.
/// </remarks>
internal sealed class OpenAIPromptReading(IChatClient inner, OpenAIPosts posts, EndpointModel model) : DelegatingChatClient(inner)
{
    public override async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        if (options?.AdditionalProperties?.ContainsKey(SamplingOptions.PromptLogProbabilities) != true)
            return await base.GetResponseAsync(messages, options, cancellationToken);
        var request = messages.ToArray();
        var plain = options.AdditionalProperties.ContainsKey(SamplingOptions.PlainPrompt);
        using var answer = plain
            ? await posts.SendAsync("completions", Echo(string.Concat(request.Select(message => message.Text))), cancellationToken)
            : await posts.SendAsync("chat/completions", Conversation(request), cancellationToken);
        return new ChatResponse(new ChatMessage(ChatRole.Assistant, ""))
        {
            ModelId = model.Name,
            FinishReason = ChatFinishReason.Length,
            Usage = OpenAIPosts.Usage(answer.RootElement),
            AdditionalProperties = new() { [PromptToken.PropertyName] = plain ? Echoed(answer.RootElement) : Read(answer.RootElement) },
        };
    }

    private JsonObject Conversation(ChatMessage[] messages) => new()
    {
        ["model"] = model.Name,
        ["messages"] = new JsonArray([.. messages.Select(message => (JsonNode)new JsonObject { ["role"] = message.Role.Value, ["content"] = message.Text })]),
        ["max_tokens"] = 1,
        ["temperature"] = 0,
        ["prompt_logprobs"] = 0,
        ["add_generation_prompt"] = messages[^1].Role != ChatRole.Assistant,
    };

    private JsonObject Echo(string prompt) => new() { ["model"] = model.Name, ["prompt"] = prompt, ["max_tokens"] = 0, ["temperature"] = 0, ["echo"] = true, ["logprobs"] = 0 };

    // A list with null for the first token, and for each other an object by token id, the prompt's own token first.
    private ImmutableArray<PromptToken> Read(JsonElement answer)
    {
        if (!answer.TryGetProperty("prompt_logprobs", out var list) || list.ValueKind != JsonValueKind.Array)
            throw Absent("prompt_logprobs");
        var tokens = ImmutableArray.CreateBuilder<PromptToken>(list.GetArrayLength());
        foreach (var entry in list.EnumerateArray())
        {
            if (entry.ValueKind != JsonValueKind.Object)
            {
                tokens.Add(new PromptToken("", null));
                continue;
            }
            var own = entry.EnumerateObject().First();
            tokens.Add(new PromptToken(own.Name, Number(own.Value.GetProperty("logprob"))));
        }
        return tokens.ToImmutable();
    }

    private ImmutableArray<PromptToken> Echoed(JsonElement answer)
    {
        if (!answer.GetProperty("choices")[0].TryGetProperty("logprobs", out var log) || log.ValueKind != JsonValueKind.Object
            || !log.TryGetProperty("tokens", out var texts) || !log.TryGetProperty("token_logprobs", out var values))
            throw Absent("logprobs");
        if (texts.GetArrayLength() != values.GetArrayLength())
            throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"{texts.GetArrayLength()} tokens have {values.GetArrayLength()} log-probabilities"));
        return [.. texts.EnumerateArray().Zip(values.EnumerateArray(), (text, value) => new PromptToken(text.GetString() ?? "", Number(value)))];
    }

    private static double? Number(JsonElement value) => value.ValueKind == JsonValueKind.Number ? value.GetDouble() : null;

    private AgoraException Absent(string member) => new($"the endpoint gives no log-probabilities of prompts: its answer has no {member}", model.Where,
        "ask a server that gives them (vLLM, agora serve; with likelihood: completions, any whose /completions knows echo), or measure no perplexity with this model");
}
