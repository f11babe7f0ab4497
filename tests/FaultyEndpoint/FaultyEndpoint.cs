using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Agora.Tests.Endpoints;

/// <param name="Number">From 0, in order of arrival.</param>
/// <param name="Body">As sent.</param>
/// <param name="Key">Of the header where the protocol has it.</param>
public sealed record ReceivedRequest(int Number, JsonObject Body, string? Key)
{
    public string Path { get; init; } = "";
    public string Query { get; init; } = "";


    public string LastMessage => Body["messages"]!.AsArray()[^1]!["content"] switch
    {
        JsonValue text => text.GetValue<string>(),
        JsonArray parts => string.Concat(parts.Select(part => part!["text"]!.GetValue<string>())),
        _ => "",
    };

    public long Seed => Body["seed"]?.GetValue<long>() ?? 0;
}

/// <summary>Which provider's protocol a request speaks.</summary>
public enum Protocol { OpenAI, Azure, Anthropic, Embeddings }

/// <summary>How an endpoint behaves.</summary>
public sealed record EndpointBehaviour
{
    /// <summary>What the model writes.</summary>
    public required Func<ReceivedRequest, string> Answer { get; init; }
    /// <summary>The likely first tokens with their log-probabilities, for requests that ask for them; null at an endpoint that has none.</summary>
    public Func<ReceivedRequest, (string Token, double LogProbability)[]>? FirstTokens { get; init; }
    /// <summary>What goes wrong with a request; null where nothing does.</summary>
    public Func<ReceivedRequest, Fault?> Fault { get; init; } = _ => null;
    public BatchBehaviour Batches { get; init; } = new();
    /// <summary>Between the bytes of <see cref="Fault.Trickle"/>.</summary>
    public TimeSpan TricklePause { get; init; } = TimeSpan.FromSeconds(1);
    public string Model { get; init; } = "test-model";
    /// <summary>Null where every request is let in.</summary>
    public string? Key { get; init; }
    public TimeSpan Latency { get; init; } = TimeSpan.Zero;
    /// <summary>The most that comes on top of the latency, another for every request.</summary>
    public TimeSpan Jitter { get; init; } = TimeSpan.Zero;
    /// <summary>Tokens a minute, input and the most that may be written together, told in the provider's own headers; no limit where null.</summary>
    public int? TokensPerMinute { get; init; }
    /// <summary>Words at the beginning of every prompt that the endpoint has in its prompt cache.</summary>
    public int CachedTokens { get; init; }
    /// <summary>Prompts of at least so many words that Anthropic's clients mark for the prompt cache are put there, and read from there when they come again; none where null.</summary>
    public int? CachesFrom { get; init; }
    /// <summary>A request whose client has left is computed and charged all the same, as providers do.</summary>
    public bool ChargesForLeft { get; init; }
    /// <summary>Requests a minute that are let in, told in the provider's own headers; no limit where null.</summary>
    public int? RequestsPerMinute { get; init; }
    /// <summary>The clock of both limits and of batches.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}

/// <summary>A server of our own, on loopback, that speaks OpenAI's, Azure's and Anthropic's protocols and fails as told.</summary>
public sealed partial class FaultyEndpoint : IAsyncDisposable
{
    private readonly WebApplication application;
    private readonly EndpointBehaviour behaviour;
    private int requests;
    private long inputTokens;
    private long outputTokens;
    private int limited;
    private readonly System.Collections.Concurrent.ConcurrentDictionary<string, bool> cache = new();
    private int embedded;
    private double allowed = double.NaN;
    private long allowedAt;
    private double allowedTokens = double.NaN;
    private long tokensAt;

    private FaultyEndpoint(WebApplication application, EndpointBehaviour behaviour)
    {
        this.application = application;
        this.behaviour = behaviour;
    }

    /// <summary>Ends in /v1.</summary>
    public Uri Address { get; private set; } = null!;
    public int Requests => Volatile.Read(ref requests);
    /// <summary>Texts that were made vectors of.</summary>
    public int Embedded => Volatile.Read(ref embedded);
    /// <summary>Requests that came too soon for the limit.</summary>
    public int Limited => Volatile.Read(ref limited);
    /// <summary>Without any path, as Anthropic's and Azure's are given.</summary>
    public Uri Root => new(Address.GetLeftPart(UriPartial.Authority));
    /// <summary>The server's own bill: tokens of the completions that it sent whole.</summary>
    public (long Input, long Output) Tokens => (Interlocked.Read(ref inputTokens), Interlocked.Read(ref outputTokens));

    public static async Task<FaultyEndpoint> StartAsync(EndpointBehaviour behaviour, int port = 0)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}"));
        var application = builder.Build();
        var endpoint = new FaultyEndpoint(application, behaviour);
        application.MapPost("/v1/chat/completions", context => endpoint.CompleteAsync(context, Protocol.OpenAI));
        application.MapPost("/v1/messages", context => endpoint.CompleteAsync(context, Protocol.Anthropic));
        application.MapPost("/openai/v1/chat/completions", context => endpoint.CompleteAsync(context, Protocol.Azure));
        application.MapPost("/openai/deployments/{name}/chat/completions", context => endpoint.CompleteAsync(context, Protocol.Azure));
        application.MapPost("/v1/embeddings", context => endpoint.CompleteAsync(context, Protocol.Embeddings));
        endpoint.MapBatches(application);
        await application.StartAsync();
        var address = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        endpoint.Address = new Uri(address + "/v1");
        return endpoint;
    }

    public Task WaitAsync() => application.WaitForShutdownAsync();

    public ValueTask DisposeAsync() => application.DisposeAsync();

    private async Task CompleteAsync(HttpContext context, Protocol protocol)
    {
        var body = (await JsonNode.ParseAsync(context.Request.Body))!.AsObject();
        context.Items[nameof(Protocol)] = protocol;
        var key = protocol switch
        {
            Protocol.OpenAI or Protocol.Embeddings => context.Request.Headers.Authorization.ToString() is { Length: > 7 } bearer ? bearer["Bearer ".Length..] : null,
            Protocol.Azure => context.Request.Headers["api-key"].ToString(),
            _ => context.Request.Headers["x-api-key"].ToString(),
        };
        var request = new ReceivedRequest(Interlocked.Increment(ref requests) - 1, body, key) { Query = context.Request.QueryString.Value ?? "", Path = context.Request.Path };
        if (behaviour.Key is { } expected && key != expected)
        {
            await ErrorAsync(context, 401, "invalid_api_key", $"Incorrect API key provided: {key}.");
            return;
        }
        if (body["model"]?.GetValue<string>() is var model && model != behaviour.Model)
        {
            await ErrorAsync(context, 404, "model_not_found", $"The model `{model}` does not exist.");
            return;
        }
        if (!LetIn(context, protocol) || !LetTokensIn(context, protocol, request))
        {
            Interlocked.Increment(ref limited);
            await TooManyAsync(context, "1");
            return;
        }
        await Task.Delay(behaviour.Latency + behaviour.Jitter * Random.Shared.NextDouble(), behaviour.ChargesForLeft ? CancellationToken.None : context.RequestAborted);
        await (behaviour.Fault(request) switch
        {
            null or Fault.NoUsage or Fault.FinishLength or Fault.FinishContentFilter or Fault.Refusal or Fault.OddFinishReason or Fault.NullContent or Fault.NoLogProbabilities when protocol == Protocol.Embeddings => EmbedAsync(context, body),
            Fault.TooManyRequests => TooManyAsync(context, "1"),
            Fault.TooManyRequestsForADay => TooManyAsync(context, "86400"),
            Fault.TooManyRequestsByAWrongClock => WrongClockAsync(context, hours: 3),
            Fault.TooManyRequestsByALateClock => WrongClockAsync(context, hours: -5),
            Fault.ServerError => PageAsync(context, 500),
            Fault.Overloaded => ErrorAsync(context, (request.Number % 3) switch { 0 => 502, 1 => 503, _ => 529 }, "overloaded", "try later"),
            Fault.ConnectionRefusedLate => AbortAsync(context),
            Fault.CutInBody => CutAsync(context, request),
            Fault.Silent => Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default),
            Fault.Trickle => TrickleAsync(context, request),
            Fault.MalformedJson => TextAsync(context, "application/json", """{"id": "x", "choices": [{"index": 0, "mess"""),
            Fault.HtmlBody => PageAsync(context, 200),
            Fault.EmptyChoices => CompletionAsync(context, request, "", "stop", choices: false, usage: false),
            Fault.FinishLength => CompletionAsync(context, request, behaviour.Answer(request)[..3], "length"),
            Fault.FinishContentFilter or Fault.Refusal => CompletionAsync(context, request, "", "content_filter"),
            Fault.OddFinishReason => CompletionAsync(context, request, behaviour.Answer(request), "bored", usage: (Protocol)context.Items[nameof(Protocol)]! == Protocol.Anthropic),
            Fault.NullContent => CompletionAsync(context, request, null, "stop"),
            Fault.PromptTooLong => ErrorAsync(context, 400, "context_length_exceeded", "This model's maximum context length is 10 tokens. prompt is too long"),
            Fault.NoLogProbabilities => CompletionAsync(context, request, behaviour.Answer(request), "stop", logProbabilities: false),
            Fault.NoUsage => CompletionAsync(context, request, behaviour.Answer(request), "stop", usage: false),
            _ => CompletionAsync(context, request, behaviour.Answer(request), "stop"),
        });
    }

    // A bucket that fills steadily and holds a tenth of a minute's worth, as providers have them.
    private bool LetIn(HttpContext context, Protocol protocol)
    {
        if (behaviour.RequestsPerMinute is not { } perMinute) return true;
        var size = perMinute / 10.0;
        double left;
        bool letIn;
        lock (application)
        {
            var now = behaviour.Time.GetTimestamp();
            allowed = double.IsNaN(allowed) ? size : Math.Min(size, allowed + behaviour.Time.GetElapsedTime(allowedAt, now).TotalMinutes * perMinute);
            allowedAt = now;
            letIn = allowed >= 1;
            if (letIn) allowed--;
            left = allowed;
        }
        var reset = TimeSpan.FromMinutes((size - left) / perMinute);
        var (limit, remaining) = (perMinute.ToString(CultureInfo.InvariantCulture), ((int)left).ToString(CultureInfo.InvariantCulture));
        var headers = context.Response.Headers;
        if (protocol == Protocol.Anthropic)
        {
            headers["anthropic-ratelimit-requests-limit"] = limit;
            headers["anthropic-ratelimit-requests-remaining"] = remaining;
            headers["anthropic-ratelimit-requests-reset"] = (behaviour.Time.GetUtcNow() + reset).ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
        }
        else
        {
            headers["x-ratelimit-limit-requests"] = limit;
            headers["x-ratelimit-remaining-requests"] = remaining;
            headers["x-ratelimit-reset-requests"] = string.Create(CultureInfo.InvariantCulture, $"{reset.TotalMilliseconds:0}ms");
        }
        return letIn;
    }

    // The same bucket for tokens: a request takes the most that it may write, and what it did not write comes back.
    private bool LetTokensIn(HttpContext context, Protocol protocol, ReceivedRequest request)
    {
        if (behaviour.TokensPerMinute is not { } perMinute) return true;
        var size = perMinute / 10.0;
        var most = request.LastMessage.Split(' ').Length + ((request.Body["max_completion_tokens"] ?? request.Body["max_tokens"])?.GetValue<double>() ?? 0);
        double left;
        bool letIn;
        lock (application)
        {
            FillTokens(size, perMinute);
            letIn = allowedTokens >= Math.Min(most, size);
            if (letIn) allowedTokens -= most;
            left = Math.Max(0, allowedTokens);
        }
        context.Items[nameof(LetTokensIn)] = most;
        var (limit, remaining, reset) = (perMinute.ToString(CultureInfo.InvariantCulture), ((int)left).ToString(CultureInfo.InvariantCulture), TimeSpan.FromMinutes((size - left) / perMinute));
        var headers = context.Response.Headers;
        foreach (var kind in protocol == Protocol.Anthropic ? (string[])["input-tokens", "output-tokens"] : [])
        {
            headers[$"anthropic-ratelimit-{kind}-limit"] = limit;
            headers[$"anthropic-ratelimit-{kind}-remaining"] = remaining;
            headers[$"anthropic-ratelimit-{kind}-reset"] = (behaviour.Time.GetUtcNow() + reset).ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
        }
        if (protocol != Protocol.Anthropic)
        {
            headers["x-ratelimit-limit-tokens"] = limit;
            headers["x-ratelimit-remaining-tokens"] = remaining;
            headers["x-ratelimit-reset-tokens"] = string.Create(CultureInfo.InvariantCulture, $"{reset.TotalMilliseconds:0}ms");
        }
        return letIn;
    }

    private void GiveBack(HttpContext context, int input, int output)
    {
        if (behaviour.TokensPerMinute is not { } perMinute || context.Items[nameof(LetTokensIn)] is not double most) return;
        lock (application)
        {
            FillTokens(perMinute / 10.0, perMinute);
            allowedTokens = Math.Min(perMinute / 10.0, allowedTokens + most - input - output);
        }
    }

    private void FillTokens(double size, double perMinute)
    {
        var now = behaviour.Time.GetTimestamp();
        allowedTokens = double.IsNaN(allowedTokens) ? size : Math.Min(size, allowedTokens + behaviour.Time.GetElapsedTime(tokensAt, now).TotalMinutes * perMinute);
        tokensAt = now;
    }

    private async Task CompletionAsync(HttpContext context, ReceivedRequest request, string? text, string finish, bool choices = true, bool usage = true, bool logProbabilities = true)
    {
        var (body, input, output) = (Protocol)context.Items[nameof(Protocol)]! == Protocol.Anthropic
            ? Message(request, text, finish, choices, usage, Cached(request))
            : Completion(request, text, finish, choices, usage, logProbabilities ? FirstTokensOf(request) : null, behaviour.CachedTokens);
        GiveBack(context, input, output);
        if (usage)
        {
            Interlocked.Add(ref inputTokens, input);
            Interlocked.Add(ref outputTokens, output);
        }
        await TextAsync(context, "application/json", body);
    }

    // A direction of its own for every text; tokens are words.
    private Task EmbedAsync(HttpContext context, JsonObject body)
    {
        var texts = body["input"] is JsonArray many ? many.Select(text => text!.GetValue<string>()).ToArray() : [body["input"]!.GetValue<string>()];
        var tokens = texts.Sum(text => text.Split(' ').Length);
        Interlocked.Add(ref inputTokens, tokens);
        Interlocked.Add(ref embedded, texts.Length);
        return TextAsync(context, "application/json", new JsonObject
        {
            ["object"] = "list",
            ["model"] = behaviour.Model,
            ["data"] = new JsonArray([.. texts.Select((text, index) => (JsonNode)new JsonObject { ["object"] = "embedding", ["index"] = index, ["embedding"] = Vector(text, body["encoding_format"]?.GetValue<string>() == "base64") })]),
            ["usage"] = new JsonObject { ["prompt_tokens"] = tokens, ["total_tokens"] = tokens },
        }.ToJsonString());
    }

    private static JsonNode Vector(string text, bool base64)
    {
        var hash = System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(text));
        var vector = hash.Select(one => one / 128f - 1).ToArray();
        return base64 ? JsonValue.Create(Convert.ToBase64String(System.Runtime.InteropServices.MemoryMarshal.AsBytes(vector.AsSpan()))) : new JsonArray([.. vector.Select(one => (JsonNode)one)]);
    }

    private (string Token, double LogProbability)[]? FirstTokensOf(ReceivedRequest request) =>
        request.Body["logprobs"]?.GetValue<bool>() == true ? behaviour.FirstTokens?.Invoke(request).Take(request.Body["top_logprobs"]!.GetValue<int>()).ToArray() : null;

    private static (string Body, int Input, int Output) Completion(
        ReceivedRequest request, string? text, string finish, bool choices, bool usage, (string Token, double LogProbability)[]? firstTokens, int cached = 0)
    {
        var (input, output) = (request.LastMessage.Split(' ').Length, text?.Split(' ').Length ?? 0);
        var body = new JsonObject
        {
            ["id"] = $"chatcmpl-{request.Number}",
            ["object"] = "chat.completion",
            ["created"] = 1_700_000_000,
            ["model"] = request.Body["model"]!.GetValue<string>(),
            ["choices"] = choices
                ? new JsonArray(new JsonObject { ["index"] = 0, ["finish_reason"] = finish, ["message"] = new JsonObject { ["role"] = "assistant", ["content"] = text } })
                : new JsonArray(),
        };
        if (firstTokens is not null)
        {
            static JsonObject Token((string Token, double LogProbability) likely) => new() { ["token"] = likely.Token, ["logprob"] = likely.LogProbability, ["bytes"] = null };
            var first = Token(firstTokens[0]);
            first["top_logprobs"] = new JsonArray([.. firstTokens.Select(Token)]);
            body["choices"]![0]!["logprobs"] = new JsonObject { ["content"] = new JsonArray(first), ["refusal"] = null };
        }
        if (usage) body["usage"] = new JsonObject { ["prompt_tokens"] = input, ["completion_tokens"] = output, ["total_tokens"] = input + output };
        if (usage && cached > 0) body["usage"]!["prompt_tokens_details"] = new JsonObject { ["cached_tokens"] = Math.Min(cached, input) };
        return (body.ToJsonString(), input, output);
    }

    private static (string Body, int Input, int Output) Message(ReceivedRequest request, string? text, string finish, bool content, bool usage, (int Read, int Written) cached)
    {
        var (input, output) = (request.LastMessage.Split(' ').Length, text?.Split(' ').Length ?? 0);
        var body = new JsonObject
        {
            ["id"] = $"msg_{request.Number}",
            ["type"] = "message",
            ["role"] = "assistant",
            ["model"] = request.Body["model"]!.GetValue<string>(),
            ["content"] = content && text is not null ? new JsonArray(new JsonObject { ["type"] = "text", ["text"] = text }) : new JsonArray(),
            ["stop_reason"] = finish switch { "stop" => "end_turn", "length" => "max_tokens", "content_filter" => "refusal", _ => finish },
            ["stop_sequence"] = null,
        };
        // Unlike OpenAI's, these are apart from each other.
        if (usage) body["usage"] = new JsonObject { ["input_tokens"] = input - cached.Read - cached.Written, ["output_tokens"] = output };
        if (usage && cached != default) (body["usage"]!["cache_read_input_tokens"], body["usage"]!["cache_creation_input_tokens"]) = (cached.Read, cached.Written);
        return (body.ToJsonString(), input, output);
    }

    private (int Read, int Written) Cached(ReceivedRequest request)
    {
        var words = request.LastMessage.Split(' ').Length;
        if (behaviour.CachesFrom is not { } fewest) return (Math.Min(behaviour.CachedTokens, words), 0);
        var marked = request.Body["messages"]!.AsArray()[^1]!["content"] is JsonArray parts && parts.Any(part => (string?)part!["cache_control"]?["type"] == "ephemeral");
        return !marked || words < fewest ? (0, 0) : cache.TryAdd(request.LastMessage, true) ? (0, words) : (words, 0);
    }

    private async Task TrickleAsync(HttpContext context, ReceivedRequest request)
    {
        var bytes = Encoding.UTF8.GetBytes(Completion(request, behaviour.Answer(request), "stop", choices: true, usage: true, firstTokens: null).Body);
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = bytes.Length;
        try
        {
            for (var i = 0; i < bytes.Length; i++)
            {
                await context.Response.Body.WriteAsync(bytes.AsMemory(i, 1), context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
                await Task.Delay(behaviour.TricklePause, context.RequestAborted);
            }
        }
        catch (OperationCanceledException)
        {
            // The client has waited long enough.
        }
    }

    private static Task WrongClockAsync(HttpContext context, int hours)
    {
        var clock = DateTimeOffset.UtcNow.AddHours(hours);
        context.Response.Headers.Date = clock.ToString("R", CultureInfo.InvariantCulture);
        return TooManyAsync(context, clock.AddSeconds(2).ToString("R", CultureInfo.InvariantCulture));
    }

    private async Task CutAsync(HttpContext context, ReceivedRequest request)
    {
        var bytes = Encoding.UTF8.GetBytes(Completion(request, behaviour.Answer(request), "stop", choices: true, usage: true, firstTokens: null).Body);
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = bytes.Length;
        await context.Response.Body.WriteAsync(bytes.AsMemory(0, bytes.Length / 2));
        await context.Response.Body.FlushAsync();
        context.Abort();
    }

    private static Task AbortAsync(HttpContext context)
    {
        context.Abort();
        return Task.CompletedTask;
    }

    private static Task TooManyAsync(HttpContext context, string retryAfter)
    {
        context.Response.Headers.RetryAfter = retryAfter;
        return ErrorAsync(context, 429, "rate_limit_exceeded", "Rate limit reached.");
    }

    private static Task ErrorAsync(HttpContext context, int status, string code, string message)
    {
        context.Response.StatusCode = status;
        return TextAsync(context, "application/json", context.Items[nameof(Protocol)] is Protocol.Anthropic
            ? JsonSerializer.Serialize(new { type = "error", error = new { type = status switch { 400 => "invalid_request_error", 401 => "authentication_error", 404 => "not_found_error", 429 => "rate_limit_error", 529 => "overloaded_error", _ => "api_error" }, message } })
            : JsonSerializer.Serialize(new { error = new { message, type = "error", code } }));
    }

    private static Task PageAsync(HttpContext context, int status)
    {
        context.Response.StatusCode = status;
        return TextAsync(context, "text/html", "<html><body>Something went wrong.</body></html>");
    }

    private static Task TextAsync(HttpContext context, string type, string text)
    {
        context.Response.ContentType = type;
        return context.Response.WriteAsync(text);
    }
}
