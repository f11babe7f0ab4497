using System.Text.Json;
using System.Text.Json.Nodes;

namespace Agora.SeedData.Catalogue;

/// <summary>Arena-Hard's questions with the baseline's answers, which are published as two files; in the form of v0.1 or in that of the 2025 code.</summary>
internal static class ArenaHardRows
{
    /// <summary>A baseline's answer, kept for its question.</summary>
    public static JsonObject? Answer(JsonElement row, Dictionary<string, string> remembered)
    {
        var id = Id(row);
        var turn = Last(row, "messages") ?? (Last(row, "choices") is { } choice ? Last(choice, "turns") : null) ?? throw new RowFault("it has neither \"messages\" nor \"choices\" with an answer");
        remembered[id] = Content(turn) ?? throw new RowFault("its answer has no text");
        return null;
    }

    public static JsonObject? Question(JsonElement row, Dictionary<string, string> remembered)
    {
        var id = Id(row);
        var prompt = row.TryGetProperty("prompt", out _) ? RowShapes.Text(row, "prompt") : Last(row, "turns") is { } turn ? Content(turn) : null;
        return new JsonObject
        {
            ["question_id"] = id,
            ["prompt"] = prompt ?? throw new RowFault("it has no question"),
            ["baseline"] = remembered.GetValueOrDefault(id) ?? throw new RowFault($"the baseline has no answer to \"{id}\""),
        };
    }

    private static string Id(JsonElement row) => RowShapes.Text(row, row.TryGetProperty("uid", out _) ? "uid" : "question_id");

    private static JsonElement? Last(JsonElement value, string member) =>
        value.ValueKind == JsonValueKind.Object && value.TryGetProperty(member, out var list) && list.ValueKind == JsonValueKind.Array && list.GetArrayLength() is > 0 and var length ? list[length - 1] : null;

    // A text, or an object that holds it beside the model's reasoning.
    private static string? Content(JsonElement turn) =>
        turn.ValueKind != JsonValueKind.Object || !turn.TryGetProperty("content", out var content) ? null
        : content.ValueKind == JsonValueKind.String ? content.GetString()
        : content.ValueKind == JsonValueKind.Object && content.TryGetProperty("answer", out var answer) && answer.ValueKind == JsonValueKind.String ? answer.GetString()
        : null;
}
