using System.Text.Json;

namespace Agora.Benchmarks.Judged;

/// <summary>Texts in Arena-Hard's questions and answers.</summary>
internal static class ArenaTurns
{
    /// <summary><c>turns: [{content}]</c>, or <c>choices: [{turns: [{content}]}]</c>: of several, the first.</summary>
    /// <param name="mayBeEmpty">Whether no words are an answer, too: the null model's.</param>
    public static string First(BenchmarkRow row, string member, bool mayBeEmpty = false)
    {
        var first = FirstObject(row, member);
        if (first.ValueKind == JsonValueKind.Undefined)
            return "";      // the fault is recorded
        if (first.TryGetProperty("content", out var content) && content.ValueKind == JsonValueKind.String && row.Read(content, "content") is { } text && (mayBeEmpty || text.Length > 0))
            return text;
        row.Fault($"\"{member}\" holds no content");
        return "";
    }

    /// <summary>Tokens of an answer as its file counts them; null where it does not.</summary>
    public static int? Tokens(BenchmarkRow row)
    {
        var first = FirstObject(row, "choices");
        return first.ValueKind == JsonValueKind.Object && first.TryGetProperty("token_len", out var tokens) && tokens.ValueKind == JsonValueKind.Number && tokens.TryGetInt32(out var count) && count >= 0 ? count : null;
    }

    private static JsonElement FirstObject(BenchmarkRow row, string member)
    {
        var first = row.Objects(member).FirstOrDefault();
        if (member == "choices" && first.ValueKind == JsonValueKind.Object && first.TryGetProperty("turns", out var turns) && turns.ValueKind == JsonValueKind.Array && turns.GetArrayLength() > 0)
            first = turns[0];
        if (first.ValueKind is JsonValueKind.Object or JsonValueKind.Undefined)
            return first;
        row.Fault($"\"{member}\" holds no turn");
        return default;
    }
}
