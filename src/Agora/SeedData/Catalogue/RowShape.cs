using System.Text.Json;
using System.Text.Json.Nodes;

namespace Agora.SeedData.Catalogue;

/// <summary>Turns a published row into the row that Agora reads.</summary>
/// <param name="remembered">What an entry's earlier parts leave for its later ones, by id.</param>
/// <returns>Null where the row does not belong to the set.</returns>
/// <exception cref="RowFault">The row is not what the dataset is known to hold.</exception>
internal delegate JsonObject? RowShape(JsonElement row, Dictionary<string, string> remembered);

/// <param name="message">Reads on after "row 17: ".</param>
internal sealed class RowFault(string message) : Exception(message);

/// <summary>The shapes of the catalogue's datasets.</summary>
internal static class RowShapes
{
    /// <summary>The row as it is, which must have these columns.</summary>
    public static RowShape Benchmark(params string[] columns) => (row, _) =>
    {
        foreach (var column in columns)
            if (!row.TryGetProperty(column, out var value) || value.ValueKind == JsonValueKind.Null) throw Missing(row, column);
        return JsonObject.Create(row);
    };

    public static RowShape Pair(string instruction, string response) => (row, _) => Seed(Text(row, instruction), Text(row, response));

    /// <summary>Only what is asked: the seeds of response generation.</summary>
    public static RowShape Instruction(string instruction) => (row, _) => new JsonObject { ["instruction"] = Text(row, instruction) };

    /// <summary>Rows of WebInstruct, told apart by where they were collected.</summary>
    public static RowShape WebInstruct(bool math) => (row, _) =>
        (Text(row, "source") == "mathstackexchange") == math ? Seed(Text(row, "orig_question"), Text(row, "orig_answer")) : null;

    /// <summary>GSM8K as seeds: the number behind <c>####</c> moves between AgoraBench's tags.</summary>
    public static JsonObject? Gsm8k(JsonElement row, Dictionary<string, string> remembered)
    {
        var answer = Text(row, "answer");
        var mark = answer.LastIndexOf("####", StringComparison.Ordinal);
        return mark >= 0
            ? Seed(Text(row, "question"), $"{answer[..mark].TrimEnd()}\n[RESULT] {answer[(mark + 4)..].Trim()} [/RESULT]")
            : throw new RowFault("\"answer\" does not end in \"#### \" and a number");
    }

    /// <summary>
    /// MATH as seeds: the solution and, between AgoraBench's tags, what its box holds. Solutions without exactly one box, and problems of unknown level, are left out:
    /// of the 7,500 of the training split, 7,383 remain, which is the paper's number.
    /// </summary>
    public static JsonObject? Math(JsonElement row, Dictionary<string, string> remembered)
    {
        const string Box = "\\boxed{";
        var solution = Text(row, "solution");
        var start = solution.IndexOf(Box, StringComparison.Ordinal);
        if (start < 0 || solution.IndexOf(Box, start + 1, StringComparison.Ordinal) >= 0 || Text(row, "level") == "Level ?")
            return null;
        var content = solution.AsSpan(start + Box.Length);
        var depth = 1;
        for (var i = 0; i < content.Length; i++)
        {
            if (content[i] == '\\') i++;      // an escaped brace closes nothing
            else if (content[i] == '{') depth++;
            else if (content[i] == '}' && --depth == 0)
                return Seed(Text(row, "problem"), $"{solution}\n[RESULT] {content[..i]} [/RESULT]");
        }
        throw new RowFault("the box in \"solution\" is not closed");
    }

    /// <summary>LIMA's dialogues of one question and one answer.</summary>
    public static JsonObject? Lima(JsonElement row, Dictionary<string, string> remembered)
    {
        if (!row.TryGetProperty("conversations", out var turns) || turns.ValueKind != JsonValueKind.Array) throw Missing(row, "conversations");
        return turns.GetArrayLength() == 2 && turns[0].ValueKind == JsonValueKind.String && turns[1].ValueKind == JsonValueKind.String
            ? Seed(turns[0].GetString()!, turns[1].GetString()!)
            : null;
    }

    public static string Text(JsonElement row, string column) =>
        !row.TryGetProperty(column, out var value) || value.ValueKind == JsonValueKind.Null ? throw Missing(row, column)
        : value.ValueKind == JsonValueKind.String ? value.GetString()!
        : throw new RowFault($"\"{column}\" is not text");

    private static JsonObject Seed(string instruction, string response) => new() { ["instruction"] = instruction, ["response"] = response };

    private static RowFault Missing(JsonElement row, string column) =>
        new($"it has no \"{column}\"; its columns are {string.Join(", ", row.EnumerateObject().Take(20).Select(member => member.Name))}");
}
