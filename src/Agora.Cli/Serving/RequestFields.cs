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

    /// <exception cref="ApiFault">The body is not a JSON object.</exception>
    public static async Task<RequestFields> ReadAsync(HttpContext context)
    {
        try
        {
            using var document = await JsonDocument.ParseAsync(context.Request.Body, default, context.RequestAborted);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? new RequestFields(document.RootElement.Clone())
                : throw new ApiFault(400, "the request must be a JSON object");
        }
        catch (JsonException exception)
        {
            throw new ApiFault(400, $"the request is not valid JSON: {exception.Message}");
        }
    }

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
}
