using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;

namespace Agora.LanguageModels.Batches;

/// <summary>OpenAI's Batch API: a JSONL file is uploaded, a batch made of it, and its results come as an output file and an error file.</summary>
/// <remarks>platform.openai.com/docs/api-reference/batch and /docs/guides/batch: 50,000 requests and 200 MB a file; results within 24 hours, at half price.</remarks>
internal sealed class OpenAIBatches(EndpointModel model, HttpMessageHandler transport, RetryPolicy retries, BatchLimits limits) : IBatchApi
{
    private const string MarkerName = "agora_batch";
    // As many as one page of the list may hold.
    private const int Page = 100;

    private readonly BatchHttp http = new(model, transport, retries, headers =>
    {
        if (model.Key is not null) headers.Authorization = new AuthenticationHeaderValue("Bearer", model.Key);
    });

    public static BatchLimits Documented { get; } = new(50_000, 200_000_000);

    public int MostRequests => limits.Requests;
    public long MostBytes => limits.Bytes;
    public int BytesAround => 160;
    public bool KeepsMarkers => true;

    public void Dispose() => http.Dispose();

    public async Task<string?> NewestAsync(CancellationToken cancellationToken)
    {
        var list = await http.JsonAsync(HttpMethod.Get, "/batches?limit=1", content: null, cancellationToken);
        return list!.Value.GetProperty("data").EnumerateArray().Select(batch => batch.GetProperty("id").GetString()).FirstOrDefault();
    }

    public async Task<string> SubmitAsync(IReadOnlyCollection<BatchItem> items, string marker, CancellationToken cancellationToken)
    {
        using var form = new MultipartFormDataContent();
        var lines = new BatchContent(items, "", item => ($$"""{"custom_id":"{{item.Key}}","method":"POST","url":"/v1/chat/completions","body":""", "}"), "\n", "\n");
        lines.Headers.ContentType = new MediaTypeHeaderValue("application/jsonl");
        form.Add(new StringContent("batch"), "purpose");
        form.Add(lines, "file", $"{marker}.jsonl");
        var file = await http.JsonAsync(HttpMethod.Post, "/files", form, cancellationToken);
        using var body = new StringContent(JsonSerializer.Serialize(new Dictionary<string, object?>
        {
            ["input_file_id"] = file!.Value.GetProperty("id").GetString(),
            ["endpoint"] = "/v1/chat/completions",
            ["completion_window"] = "24h",
            ["metadata"] = new Dictionary<string, string> { [MarkerName] = marker },
        }), Encoding.UTF8, "application/json");
        var batch = await http.JsonAsync(HttpMethod.Post, "/batches", body, cancellationToken);
        return Id(batch!.Value);
    }

    public async Task<IReadOnlyList<string>> CandidatesAsync(string? newest, string marker, int requests, CancellationToken cancellationToken)
    {
        // The list begins with the newest.
        for (string? after = null; ;)
        {
            var list = (await http.JsonAsync(HttpMethod.Get, $"/batches?limit={Page}{(after is null ? "" : $"&after={Uri.EscapeDataString(after)}")}", content: null, cancellationToken))!.Value;
            var last = after;
            foreach (var batch in list.GetProperty("data").EnumerateArray())
            {
                last = Id(batch);
                if (last == newest) return [];
                if (batch.TryGetProperty("metadata", out var metadata) && metadata.ValueKind == JsonValueKind.Object && metadata.TryGetProperty(MarkerName, out var found) && found.ValueEquals(marker))
                    return [last];
            }
            if (last == after || !list.TryGetProperty("has_more", out var more) || more.ValueKind != JsonValueKind.True) return [];
            after = last;
        }
    }

    public async Task<BatchState?> StateAsync(string id, CancellationToken cancellationToken)
    {
        if (await http.JsonAsync(HttpMethod.Get, $"/batches/{Uri.EscapeDataString(id)}", content: null, cancellationToken, mayBeMissing: true) is not { } batch) return null;
        var status = batch.GetProperty("status").GetString();
        string[] files = [.. ((string[])["output_file_id", "error_file_id"]).Select(name => batch.TryGetProperty(name, out var file) ? file.GetString() : null).OfType<string>()];
        var (code, why) = status == "failed" ? Faults(batch) : ("", null);
        return new BatchState(id, status is "completed" or "failed" or "expired" or "cancelled", status == "cancelled", files, why, code == "token_limit_exceeded")
        {
            Input = batch.TryGetProperty("input_file_id", out var input) && input.ValueKind == JsonValueKind.String ? input.GetString() : null,
        };
    }

    // It holds every prompt, and would lie there for 30 days.
    public async Task ForgetAsync(BatchState state, CancellationToken cancellationToken)
    {
        if (state.Input is { } file) await http.JsonAsync(HttpMethod.Delete, $"/files/{Uri.EscapeDataString(file)}", content: null, cancellationToken, mayBeMissing: true);
    }

    public async IAsyncEnumerable<(string Key, BatchAnswer Answer)> ResultsAsync(BatchState state, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var file in state.Files)
            await foreach (var line in http.LinesAsync($"/files/{Uri.EscapeDataString(file)}/content", cancellationToken))
                if (line.ValueKind == JsonValueKind.Object && line.TryGetProperty("custom_id", out var key) && key.ValueKind == JsonValueKind.String)
                    yield return (key.GetString()!, Answer(line));
    }

    private static BatchAnswer Answer(JsonElement line)
    {
        if (line.TryGetProperty("response", out var response) && response.ValueKind == JsonValueKind.Object
            && response.TryGetProperty("status_code", out var code) && code.TryGetInt32(out var status) && status is >= 200 and < 600 && response.TryGetProperty("body", out var body))
            return new BatchAnswer.Answered(status, Encoding.UTF8.GetBytes(body.GetRawText()));
        var error = line.TryGetProperty("error", out var given) && given.ValueKind == JsonValueKind.Object ? given : default;
        var reason = error.ValueKind == JsonValueKind.Object && error.TryGetProperty("code", out var named) && named.ValueKind == JsonValueKind.String ? named.GetString() : null;
        return reason switch
        {
            "batch_expired" => new BatchAnswer.Unanswered(EndpointFault.BatchExpired),
            "batch_cancelled" => new BatchAnswer.Unanswered(EndpointFault.BatchCancelled),
            // A line without an answer, for a reason of the server's own.
            _ => new BatchAnswer.Unanswered(EndpointFault.ServerError),
        };
    }

    private (string Code, string Why) Faults(JsonElement batch)
    {
        var errors = batch.TryGetProperty("errors", out var list) && list.ValueKind == JsonValueKind.Object && list.TryGetProperty("data", out var data) && data.ValueKind == JsonValueKind.Array
            ? data.EnumerateArray().ToArray() : [];
        var (code, message) = errors.Length == 0 ? ("", "it gives no reason")
            : (errors[0].TryGetProperty("code", out var named) ? named.GetString() ?? "" : "", errors[0].TryGetProperty("message", out var said) ? said.GetString() ?? "" : "");
        return (code, model.WithoutKey(message.Length > 300 ? message[..300] + "…" : message));
    }

    private static string Id(JsonElement batch) => batch.GetProperty("id").GetString() is { Length: > 0 } id ? id : throw new TransientEndpointException("a batch without an id", EndpointFault.Unreadable);
}
