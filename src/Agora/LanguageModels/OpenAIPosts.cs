using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace Agora.LanguageModels;

/// <summary>Requests that OpenAI's SDK has no method for, on the SDK's own pipeline: its key, its transport, its faults.</summary>
internal sealed class OpenAIPosts(ClientPipeline pipeline, Uri endpoint)
{
    /// <param name="path">Below the endpoint's address.</param>
    /// <returns>The answer, which the caller disposes.</returns>
    /// <exception cref="ClientResultException">Any other status than 200.</exception>
    public async Task<JsonDocument> SendAsync(string path, JsonObject body, CancellationToken cancellationToken)
    {
        using var message = pipeline.CreateMessage();
        message.ResponseClassifier = PipelineMessageClassifier.Create([200]);
        message.Request.Method = "POST";
        message.Request.Uri = new Uri($"{endpoint.AbsoluteUri.TrimEnd('/')}/{path}");
        message.Request.Headers.Set("Content-Type", "application/json");
        message.Request.Content = BinaryContent.Create(BinaryData.FromString(body.ToJsonString()));
        message.Apply(new RequestOptions { CancellationToken = cancellationToken });
        await pipeline.SendAsync(message);
        var response = message.Response ?? throw new IOException("the endpoint sent nothing");
        return response.IsError ? throw new ClientResultException(response) : JsonDocument.Parse(response.Content.ToMemory());
    }

    /// <returns>Null where the answer counts no tokens.</returns>
    public static UsageDetails? Usage(JsonElement answer) => answer.TryGetProperty("usage", out var usage) && usage.ValueKind == JsonValueKind.Object
        ? new UsageDetails { InputTokenCount = Count(usage, "prompt_tokens"), OutputTokenCount = Count(usage, "completion_tokens"), TotalTokenCount = Count(usage, "total_tokens") }
        : null;

    private static long? Count(JsonElement usage, string name) => usage.TryGetProperty(name, out var count) && count.ValueKind == JsonValueKind.Number && count.TryGetInt64(out var number) ? number : null;
}
