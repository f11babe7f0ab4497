using System.Text.Json;
using Agora.Experiments;
using Agora.Students.ChatTemplates;
using Agora.Students.Checkpoints;

namespace Agora.Students.Tokenization;

/// <summary>What tokenizer_config.json says of the tokens around a text, for those classes of Transformers that heed it: Llama's and Gemma's put theirs in the place of the post-processor's.</summary>
internal static class EndTokens
{
    private static readonly string[] Classes = ["LlamaTokenizer", "LlamaTokenizerFast", "CodeLlamaTokenizer", "CodeLlamaTokenizerFast", "GemmaTokenizer", "GemmaTokenizerFast"];

    /// <param name="path">Of tokenizer_config.json, which may be missing.</param>
    /// <exception cref="AgoraException">A token is asked for that the file does not name or the vocabulary lacks.</exception>
    public static TokenizerParts Apply(TokenizerParts parts, string path)
    {
        if (!File.Exists(path))
            return parts;
        try
        {
            using var document = JsonDocument.Parse(BoundedFile.Read(path, BoundedFile.Settings));
            var config = new JsonAt(document.RootElement, path, "");
            if (config["tokenizer_class"] is not { Value.ValueKind: JsonValueKind.String } kind || !Classes.Contains(kind.Text()))
                return parts;
            return parts with
            {
                Prefix = Around(config, "add_bos_token", "bos_token", parts.Prefix, parts.Vocabulary),
                Suffix = Around(config, "add_eos_token", "eos_token", parts.Suffix, parts.Vocabulary),
            };
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException { Source: "System.Text.Json" or "System.Text.Json.Rethrowable" })
        {
            throw new AgoraException($"the file is not valid JSON: {exception.Message}", path, "copy the model's tokenizer_config.json again", exception);
        }
    }

    private static IReadOnlyList<int> Around(JsonAt config, string flag, string role, IReadOnlyList<int> given, Vocabulary vocabulary)
    {
        if (!config[flag].Exists)
            return given;
        if (!config[flag].Flag())
            return [];
        var mapped = new Dictionary<string, object?>(StringComparer.Ordinal);
        SpecialTokenNames.AddMapped(mapped, config.File, config.Value);
        if (mapped.TryGetValue(role, out var name) && name is string spelled)
            return vocabulary.TryIdOf(spelled, out var mappedId) ? [mappedId] : throw new AgoraException(
                $"{role} is {ModelFile.Quote(spelled)}, which the vocabulary lacks", Path.Combine(Path.GetDirectoryName(config.File)!, "special_tokens_map.json"), "copy the model's special_tokens_map.json and tokenizer.json again");
        var token = config[role].Value.ValueKind == JsonValueKind.Object ? config[role]["content"] : config[role];
        if (!token.Exists)
            throw config[flag].Fault($"asks for {role}, which the file does not name");
        return vocabulary.TryIdOf(token.Text(), out var id) ? [id] : throw token.Fault($"is {ModelFile.Quote(token.Text())}, which the vocabulary lacks");
    }
}
