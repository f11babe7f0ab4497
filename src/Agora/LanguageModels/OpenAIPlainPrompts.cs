using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace Agora.LanguageModels;

/// <summary>Has an endpoint continue a text at <c>/completions</c> where the request says that its prompt is to stand as it is; other requests go to the chat.</summary>
/// <remarks>Base models have no chat template, and what a server would put around a message is not what they were trained on.</remarks>
internal sealed class OpenAIPlainPrompts(IChatClient chat, OpenAIPosts posts, string model) : DelegatingChatClient(chat)
{
    public override Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        options?.AdditionalProperties?.ContainsKey(SamplingOptions.PlainPrompt) == true
            ? ContinueAsync(string.Concat(messages.Select(message => message.Text)), options, cancellationToken)
            : base.GetResponseAsync(messages, options, cancellationToken);

    private async Task<ChatResponse> ContinueAsync(string prompt, ChatOptions options, CancellationToken cancellationToken)
    {
        using var answer = await posts.SendAsync("completions", Body(prompt, options), cancellationToken);
        var choice = answer.RootElement.GetProperty("choices")[0];
        return new ChatResponse(new ChatMessage(ChatRole.Assistant, choice.GetProperty("text").GetString() ?? ""))
        {
            ModelId = model,
            FinishReason = choice.TryGetProperty("finish_reason", out var reason) && reason.ValueEquals("length") ? ChatFinishReason.Length : ChatFinishReason.Stop,
            Usage = OpenAIPosts.Usage(answer.RootElement),
        };
    }

    private JsonObject Body(string prompt, ChatOptions options)
    {
        var body = new JsonObject { ["model"] = model, ["prompt"] = prompt };
        if (options.Temperature is { } temperature)
            body["temperature"] = temperature;
        if (options.TopP is { } topP)
            body["top_p"] = topP;
        if (options.MaxOutputTokens is { } tokens)
            body["max_tokens"] = tokens;
        if (options.Seed is { } seed)
            body["seed"] = seed;
        if (options.StopSequences is { Count: > 0 } stops)
            body["stop"] = new JsonArray([.. stops.Select(stop => (JsonNode)stop)]);
        foreach (var name in (string[])[SamplingOptions.RepetitionPenalty, SamplingOptions.MinP])
            if (options.AdditionalProperties?.TryGetValue(name, out var value) == true && value is not null)
                body[name] = Convert.ToDouble(value, System.Globalization.CultureInfo.InvariantCulture);
        return body;
    }
}
