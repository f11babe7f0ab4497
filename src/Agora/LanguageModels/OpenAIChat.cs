using System.ClientModel;
using System.Collections.Immutable;
using System.Globalization;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Agora.Experiments;
using Microsoft.Extensions.AI;
using OpenAI.Chat;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;

namespace Agora.LanguageModels;

/// <summary>Says in our words what went wrong at an OpenAI-compatible endpoint, and passes on the options that the SDK has no property for.</summary>
/// <param name="keyVariable">Where the key came from; null where none is sent.</param>
/// <param name="key">Only to cut it out of an endpoint's messages.</param>
internal sealed class OpenAIChat(IChatClient inner, Uri endpoint, string model, string? keyVariable, string? key) : DelegatingChatClient(inner)
{
    /// <summary>For messages.</summary>
    public string Where { get; } = $"{endpoint} (model {model})";

    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        try
        {
            return WithAlternatives(await base.GetResponseAsync(messages, WithExtensions(options), cancellationToken));
        }
        catch (ClientResultException fault) when (fault.Status != 0)
        {
            throw Explained(fault);
        }
        catch (ArgumentOutOfRangeException fault) when (fault.ParamName == "index")
        {
            // That is how the SDK says that the list of choices is empty. It was an answer, without text, finish reason
            // and token counts, and is billed as one whose tokens are unknown.
            return new ChatResponse(new ChatMessage(ChatRole.Assistant, ""));
        }
        catch (Exception fault) when (!cancellationToken.IsCancellationRequested && MayPass(fault) is { } cause)
        {
            throw new TransientEndpointException(cause.Message, retryAfter: null, cause.Connected, fault);
        }
    }

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (var update in (await GetResponseAsync(messages, options, cancellationToken)).ToChatResponseUpdates())
            yield return update;
    }

    private Exception Explained(ClientResultException fault)
    {
        var (code, message) = ErrorBody(fault);
        // A trace would print the endpoint's message in full.
        var cause = key is not null && fault.Message.Contains(key, StringComparison.Ordinal) ? null : fault;
        var said = message.Length == 0 ? $"HTTP {fault.Status}" : $"HTTP {fault.Status}: {message}";
        switch (fault.Status)
        {
            case 408 or 409 or 425 or 429 or >= 500 when code != "insufficient_quota":
                return new TransientEndpointException(said, RetryAfter(fault), connected: true, cause);
            case 400 or 413 or 422 when code is "context_length_exceeded" or "content_filter" or "content_policy_violation"
                || message.Contains("maximum context length", StringComparison.OrdinalIgnoreCase) || message.Contains("context size", StringComparison.OrdinalIgnoreCase):
                return new PromptRefusedException(said, cause);
            case 401 or 403:
                return new AgoraException($"the endpoint does not accept the key ({said})", Where,
                    keyVariable is null ? "name the environment variable that holds the key in the model's apiKeyVariable" : $"put a valid key into {keyVariable}", cause);
            case 404:
                return new AgoraException($"the endpoint does not know the model or the path ({said})", Where,
                    "check the model's name, and that the endpoint's address ends where /chat/completions begins, usually with /v1", cause);
            case 429:
                return new AgoraException($"the account has no credit left ({said})", Where, "top it up and start the same command again", cause);
            default:
                return new AgoraException($"the endpoint refused the request ({said})", Where, "correct the model's options, or use another endpoint", cause);
        }
    }

    private (string Code, string Message) ErrorBody(ClientResultException fault)
    {
        var body = fault.GetRawResponse()?.Content.ToString() ?? "";
        var (code, message) = ("", body);
        try
        {
            using var document = JsonDocument.Parse(body);
            var error = document.RootElement.TryGetProperty("error", out var inner) ? inner : document.RootElement;
            if (error.ValueKind == JsonValueKind.Object)
                (code, message) = (Text(error, "code"), Text(error, "message") is { Length: > 0 } text ? text : body);
            else if (error.ValueKind == JsonValueKind.String)
                message = error.GetString()!;
        }
        catch (Exception notOurJson) when (notOurJson is JsonException or InvalidOperationException)
        {
            // A proxy's HTML page: its beginning says enough.
        }
        message = string.Join(' ', message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        if (message.Length > 300) message = message[..300] + "…";
        // Some endpoints repeat the key that they refuse.
        return (code, key is null ? message : message.Replace(key, "***", StringComparison.Ordinal));

        static string Text(JsonElement error, string name) =>
            error.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
    }

    private static TimeSpan? RetryAfter(ClientResultException fault)
    {
        var headers = fault.GetRawResponse()?.Headers;
        if (headers is null) return null;
        if (headers.TryGetValue("retry-after-ms", out var milliseconds) && Seconds(milliseconds) is { } fine) return TimeSpan.FromMilliseconds(fine);
        if (!headers.TryGetValue("Retry-After", out var value)) return null;
        if (Seconds(value) is { } seconds) return TimeSpan.FromSeconds(seconds);
        // A date is measured against the endpoint's own clock where it tells it: ours may be wrong by hours.
        if (!DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, out var until)) return null;
        if (!headers.TryGetValue("Date", out var date) || !DateTimeOffset.TryParse(date, CultureInfo.InvariantCulture, out var now)) return null;
        return until > now ? until - now : TimeSpan.Zero;

        // Not more than a day, which fits a TimeSpan and is far above what is honoured.
        static double? Seconds(string? text) =>
            double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number >= 0 ? Math.Min(number, 86_400_000) : null;
    }

    // The SDK hands on whatever happens below it: sockets, time-outs, bodies that break off or are no JSON.
    private static (string Message, bool Connected)? MayPass(Exception fault)
    {
        for (Exception? cause = fault; cause is not null; cause = cause.InnerException)
        {
            switch (cause)
            {
                case SocketException socket:
                    return (socket.Message, false);
                case HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError or HttpRequestError.SecureConnectionError } http:
                    return (http.Message, false);
                case HttpRequestException or IOException when cause.InnerException is null or not SocketException:
                    return ($"the connection broke: {cause.Message}", true);
                case OperationCanceledException or TimeoutException:
                    return ("no answer came in time", true);
                case JsonException or InvalidOperationException or FormatException or KeyNotFoundException:
                    return ($"the answer could not be read: {cause.Message}", true);
            }
        }
        return null;
    }

    private static ChatResponse WithAlternatives(ChatResponse response)
    {
        if (response.RawRepresentation is ChatCompletion { ContentTokenLogProbabilities: { Count: > 0 } tokens })
        {
            ImmutableArray<TokenAlternatives> read =
            [
                .. tokens.Select(token => TokenAlternatives.Of(token.Token, token.TopLogProbabilities.Select(likely => (likely.Token, (double)likely.LogProbability)))),
            ];
            (response.AdditionalProperties ??= [])[TokenAlternatives.PropertyName] = read;
        }
        return response;
    }

    private ChatOptions? WithExtensions(ChatOptions? options)
    {
        var extensions = Extensions(options).ToArray();
        var alternatives = options?.AdditionalProperties?.TryGetValue(SamplingOptions.TopLogProbabilities, out var wanted) == true ? Convert.ToInt32(wanted, CultureInfo.InvariantCulture) : 0;
        if (extensions.Length == 0 && alternatives == 0) return options;
        var extended = options!.Clone();
        extended.RawRepresentationFactory = _ =>
        {
            var raw = new ChatCompletionOptions();
            if (alternatives > 0) (raw.IncludeLogProbabilities, raw.TopLogProbabilityCount) = (true, alternatives);
#pragma warning disable SCME0001 // The SDK's only way to send a field that OpenAI's own API lacks.
            foreach (var (name, value) in extensions) raw.Patch.Set(Encoding.UTF8.GetBytes("$." + name), value);
#pragma warning restore SCME0001
            return raw;
        };
        return extended;
    }

    private IEnumerable<(string Name, double Value)> Extensions(ChatOptions? options)
    {
        foreach (var name in new[] { SamplingOptions.RepetitionPenalty, SamplingOptions.MinP })
        {
            if (options?.AdditionalProperties?.TryGetValue(name, out var value) == true && value is not null)
                yield return (name, Convert.ToDouble(value, CultureInfo.InvariantCulture));
        }
        // The SDK sends max_completion_tokens. Servers of others may know the older name only, and would write without limit; OpenAI's newer models refuse it.
        var ofOpenAI = endpoint.Host.EndsWith(".openai.com", StringComparison.OrdinalIgnoreCase) || endpoint.Host.EndsWith(".azure.com", StringComparison.OrdinalIgnoreCase);
        if (!ofOpenAI && options?.MaxOutputTokens is { } limit) yield return ("max_tokens", limit);
    }
}
