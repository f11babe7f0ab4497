using System.Globalization;
using System.Text.Json.Nodes;

namespace Agora.Nano.Texts;

/// <summary>A demand on a text that a program can check.</summary>
/// <param name="Kind">As the benchmark's file names it.</param>
/// <param name="Phrase">The sentence that asks for it.</param>
internal sealed record TextConstraint(string Kind, string? Value, int Count, string Phrase)
{
    /// <summary>Identity within structures; the wording does not matter.</summary>
    public string Key => string.Create(CultureInfo.InvariantCulture, $"{Kind}({Value}{(Count > 0 ? Count : "")})");

    public JsonObject ToJson()
    {
        var row = new JsonObject { ["kind"] = Kind };
        if (Value is not null)
            row["value"] = Value;
        if (Count > 0)
            row[Value is null ? "value" : "count"] = Count;
        return row;
    }

    public bool Holds(string text) => Kind switch
    {
        "word_count" => Words(text).Length == Count,
        "sentence_count" => text.Count(c => c is '.' or '!' or '?') == Count,
        "comma_count" => text.Count(c => c == ',') == Count,
        "starts_with" => text.StartsWith(Value!, StringComparison.Ordinal),
        "ends_with" => text.EndsWith(Value!, StringComparison.Ordinal),
        "contains" => Words(text).Contains(Value!, StringComparer.OrdinalIgnoreCase),
        "not_contains" => !Words(text).Contains(Value!, StringComparer.OrdinalIgnoreCase),
        "all_lowercase" => !text.Any(char.IsUpper),
        "all_uppercase" => !text.Any(char.IsLower),
        "quoted" => text.Length > 1 && text[0] == '"' && text[^1] == '"',
        "repeated_word" => Words(text).Count(word => word.Equals(Value, StringComparison.OrdinalIgnoreCase)) == Count,
        _ => throw new InvalidOperationException($"no such constraint: {Kind}"),
    };

    private static string[] Words(string text) => [.. text.Split(' ').Select(word => word.Trim('.', '!', '?', ',', '"'))];
}
