using System.Text.Json;
using Agora.Experiments;

namespace Agora.LanguageModels;

/// <summary>Says in our words what an endpoint's error status means: something that may pass, a prompt that it refuses, or a fault that the user can mend.</summary>
internal static class EndpointErrors
{
    /// <param name="body">As sent; OpenAI's and Anthropic's error objects are understood, and anything else is quoted.</param>
    /// <param name="header">The value of a header; null where it is absent.</param>
    /// <param name="cause">Left out of the result where it repeats the key.</param>
    public static Exception Explain(EndpointModel model, int status, string body, Func<string, string?> header, Exception? cause)
    {
        var (code, message) = Read(model, body);
        // A trace would print the endpoint's message in full.
        if (model.Key is { } key && cause?.ToString().Contains(key, StringComparison.Ordinal) == true) cause = null;
        var said = message.Length == 0 ? $"HTTP {status}" : $"HTTP {status}: {message}";
        switch (status)
        {
            case 408 or 409 or 425 or 429 or >= 500 when code is not ("insufficient_quota" or "billing_error"):
                return new TransientEndpointException(said, status == 429 ? EndpointFault.RateLimited : EndpointFault.ServerError, RetryAfter.Read(header), cause);
            case 400 or 413 or 422 when code is "context_length_exceeded" or "content_filter" or "content_policy_violation" or "request_too_large"
                || message.Contains("maximum context length", StringComparison.OrdinalIgnoreCase) || message.Contains("context size", StringComparison.OrdinalIgnoreCase)
                || message.Contains("prompt is too long", StringComparison.OrdinalIgnoreCase):
                return new PromptRefusedException(said, cause);
            case 401 or 403:
                return new AgoraException($"the endpoint does not accept the key ({said})", model.Where,
                    model.KeyVariable is null ? "name the environment variable that holds the key in the model's apiKeyVariable" : $"put a valid key into {model.KeyVariable}", cause);
            case 404:
                return new AgoraException($"the endpoint does not know the model or the path ({said})", model.Where,
                    model.Spec.Provider == ModelSpec.OpenAI
                        ? "check the model's name, and that the endpoint's address ends where /chat/completions begins, usually with /v1"
                        : "check the model's name and the endpoint's address", cause);
            case 402 or 429:
                return new AgoraException($"the account has no credit left ({said})", model.Where, "top it up and start the same command again", cause);
            default:
                return new AgoraException($"the endpoint refused the request ({said})", model.Where, "correct the model's options, or use another endpoint", cause);
        }
    }

    private static (string Code, string Message) Read(EndpointModel model, string body)
    {
        var (code, message) = ("", body);
        try
        {
            using var document = JsonDocument.Parse(body);
            var error = document.RootElement.TryGetProperty("error", out var inner) ? inner : document.RootElement;
            if (error.ValueKind == JsonValueKind.Object)
            {
                code = Text(error, "code") is { Length: > 0 } named ? named : Text(error, "type");
                message = Text(error, "message") is { Length: > 0 } text ? text : body;
            }
            else if (error.ValueKind == JsonValueKind.String)
            {
                message = error.GetString()!;
            }
        }
        catch (Exception notOurJson) when (notOurJson is JsonException or InvalidOperationException)
        {
            // A proxy's HTML page: its beginning says enough.
        }
        message = string.Join(' ', message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        if (message.Length > 300) message = message[..300] + "…";
        // Some endpoints repeat the key that they refuse.
        return (code, model.WithoutKey(message));

        static string Text(JsonElement error, string name) =>
            error.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
    }
}
