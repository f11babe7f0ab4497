using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace Agora.LanguageModels;

/// <summary>Has an endpoint continue a text at <c>/completions</c> where the request says that its prompt is to stand as it is; other requests go to the chat.</summary>
/// <remarks>Base models have no chat template, and what a server would put around a message is not what they were trained on.</remarks>
internal sealed class OpenAIPlainPrompts(IChatClient chat, ClientPipeline pipeline, Uri endpoint, string model) : DelegatingChatClient(chat)
{
    public override Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        options?.AdditionalProperties?.ContainsKey(SamplingOptions.PlainPrompt) == true
            ? ContinueAsync(string.Concat(messages.Select(message => message.Text)), options, cancellationToken)
            : base.GetResponseAsync(messages, options, cancellationToken);

    private async Task<ChatResponse> ContinueAsync(string prompt, ChatOptions options, CancellationToken cancellationToken)
    {
        using var message = pipeline.CreateMessage();
        message.ResponseClassifier = PipelineMessageClassifier.Create([200]);
        message.Request.Method = "POST";
        message.Request.Uri = new Uri($"{endpoint.AbsoluteUri.TrimEnd('/')}/completions");
        message.Request.Headers.Set("Content-Type", "application/json");
        message.Request.Content = BinaryContent.Create(BinaryData.FromString(Body(prompt, options).ToJsonString()));
        message.Apply(new RequestOptions { CancellationToken = cancellationToken });
        await pipeline.SendAsync(message);
        var response = message.Response ?? throw new IOException("the endpoint sent nothing");
        if (response.IsError)
            throw new ClientResultException(response);
        using var answer = JsonDocument.Parse(response.Content.ToMemory());
        var choice = answer.RootElement.GetProperty("choices")[0];
        return new ChatResponse(new ChatMessage(ChatRole.Assistant, choice.GetProperty("text").GetString() ?? ""))
        {
            ModelId = model,
            FinishReason = choice.TryGetProperty("finish_reason", out var reason) && reason.ValueEquals("length") ? ChatFinishReason.Length : ChatFinishReason.Stop,
            Usage = answer.RootElement.TryGetProperty("usage", out var usage) && usage.ValueKind == JsonValueKind.Object
                ? new UsageDetails { InputTokenCount = Count(usage, "prompt_tokens"), OutputTokenCount = Count(usage, "completion_tokens"), TotalTokenCount = Count(usage, "total_tokens") }
                : null,
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

    private static long? Count(JsonElement usage, string name) => usage.TryGetProperty(name, out var count) && count.TryGetInt64(out var number) ? number : null;
}
