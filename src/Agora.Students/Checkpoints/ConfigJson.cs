using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Unicode;
using Agora.Experiments;

namespace Agora.Students.Checkpoints;

/// <summary>Typed look-ups in one of Hugging Face's JSON files; every fault is noted and all are reported together.</summary>
internal sealed class ConfigJson
{
    private readonly string path;
    private readonly JsonElement root;
    private readonly List<string> faults;

    private ConfigJson(string path, JsonElement root, List<string> faults) => (this.path, this.root, this.faults) = (path, root, faults);

    /// <exception cref="AgoraException">Missing, unreadable, or not a JSON object.</exception>
    public static ConfigJson Open(string path)
    {
        try
        {
            var bytes = BoundedFile.Read(path, BoundedFile.Settings);
            if (!Utf8.IsValid(bytes))
                throw new AgoraException("the file is not valid UTF-8", path, "take the file that came with the model");
            using var json = JsonDocument.Parse(bytes, new JsonDocumentOptions { AllowDuplicateProperties = false });
            if (json.RootElement.ValueKind != JsonValueKind.Object)
                throw new AgoraException("the file is not a JSON object", path, "take the file that came with the model");
            // Written once for nothing: an escaped half of a surrogate pair shows only then, and would show after training, when the file is carried along.
            using (var nowhere = new Utf8JsonWriter(Stream.Null))
                json.WriteTo(nowhere);
            return new ConfigJson(path, json.RootElement.Clone(), []);
        }
        catch (InvalidOperationException exception)
        {
            throw new AgoraException($"the file holds a text that is not valid Unicode ({exception.Message})", path, "take the file that came with the model", exception);
        }
        catch (JsonException exception)
        {
            throw new AgoraException($"the file is not valid JSON ({exception.Message})", path, "take the file that came with the model", exception);
        }
    }

    public void ThrowIfFaulty()
    {
        if (faults.Count > 0)
            throw new AgoraException(string.Join("; ", faults), path, "use a model that this engine supports, or correct the file");
    }

    /// <summary>Notes a fault; the first forty are kept, so that a hostile file cannot fill the memory with them.</summary>
    public void Fault(string what)
    {
        if (faults.Count < 40)
            faults.Add(what);
    }

    public bool Has(string name) => root.TryGetProperty(name, out _);

    public bool IsNull(string name) => root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Null;

    public string? Text(string name) => Get(name, JsonValueKind.String)?.GetString();

    public bool Flag(string name, bool whenAbsent) => Get(name, JsonValueKind.True, JsonValueKind.False)?.GetBoolean() ?? whenAbsent;

    /// <summary>A finite number.</summary>
    public double? Number(string name)
    {
        if (Get(name, JsonValueKind.Number) is not { } value)
            return null;
        if (value.TryGetDouble(out var number) && double.IsFinite(number))
            return number;
        Fault($"{name} is too large: {Shown(value)}");
        return null;
    }

    public double RequiredNumber(string name) => Number(name) ?? Missing(name);

    /// <summary>A whole number above 0 and, since products of two sizes are formed, below 2^24.</summary>
    public int? Size(string name) => Whole(name, 1);

    public int? Count(string name) => Whole(name, 0);

    public int RequiredSize(string name) => Size(name) ?? Missing(name);

    /// <summary>One id, a list of ids, or none where null or absent.</summary>
    public ImmutableArray<int> TokenIds(string name)
    {
        if (Get(name, JsonValueKind.Number, JsonValueKind.Array) is not { } value)
            return [];
        var elements = value.ValueKind == JsonValueKind.Array ? value.EnumerateArray().ToArray() : [value];
        var ids = ImmutableArray.CreateBuilder<int>();
        foreach (var element in elements)
        {
            if (element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out var negative) && negative < 0)
                continue;       // older configs write -1 for "none"
            if (element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out var id))
                ids.Add(id);
            else
                Fault($"{name} must hold token ids, got {Shown(element)}");
        }
        return ids.ToImmutable();
    }

    public string[] Texts(string name) =>
        Get(name, JsonValueKind.Array) is { } array ? [.. array.EnumerateArray().Select(item => item.ToString())] : [];

    /// <summary>Whole numbers; none where absent or null.</summary>
    public IReadOnlyList<int> Numbers(string name)
    {
        if (Get(name, JsonValueKind.Array) is not { } array)
            return [];
        var numbers = new List<int>();
        foreach (var item in array.EnumerateArray())
        {
            if (item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out var number))
                numbers.Add(number);
            else
                Fault($"{name} must hold whole numbers, got {Shown(item)}");
        }
        return numbers;
    }

    /// <summary>The names of the object's members; none where absent or null.</summary>
    public IReadOnlyList<string> MemberNames(string name) =>
        Get(name, JsonValueKind.Object) is { } child ? [.. child.EnumerateObject().Select(member => member.Name)] : [];

    /// <summary>How many members the object has; null where it is null or absent.</summary>
    public int? Members(string name) => Get(name, JsonValueKind.Object)?.EnumerateObject().Count();

    public ConfigJson? Child(string name) => Get(name, JsonValueKind.Object) is { } child ? new ConfigJson(path, child, faults) : null;

    private int? Whole(string name, int minimum)
    {
        if (Get(name, JsonValueKind.Number) is not { } value)
            return null;
        const int Limit = 1 << 24;
        if (value.TryGetInt32(out var size) && size >= minimum && size < Limit)
            return size;
        Fault($"{name} must be a whole number from {minimum} to {Limit - 1}, got {Shown(value)}");
        return minimum;
    }

    private int Missing(string name)
    {
        if (!Has(name) || IsNull(name))     // a wrong type is noted already
            Fault($"{name} is missing");
        return 0;
    }

    private JsonElement? Get(string name, params ReadOnlySpan<JsonValueKind> kinds)
    {
        if (!root.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
            return null;
        if (kinds.Contains(value.ValueKind))
            return value;
        Fault($"{name} has the wrong type: {Shown(value)}");
        return null;
    }

    private static string Shown(JsonElement value) => value.GetRawText() is var text && text.Length <= 80 ? text : text[..80] + "…";
}
