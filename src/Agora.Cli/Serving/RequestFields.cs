using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Agora.Cli.Serving;

/// <summary>The members of a request's JSON object, each read with its rule; what nobody has read is refused, not ignored.</summary>
internal sealed class RequestFields
{
    // They change nothing in the answer: labels and hints for OpenAI's own service.
    private static readonly string[] WithoutEffect =
        ["user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key", "parallel_tool_calls", "tool_choice"];

    private readonly JsonElement root;
    private readonly HashSet<string> known = new(WithoutEffect, StringComparer.Ordinal);

    private RequestFields(JsonElement root) => this.root = root;

    /// <exception cref="ApiFault">The body is not a JSON object, or one of its texts is not valid Unicode.</exception>
    public static async Task<RequestFields> ReadAsync(HttpContext context)
    {
        try
        {
            using var document = await JsonDocument.ParseAsync(context.Request.Body, default, context.RequestAborted);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new ApiFault(400, "the request must be a JSON object");
            DecodeTexts(document.RootElement);
            return new RequestFields(document.RootElement.Clone());
        }
        catch (InvalidOperationException exception)
        {
            throw new ApiFault(400, $"the request holds a text that is not valid Unicode: {exception.Message}");
        }
        catch (JsonException exception)
        {
            throw new ApiFault(400, $"the request is not valid JSON: {exception.Message}");
        }
    }

    /// <summary>Whether a value is this text; one of another kind is not.</summary>
    public static bool Is(JsonElement value, string text) => value.ValueKind == JsonValueKind.String && value.ValueEquals(text);

    /// <returns>Null where the member is absent or null.</returns>
    public JsonElement? Find(string name)
    {
        known.Add(name);
        return root.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
    }

    public JsonElement Required(string name) => Find(name) ?? throw ApiFault.Invalid(name, "is missing", "missing_required_parameter");

    public double Number(string name, double absent, double minimum, double maximum)
    {
        if (Find(name) is not { } value)
            return absent;
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number >= minimum && number <= maximum
            ? number
            : throw ApiFault.Invalid(name, $"must be a number from {minimum} to {maximum}, got {value.GetRawText()}");
    }

    public long? Integer(string name, long minimum, long maximum)
    {
        if (Find(name) is not { } value)
            return null;
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) && number >= minimum && number <= maximum
            ? number
            : throw ApiFault.Invalid(name, $"must be an integer from {minimum} to {maximum}, got {value.GetRawText()}");
    }

    public bool Flag(string name) => Find(name)?.ValueKind switch
    {
        null or JsonValueKind.False => false,
        JsonValueKind.True => true,
        _ => throw ApiFault.Invalid(name, "must be true or false"),
    };

    /// <summary>One text or a list of them.</summary>
    public IReadOnlyList<string> Texts(string name) => Find(name) switch
    {
        null => [],
        { ValueKind: JsonValueKind.String } text => [text.GetString()!],
        { ValueKind: JsonValueKind.Array } list when list.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String) => [.. list.EnumerateArray().Select(item => item.GetString()!)],
        _ => throw ApiFault.Invalid(name, "must be a string or a list of strings"),
    };

    /// <summary>Accepts a member only where it asks for what happens anyway.</summary>
    /// <param name="isHarmless">Of a value that is there and not null.</param>
    public void Unsupported(string name, Func<JsonElement, bool> isHarmless)
    {
        if (Find(name) is { } value && !isHarmless(value))
            throw ApiFault.Invalid(name, "is not supported by this server with this value", "unsupported_parameter");
    }

    /// <summary>To be called when everything has been read.</summary>
    public void RefuseRest()
    {
        foreach (var member in root.EnumerateObject())
            if (!known.Contains(member.Name))
                throw ApiFault.Invalid(member.Name, "is not known to this server", "unknown_parameter");
    }

    // The parser looks into no text, so that half a surrogate pair or a broken byte would show only where the text is first used.
    private static void DecodeTexts(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                value.GetString();
                break;
            case JsonValueKind.Array:
                foreach (var item in value.EnumerateArray())
                    DecodeTexts(item);
                break;
            case JsonValueKind.Object:
                foreach (var member in value.EnumerateObject())
                {
                    _ = member.Name;
                    DecodeTexts(member.Value);
                }
                break;
        }
    }
}
