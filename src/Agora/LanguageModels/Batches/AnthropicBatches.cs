using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;

namespace Agora.LanguageModels.Batches;

/// <summary>Anthropic's Message Batches: one request holds them all, and the results come as JSONL.</summary>
/// <remarks>docs.anthropic.com/en/api/creating-message-batches: 100,000 requests or 256 MB; results within 24 hours and kept for 29 days, at half price. A batch carries no metadata.</remarks>
internal sealed class AnthropicBatches(EndpointModel model, HttpMessageHandler transport, RetryPolicy retries, BatchLimits limits) : IBatchApi
{
    private const string Path = "/v1/messages/batches";
    private const int Page = 100;

    private readonly BatchHttp http = new(model, transport, retries, headers =>
    {
        headers.Add("anthropic-version", "2023-06-01");
        if (model.Key is not null) headers.Add("x-api-key", model.Key);
    });

    public static BatchLimits Documented { get; } = new(100_000, 256_000_000);

    public int MostRequests => limits.Requests;
    public long MostBytes => limits.Bytes;
    public int BytesAround => 110;
    public bool KeepsMarkers => false;

    public void Dispose() => http.Dispose();

    public async Task<string?> NewestAsync(CancellationToken cancellationToken)
    {
        var list = await http.JsonAsync(HttpMethod.Get, $"{Path}?limit=1", content: null, cancellationToken);
        return list!.Value.GetProperty("data").EnumerateArray().Select(batch => batch.GetProperty("id").GetString()).FirstOrDefault();
    }

    public async Task<string> SubmitAsync(IReadOnlyCollection<BatchItem> items, string marker, CancellationToken cancellationToken)
    {
        using var content = new BatchContent(items, """{"requests":[""", item => ($$"""{"custom_id":"{{item.Key}}","params":""", "}"), ",", "]}");
        content.Headers.ContentType = new System.Net.Http.Headers.MediaTypeHeaderValue("application/json");
        var batch = await http.JsonAsync(HttpMethod.Post, Path, content, cancellationToken);
        return Id(batch!.Value);
    }

    public async Task<IReadOnlyList<string>> CandidatesAsync(string? newest, string marker, int requests, CancellationToken cancellationToken)
    {
        var found = new List<string>();
        // The list begins with the newest, and after_id goes on to older ones.
        for (string? after = null; ;)
        {
            var list = (await http.JsonAsync(HttpMethod.Get, $"{Path}?limit={Page}{(after is null ? "" : $"&after_id={Uri.EscapeDataString(after)}")}", content: null, cancellationToken))!.Value;
            var last = after;
            foreach (var batch in list.GetProperty("data").EnumerateArray())
            {
                last = Id(batch);
                if (last == newest) return found;
                if (batch.GetProperty("request_counts").EnumerateObject().Sum(count => count.Value.GetInt64()) == requests) found.Add(last);
            }
            if (last == after || !list.TryGetProperty("has_more", out var more) || more.ValueKind != JsonValueKind.True) return found;
            after = last;
        }
    }

    public async Task<BatchState?> StateAsync(string id, CancellationToken cancellationToken)
    {
        if (await http.JsonAsync(HttpMethod.Get, $"{Path}/{Uri.EscapeDataString(id)}", content: null, cancellationToken, mayBeMissing: true) is not { } batch) return null;
        var cancelled = batch.TryGetProperty("cancel_initiated_at", out var at) && at.ValueKind == JsonValueKind.String;
        return new BatchState(id, batch.GetProperty("processing_status").GetString() == "ended", cancelled, []);
    }

    // Not from results_url: our key goes to the address that the experiment names and to no other.
    public async IAsyncEnumerable<(string Key, BatchAnswer Answer)> ResultsAsync(BatchState state, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var line in http.LinesAsync($"{Path}/{Uri.EscapeDataString(state.Id)}/results", cancellationToken))
            if (line.ValueKind == JsonValueKind.Object && line.TryGetProperty("custom_id", out var key) && key.ValueKind == JsonValueKind.String
                && line.TryGetProperty("result", out var result) && result.ValueKind == JsonValueKind.Object)
                yield return (key.GetString()!, Answer(result));
    }

    private static BatchAnswer Answer(JsonElement result)
    {
        var type = result.TryGetProperty("type", out var named) && named.ValueKind == JsonValueKind.String ? named.GetString() : null;
        if (type == "succeeded" && result.TryGetProperty("message", out var message))
            return new BatchAnswer.Answered(200, Encoding.UTF8.GetBytes(message.GetRawText()));
        if (type == "errored" && result.TryGetProperty("error", out var error))
            return new BatchAnswer.Answered(StatusOf(error), Encoding.UTF8.GetBytes(error.GetRawText()));
        return new BatchAnswer.Unanswered(type switch { "canceled" => EndpointFault.BatchCancelled, "expired" => EndpointFault.BatchExpired, _ => EndpointFault.ServerError });
    }

    // docs.anthropic.com/en/api/errors
    private static int StatusOf(JsonElement error)
    {
        var inner = error.ValueKind == JsonValueKind.Object && error.TryGetProperty("error", out var given) ? given : error;
        return (inner.ValueKind == JsonValueKind.Object && inner.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String ? type.GetString() : null) switch
        {
            "invalid_request_error" => 400,
            "authentication_error" => 401,
            "billing_error" => 402,
            "permission_error" => 403,
            "not_found_error" => 404,
            "request_too_large" => 413,
            "rate_limit_error" => 429,
            "overloaded_error" => 529,
            _ => 500,
        };
    }

    private static string Id(JsonElement batch) => batch.GetProperty("id").GetString() is { Length: > 0 } id ? id : throw new TransientEndpointException("a batch without an id", EndpointFault.Unreadable);
}
