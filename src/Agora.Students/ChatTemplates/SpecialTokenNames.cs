using System.Text.Json;
using Agora.Experiments;
using Agora.Students.Checkpoints;

namespace Agora.Students.ChatTemplates;

/// <summary>What a tokenizer_config.json says for chat templates: special tokens by their roles, and the template itself.</summary>
internal static class SpecialTokenNames
{
    /// <returns>By role, such as bos_token; roles that are null or absent are left out. Empty where there is no file.</returns>
    public static Dictionary<string, object?> Read(string path, out string? template)
    {
        template = null;
        var tokens = new Dictionary<string, object?>(StringComparer.Ordinal);
        if (!File.Exists(path))
            return tokens;
        try
        {
            using var document = JsonDocument.Parse(BoundedFile.Read(path, BoundedFile.Settings));
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new JsonException("it must be an object");
            foreach (var member in document.RootElement.EnumerateObject())
                if (member.Name.EndsWith("_token", StringComparison.Ordinal) && TokenOf(member.Value) is { } token)
                    tokens[member.Name] = token;
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
