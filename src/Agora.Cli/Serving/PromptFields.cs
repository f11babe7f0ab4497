using System.Text.Json;
using Agora.Students.Inference;

namespace Agora.Cli.Serving;

/// <summary>Reads a member that is a text, a list of texts, a list of token ids, or a list of such lists.</summary>
internal static class PromptFields
{
    /// <summary>Of one request's texts, so many are in the engine at a time.</summary>
    public const int InFlight = 64;

    private const int MostPrompts = 2048;

    /// <returns>Token ids, those that the tokenizer adds (BOS) included where it was a text.</returns>
    public static IReadOnlyList<int[]> Read(RequestFields fields, string name, InferenceEngine engine)
    {
        var value = fields.Required(name);
        if (value.ValueKind == JsonValueKind.String)
            return [Encode(value, engine)];
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() == 0 || value.GetArrayLength() > MostPrompts && value[0].ValueKind != JsonValueKind.Number)
            throw ApiFault.Invalid(name, $"must be a text, token ids, or a list of 1 to {MostPrompts} of them");
        if (value[0].ValueKind == JsonValueKind.Number)
            return [Ids(value, name, engine)];
        return [.. value.EnumerateArray().Select((item, index) => item.ValueKind switch
        {
            JsonValueKind.String => Encode(item, engine),
            JsonValueKind.Array => Ids(item, $"{name}[{index}]", engine),
            _ => throw ApiFault.Invalid($"{name}[{index}]", "must be a text or a list of token ids"),
        })];
    }

    private static int[] Encode(JsonElement text, InferenceEngine engine) => engine.Tokenizer.Encode(text.GetString()!, addSpecialTokens: true);

    private static int[] Ids(JsonElement list, string path, InferenceEngine engine) => [.. list.EnumerateArray().Select(item =>
        item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out var id) && id >= 0 && id < engine.Config.VocabularySize
            ? id
            : throw ApiFault.Invalid(path, $"must hold token ids from 0 to {engine.Config.VocabularySize - 1}, got {item.GetRawText()}"))];
}
