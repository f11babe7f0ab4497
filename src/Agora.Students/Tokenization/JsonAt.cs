using System.Text.Json;
using Agora.Experiments;

namespace Agora.Students.Tokenization;

/// <summary>A value of a JSON file that knows its place, so that every fault names the file and the path inside it.</summary>
internal readonly record struct JsonAt(JsonElement Value, string File, string Path)
{
    /// <summary>Whether there is anything but null.</summary>
    public bool Exists => Value.ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null);

    /// <summary>The member, which may be absent (<see cref="Exists"/> is then false).</summary>
    public JsonAt this[string member]
    {
        get
        {
            if (Value.ValueKind != JsonValueKind.Object)
                throw Fault("must be an object");
            Value.TryGetProperty(member, out var found);
            return new JsonAt(found, File, Path.Length == 0 ? member : $"{Path}.{member}");
        }
    }

    public IEnumerable<JsonAt> Items()
    {
        if (Value.ValueKind != JsonValueKind.Array)
            throw Fault("must be a list");
        var index = 0;
        foreach (var item in Value.EnumerateArray())
            yield return new JsonAt(item, File, $"{Path}[{index++}]");
    }

    public IEnumerable<(string Name, JsonAt Value)> Members()
    {
        if (Value.ValueKind != JsonValueKind.Object)
            throw Fault("must be an object");
        foreach (var member in Value.EnumerateObject())
            yield return (member.Name, new JsonAt(member.Value, File, $"{Path}.{member.Name}"));
    }

    public string Text() => Value.ValueKind == JsonValueKind.String ? Value.GetString()! : throw Fault("must be a string");

    public string Text(string absent) => Exists ? Text() : absent;

    public bool Flag(bool absent = false) => Value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Undefined or JsonValueKind.Null => absent,
        _ => throw Fault("must be true or false"),
    };

    public int Number() => Value.ValueKind == JsonValueKind.Number && Value.TryGetInt32(out var number) ? number : throw Fault("must be an integer");

    /// <summary>An integer that may serve as a token's id.</summary>
    public int Id()
    {
        var id = Number();
        // Embeddings beyond this do not exist; a hostile id must not make us allocate a table for it.
        return id is >= 0 and < 16_777_216 ? id : throw Fault($"must be a token id from 0 to 16777215, got {id}");
    }

    public AgoraException Fault(string rule) =>
        new($"{(Path.Length == 0 ? "the file" : Short(Path))} {rule}", File, "use the tokenizer.json that came with the model, or write it again with the tool that made it");

    public AgoraException Unsupported(string what) =>
        new($"{Short(what)} is not supported", $"{File}, {Short(Path)}", "use a model whose tokenizer is of the style of Llama, Mistral, Qwen, GPT-2, T5 or BERT, or convert the tokenizer to one");

    // Names in a hostile file may have any length.
    private static string Short(string text) => text.Length <= 300 ? text : text[..300] + "…";
}
