using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Agora.Tests.Endpoints;

/// <summary>What can go wrong with a whole batch.</summary>
public enum BatchFault
{
    /// <summary>It is made, and the connection is cut before the answer that tells its id.</summary>
    AnswerLost,
    /// <summary>500 to the request that would make it, which makes nothing.</summary>
    NotMade,
    /// <summary>Its time is over when half of its requests are answered; the others are listed as expired.</summary>
    Expires,
    /// <summary>As <see cref="Expires"/>, and the unanswered requests are in no file at all.</summary>
    ExpiresInSilence,
    /// <summary>Somebody cancels it when half of its requests are answered.</summary>
    Cancelled,
    /// <summary>The account has too much queued: it fails as a whole.</summary>
    QueueFull,
    /// <summary>It fails as a whole, for a reason that stays.</summary>
    Invalid,
    /// <summary>The first download of its results is cut in the middle.</summary>
    ResultsCut,
    /// <summary>The first download of its results falls silent in the middle, and the connection stays.</summary>
    ResultsStall,
    /// <summary>The first download of its results is one line that no memory should hold.</summary>
    ResultsWithoutEnd,
    /// <summary>The first look at it brings JSON of another shape.</summary>
    OddStatus,
    /// <summary>Every other look at it brings a 500.</summary>
    FlakyStatus,
}

/// <summary>What can go wrong with one request of a batch.</summary>
public enum BatchItemFault
{
    /// <summary>A server's error: may pass next time.</summary>
    Errored,
    /// <summary>The prompt is too long.</summary>
    PromptTooLong,
    /// <summary>An answer that is no completion.</summary>
    Unreadable,
}

/// <summary>How batches go.</summary>
public sealed record BatchBehaviour
{
    /// <summary>From its making to its end.</summary>
    public TimeSpan Duration { get; init; } = TimeSpan.Zero;
    /// <summary>By the batch's number, from 0.</summary>
    public Func<int, BatchFault?> Fault { get; init; } = _ => null;
    /// <summary>Whether the list of batches answers 500.</summary>
    public Func<bool> ListFails { get; init; } = () => false;
    public Func<ReceivedRequest, BatchItemFault?> Item { get; init; } = _ => null;
}

public sealed partial class FaultyEndpoint
{
    private readonly ConcurrentDictionary<string, byte[]> files = [];
    private readonly List<Batch> batches = [];
    private readonly ConcurrentDictionary<string, int> charged = [];
    private readonly ConcurrentQueue<byte[]> uploads = [];
    private long batchInput, batchOutput;
    private int attempted, uploaded;

    /// <summary>Batches that were made, whoever heard of it.</summary>
    public int Batches { get { lock (batches) return batches.Count; } }

    /// <summary>What was uploaded for each batch, byte by byte.</summary>
    public byte[][] Uploads => [.. uploads];

    /// <summary>Uploaded files that nobody has removed.</summary>
    public int FilesKept => files.Keys.Count(id => id.StartsWith("file-", StringComparison.Ordinal));

    /// <summary>Requests of each batch.</summary>
    public int[] BatchSizes { get { lock (batches) return [.. batches.Select(batch => batch.Items.Count)]; } }

    /// <summary>Tokens of requests that were answered in batches.</summary>
    public (long Input, long Output) BatchTokens => (Interlocked.Read(ref batchInput), Interlocked.Read(ref batchOutput));

    /// <summary>How often each custom id was answered, and so charged.</summary>
    public IReadOnlyDictionary<string, int> Charged => charged;

    private void MapBatches(WebApplication application)
    {
        application.MapPost("/v1/files", context => Guarded(context, Protocol.OpenAI, async () =>
        {
            var form = await context.Request.ReadFormAsync();
            using var bytes = new MemoryStream();
            await form.Files[0].CopyToAsync(bytes);
            var id = $"file-{Interlocked.Increment(ref uploaded) - 1}";
            files[id] = bytes.ToArray();
            uploads.Enqueue(bytes.ToArray());
            await TextAsync(context, "application/json", new JsonObject { ["id"] = id, ["object"] = "file", ["purpose"] = form["purpose"].ToString() }.ToJsonString());
        }));
        application.MapDelete("/v1/files/{id}", context => Guarded(context, Protocol.OpenAI, async () =>
        {
            var id = (string)context.Request.RouteValues["id"]!;
            if (files.TryRemove(id, out _)) await TextAsync(context, "application/json", new JsonObject { ["id"] = id, ["object"] = "file", ["deleted"] = true }.ToJsonString());
            else await ErrorAsync(context, 404, "not_found", "No such File object");
        }));
        application.MapGet("/v1/files/{id}/content", context => Guarded(context, Protocol.OpenAI, () => DownloadAsync(context, files[(string)context.Request.RouteValues["id"]!], OutputOf((string)context.Request.RouteValues["id"]!))));
        application.MapPost("/v1/batches", context => Guarded(context, Protocol.OpenAI, async () =>
        {
            var body = (await JsonNode.ParseAsync(context.Request.Body))!.AsObject();
            var lines = Encoding.UTF8.GetString(files[body["input_file_id"]!.GetValue<string>()]).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            await MakeAsync(context, Protocol.OpenAI, [.. lines.Select(line => JsonNode.Parse(line)!.AsObject()).Select(line => (line["custom_id"]!.GetValue<string>(), line["body"]!.AsObject()))], body["metadata"], body["input_file_id"]!.GetValue<string>());
        }));
        application.MapGet("/v1/batches", context => Guarded(context, Protocol.OpenAI, () => ListAsync(context, Protocol.OpenAI, "after")));
        application.MapGet("/v1/batches/{id}", context => Guarded(context, Protocol.OpenAI, () => StatusAsync(context)));
        application.MapPost("/v1/messages/batches", context => Guarded(context, Protocol.Anthropic, async () =>
        {
            using var bytes = new MemoryStream();
            await context.Request.Body.CopyToAsync(bytes);
            uploads.Enqueue(bytes.ToArray());
            var body = JsonNode.Parse(bytes.ToArray())!.AsObject();
            await MakeAsync(context, Protocol.Anthropic, [.. body["requests"]!.AsArray().Select(one => (one!["custom_id"]!.GetValue<string>(), one["params"]!.AsObject()))], metadata: null);
        }));
        application.MapGet("/v1/messages/batches", context => Guarded(context, Protocol.Anthropic, () => ListAsync(context, Protocol.Anthropic, "after_id")));
        application.MapGet("/v1/messages/batches/{id}", context => Guarded(context, Protocol.Anthropic, () => StatusAsync(context)));
        application.MapGet("/v1/messages/batches/{id}/results", context => Guarded(context, Protocol.Anthropic, () => DownloadAsync(context, Find(context).End(this).Output, Find(context))));
    }

    private async Task Guarded(HttpContext context, Protocol protocol, Func<Task> answer)
    {
        context.Items[nameof(Protocol)] = protocol;
        var key = protocol == Protocol.Anthropic ? context.Request.Headers["x-api-key"].ToString()
            : context.Request.Headers.Authorization.ToString() is { Length: > 7 } bearer ? bearer["Bearer ".Length..] : null;
        if (behaviour.Key is { } expected && key != expected) await ErrorAsync(context, 401, "invalid_api_key", $"Incorrect API key provided: {key}.");
        else await answer();
    }

    private async Task MakeAsync(HttpContext context, Protocol protocol, (string Key, JsonObject Body)[] items, JsonNode? metadata, string? input = null)
    {
        if (items.DistinctBy(item => item.Key).Count() < items.Length || items.Any(item => item.Key.Length > 64))
        {
            await ErrorAsync(context, 400, "invalid_custom_id", "custom_id must be unique and have at most 64 characters");
            return;
        }
        var number = Interlocked.Increment(ref attempted) - 1;
        var fault = behaviour.Batches.Fault(number);
        if (fault == BatchFault.NotMade)
        {
            await PageAsync(context, 500);
            return;
        }
        Batch batch;
        lock (batches)
        {
            batch = new Batch(protocol == Protocol.OpenAI ? $"batch_{batches.Count}" : $"msgbatch_{batches.Count}", protocol, items, metadata?.DeepClone(), fault, behaviour.Time.GetTimestamp()) { Input = input };
            batches.Add(batch);
        }
        if (fault == BatchFault.AnswerLost) context.Abort();
        else await TextAsync(context, "application/json", Describe(batch).ToJsonString());
    }

    private Task ListAsync(HttpContext context, Protocol protocol, string after)
    {
        if (behaviour.Batches.ListFails()) return PageAsync(context, 500);
        Batch[] newest;
        lock (batches) newest = [.. batches.Where(batch => batch.Protocol == protocol).Reverse()];
        var from = context.Request.Query[after].ToString() is { Length: > 0 } last ? Array.FindIndex(newest, batch => batch.Id == last) + 1 : 0;
        // Pages of two at most, so that a client must turn them.
        var page = newest.Skip(from).Take(Math.Min(2, int.Parse(context.Request.Query["limit"]!, CultureInfo.InvariantCulture))).ToArray();
        return TextAsync(context, "application/json", new JsonObject
        {
            ["data"] = new JsonArray([.. page.Select(Describe)]),
            ["has_more"] = from + page.Length < newest.Length,
            ["first_id"] = page.FirstOrDefault()?.Id,
            ["last_id"] = page.LastOrDefault()?.Id,
        }.ToJsonString());
    }

    private Task StatusAsync(HttpContext context)
    {
        var batch = Find(context);
        if (batch.Fault == BatchFault.OddStatus && batch.Looks++ == 0) return TextAsync(context, "application/json", """{"detail":"moved"}""");
        return batch.Fault == BatchFault.FlakyStatus && batch.Looks++ % 2 == 0 ? PageAsync(context, 500) : TextAsync(context, "application/json", Describe(batch).ToJsonString());
    }

    private Batch Find(HttpContext context)
    {
        lock (batches) return batches.Single(batch => batch.Id == (string)context.Request.RouteValues["id"]!);
    }

    private static async Task DownloadAsync(HttpContext context, byte[] bytes, Batch? batch = null)
    {
        context.Response.ContentType = "application/x-jsonl";
        if (batch is { Fault: BatchFault.ResultsCut or BatchFault.ResultsStall or BatchFault.ResultsWithoutEnd } && batch.Downloads++ == 0)
        {
            if (batch.Fault == BatchFault.ResultsWithoutEnd)
            {
                var part = new byte[1 << 20];
                for (var sent = 0; sent < 100 && !context.RequestAborted.IsCancellationRequested; sent++) await context.Response.Body.WriteAsync(part, context.RequestAborted);
                return;
            }
            context.Response.ContentLength = bytes.Length;
            await context.Response.Body.WriteAsync(bytes.AsMemory(0, bytes.Length / 2));
            await context.Response.Body.FlushAsync();
            if (batch.Fault == BatchFault.ResultsCut) context.Abort();
            else await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
            return;
        }
        context.Response.ContentLength = bytes.Length;
        await context.Response.Body.WriteAsync(bytes);
    }

    private JsonNode Describe(Batch batch)
    {
        var ended = behaviour.Time.GetElapsedTime(batch.Made) >= behaviour.Batches.Duration;
        if (ended) batch.End(this);
        if (batch.Protocol == Protocol.Anthropic)
            return new JsonObject
            {
                ["id"] = batch.Id,
                ["type"] = "message_batch",
                ["processing_status"] = ended ? "ended" : "in_progress",
                ["request_counts"] = new JsonObject
                {
                    ["processing"] = ended ? 0 : batch.Items.Count,
                    ["succeeded"] = batch.Answered,
                    ["errored"] = 0,
                    ["canceled"] = ended && batch.Fault == BatchFault.Cancelled ? batch.Items.Count - batch.Answered : 0,
                    ["expired"] = ended && batch.Fault != BatchFault.Cancelled ? batch.Items.Count - batch.Answered : 0,
                },
                ["cancel_initiated_at"] = ended && batch.Fault == BatchFault.Cancelled ? "2026-11-28T10:00:00Z" : null,
                // Of another host: a client that followed it would hand over its key.
                ["results_url"] = $"https://elsewhere.invalid/{batch.Id}",
            };
        var description = new JsonObject
        {
            ["id"] = batch.Id,
            ["object"] = "batch",
            ["status"] = !ended ? "in_progress" : batch.Fault switch
            {
                BatchFault.Expires or BatchFault.ExpiresInSilence => "expired",
                BatchFault.Cancelled => "cancelled",
                BatchFault.QueueFull or BatchFault.Invalid => "failed",
                _ => "completed",
            },
            ["input_file_id"] = batch.Input,
            ["metadata"] = batch.Metadata?.DeepClone(),
        };
        if (ended && batch.Fault is BatchFault.QueueFull or BatchFault.Invalid)
            description["errors"] = new JsonObject { ["data"] = new JsonArray(new JsonObject { ["code"] = batch.Fault == BatchFault.QueueFull ? "token_limit_exceeded" : "invalid_file", ["message"] = "the batch cannot be begun" }) };
        else if (ended)
        {
            (files[$"{batch.Id}-output"], files[$"{batch.Id}-errors"]) = (batch.Output, batch.Errors);
            description["output_file_id"] = $"{batch.Id}-output";
            description["error_file_id"] = batch.Errors.Length == 0 ? null : $"{batch.Id}-errors";
        }
        return description;
    }

    private Batch? OutputOf(string file)
    {
        lock (batches) return batches.Find(batch => $"{batch.Id}-output" == file);
    }

    private sealed class Batch(string id, Protocol protocol, IReadOnlyList<(string Key, JsonObject Body)> items, JsonNode? metadata, BatchFault? fault, long made)
    {
        private bool over;

        public string Id => id;
        public Protocol Protocol => protocol;
        public IReadOnlyList<(string Key, JsonObject Body)> Items => items;
        public JsonNode? Metadata => metadata;
        public BatchFault? Fault => fault;
        public long Made => made;
        public string? Input { get; init; }
        public int Looks { get; set; }
        public int Downloads { get; set; }
        public int Answered { get; private set; }
        public byte[] Output { get; private set; } = [];
        public byte[] Errors { get; private set; } = [];

        public Batch End(FaultyEndpoint endpoint)
        {
            lock (this)
            {
                if (over) return this;
                over = true;
                if (fault is BatchFault.QueueFull or BatchFault.Invalid) return this;
                var half = fault is BatchFault.Expires or BatchFault.ExpiresInSilence or BatchFault.Cancelled ? items.Count / 2 : items.Count;
                var (output, errors) = (new StringBuilder(), new StringBuilder());
                // Results come in an order of their own.
                foreach (var ((key, body), number) in items.Select((item, number) => (item, number)).Reverse())
                {
                    if (number >= half)
                    {
                        if (fault == BatchFault.ExpiresInSilence) continue;
                        var (code, type) = fault == BatchFault.Cancelled ? ("batch_cancelled", "canceled") : ("batch_expired", "expired");
                        if (protocol == Protocol.Anthropic) output.Append(new JsonObject { ["custom_id"] = key, ["result"] = new JsonObject { ["type"] = type } }.ToJsonString()).Append('\n');
                        else errors.Append(new JsonObject { ["custom_id"] = key, ["response"] = null, ["error"] = new JsonObject { ["code"] = code, ["message"] = "not executed" } }.ToJsonString()).Append('\n');
                        continue;
                    }
                    var request = new ReceivedRequest(number, body, null) { Path = id };
                    var itemFault = endpoint.behaviour.Batches.Item(request);
                    if (itemFault is BatchItemFault.Errored or BatchItemFault.PromptTooLong)
                    {
                        var (status, code, type, message) = itemFault == BatchItemFault.Errored ? (500, "server_error", "api_error", "try later") : (400, "context_length_exceeded", "invalid_request_error", "prompt is too long");
                        if (protocol == Protocol.Anthropic)
                            output.Append(new JsonObject { ["custom_id"] = key, ["result"] = new JsonObject { ["type"] = "errored", ["error"] = new JsonObject { ["type"] = "error", ["error"] = new JsonObject { ["type"] = type, ["message"] = message } } } }.ToJsonString()).Append('\n');
                        else
                            errors.Append(new JsonObject { ["custom_id"] = key, ["response"] = new JsonObject { ["status_code"] = status, ["body"] = new JsonObject { ["error"] = new JsonObject { ["code"] = code, ["message"] = message } } }, ["error"] = null }.ToJsonString()).Append('\n');
                        continue;
                    }
                    var text = endpoint.behaviour.Answer(request);
                    var (answer, input, written) = protocol == Protocol.Anthropic
                        ? Message(request, text, "stop", content: true, usage: true, endpoint.Cached(request))
                        : Completion(request, text, "stop", choices: true, usage: true, endpoint.FirstTokensOf(request));
                    Answered++;
                    endpoint.charged.AddOrUpdate(key, 1, (_, before) => before + 1);
                    Interlocked.Add(ref endpoint.batchInput, input);
                    Interlocked.Add(ref endpoint.batchOutput, written);
                    if (itemFault == BatchItemFault.Unreadable) answer = """{"id":"x","choices":"none"}""";
                    output.Append(protocol == Protocol.Anthropic
                        ? $$$"""{"custom_id":"{{{key}}}","result":{"type":"succeeded","message":{{{answer}}}}}"""
                        : $$$"""{"id":"batch_req_{{{number}}}","custom_id":"{{{key}}}","response":{"status_code":200,"request_id":"r","body":{{{answer}}}},"error":null}""").Append('\n');
                }
                (Output, Errors) = (Encoding.UTF8.GetBytes(output.ToString()), Encoding.UTF8.GetBytes(errors.ToString()));
                return this;
            }
        }
    }
}
