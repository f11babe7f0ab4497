using System.Text.Json;
using Agora.Experiments;
using Agora.Students.Checkpoints;

namespace Agora.Students.ChatTemplates;

/// <summary>What a tokenizer_config.json, and special_tokens_map.json beside it, say for chat templates: special tokens by their roles, and the template itself.</summary>
internal static class SpecialTokenNames
{
    /// <returns>By role, such as bos_token; roles that are null or absent are left out. Empty where there is no file.</returns>
    public static Dictionary<string, object?> Read(string path, out string? template)
    {
        template = null;
        var tokens = new Dictionary<string, object?>(StringComparer.Ordinal);
        if (!File.Exists(path))
        {
            AddMapped(tokens, path, default);
            return tokens;
        }
        try
        {
            using var document = JsonDocument.Parse(BoundedFile.Read(path, BoundedFile.Settings));
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new JsonException("it must be an object");
            foreach (var member in document.RootElement.EnumerateObject())
                if (member.Name.EndsWith("_token", StringComparison.Ordinal) && TokenOf(member.Value) is { } token)
                    tokens[member.Name] = token;
            AddMapped(tokens, path, document.RootElement);
            if (document.RootElement.TryGetProperty("chat_template", out var chatTemplate))
                template = TemplateOf(chatTemplate, path);
            return tokens;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException { Source: "System.Text.Json" or "System.Text.Json.Rethrowable" })
        {
            // The second kind: an escaped half of a surrogate pair, which shows only when the string is read.
            throw new AgoraException($"the file is not valid JSON: {exception.Message}", path, "copy the model's tokenizer_config.json again", exception);
        }
    }

    /// <summary>The roles of special_tokens_map.json: they count before the config's own where that is older than its added_tokens_decoder, as in Transformers, else where it says nothing of them.</summary>
    /// <param name="path">Of tokenizer_config.json.</param>
    /// <param name="config">Its object, or nothing.</param>
    public static void AddMapped(IDictionary<string, object?> tokens, string path, JsonElement config)
    {
        var map = Path.Combine(Path.GetDirectoryName(path)!, "special_tokens_map.json");
        if (!File.Exists(map))
            return;
        try
        {
            using var document = JsonDocument.Parse(BoundedFile.Read(map, BoundedFile.Settings));
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new JsonException("it must be an object");
            var older = config.ValueKind != JsonValueKind.Object || !config.TryGetProperty("added_tokens_decoder", out _);
            foreach (var member in document.RootElement.EnumerateObject())
                if (member.Name.EndsWith("_token", StringComparison.Ordinal) && (older || !config.TryGetProperty(member.Name, out _)) && TokenOf(member.Value) is { } token)
                    tokens[member.Name] = token;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException { Source: "System.Text.Json" or "System.Text.Json.Rethrowable" })
        {
            throw new AgoraException($"the file is not valid JSON: {exception.Message}", map, "copy the model's special_tokens_map.json again", exception);
        }
    }

    /// <summary>Older files write a token as an object with its content.</summary>
    private static string? TokenOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Object when value.TryGetProperty("content", out var content) && content.ValueKind == JsonValueKind.String => content.GetString(),
        _ => null,
    };

    private static string? TemplateOf(JsonElement value, string path)
    {
        if (value.ValueKind is JsonValueKind.String or JsonValueKind.Null)
            return value.GetString();
        if (value.ValueKind == JsonValueKind.Array)
            foreach (var named in value.EnumerateArray())
                if (named.ValueKind == JsonValueKind.Object && named.TryGetProperty("name", out var name) && name.ValueEquals("default") && named.TryGetProperty("template", out var template))
                    return template.GetString();
        throw new AgoraException("chat_template is neither a text nor a list with a template called default", path, "write the template itself there");
    }
}
