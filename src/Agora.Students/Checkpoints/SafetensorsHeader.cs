using System.Collections.Immutable;
using System.Text.Json;
using Agora.Experiments;

namespace Agora.Students.Checkpoints;

/// <summary>Reads the JSON header of a safetensors file in one pass, without a tree of it: a hostile header may have a hundred megabytes.</summary>
internal ref struct SafetensorsHeader
{
    // A model of 10,000 layers has fewer tensors; the format's own tensors have at most a handful of dimensions.
    private const int MostTensors = 200_000;
    private const int MostDimensions = 16;
    private const int MostFaults = 20;

    private readonly string path;
    private readonly long dataStart;
    private readonly long dataLength;
    private readonly List<string> faults = [];
    private readonly Dictionary<string, SafetensorsEntry> tensors = new(StringComparer.Ordinal);
    private Utf8JsonReader json;

    private SafetensorsHeader(string path, ReadOnlySpan<byte> header, long dataStart, long fileLength)
    {
        this.path = path;
        this.dataStart = dataStart;
        dataLength = fileLength - dataStart;
        json = new Utf8JsonReader(header, new JsonReaderOptions { MaxDepth = 8 });
    }

    /// <param name="dataStart">Bytes before the data, from which offsets count.</param>
    /// <exception cref="AgoraException">The header contradicts itself or the file's length; up to twenty faults are named.</exception>
    public static ImmutableSortedDictionary<string, SafetensorsEntry> Read(string path, ReadOnlySpan<byte> header, long dataStart, long fileLength)
    {
        try
        {
            return new SafetensorsHeader(path, header, dataStart, fileLength).Read();
        }
        catch (JsonException exception)
        {
            throw Broken(path, $"the header is not valid JSON ({exception.Message})", exception);
        }
        catch (InvalidOperationException exception)     // what System.Text.Json says of names that are not valid UTF-8 or UTF-16
        {
            throw Broken(path, "a name in the header is not valid text", exception);
        }
    }

    public static AgoraException Broken(string path, string what, Exception? cause = null) =>
        new($"not a valid safetensors file: {what}", path, "fetch the file again; it may be cut short or damaged", cause);

    private ImmutableSortedDictionary<string, SafetensorsEntry> Read()
    {
        if (!json.Read() || json.TokenType != JsonTokenType.StartObject)
            throw Broken(path, "the header is not a JSON object");
        var hasMetadata = false;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var name = json.GetString()!;
            json.Read();
            if (name == "__metadata__")
            {
                if (hasMetadata)
                    Fault("__metadata__ stands there twice");
                hasMetadata = true;
                json.Skip();
                continue;
            }
            if (ReadEntry(name) is not { } entry)
                continue;
            if (!tensors.TryAdd(name, entry))
                Fault($"tensor {name} is named twice");
            if (tensors.Count > MostTensors)
                throw Broken(path, $"the header names more than {MostTensors} tensors");
        }
        while (json.Read())
        {
            // what follows the object; anything but white space is a JsonException
        }
        if (faults.Count == 0)
            CheckTiling();
        return faults.Count == 0 ? tensors.ToImmutableSortedDictionary(StringComparer.Ordinal) : throw Faulty();
    }

    private void Fault(string what)
    {
        faults.Add(what);
        if (faults.Count == MostFaults)
            throw Faulty();
    }

    private readonly AgoraException Faulty() => Broken(path, string.Join("; ", faults));

    private SafetensorsEntry? ReadEntry(string name)
    {
        if (json.TokenType != JsonTokenType.StartObject)
            throw Malformed(name);
        string? type = null;
        ImmutableArray<long>? shape = null, offsets = null;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var member = json.GetString();
            json.Read();
            switch (member)
            {
                case "dtype" when type is null && json.TokenType == JsonTokenType.String:
                    type = json.GetString();
                    break;
                case "shape" when shape is null:
                    shape = ReadLongs(name, MostDimensions);
                    break;
                case "data_offsets" when offsets is null:
                    offsets = ReadLongs(name, 2);
                    break;
                case "dtype" or "shape" or "data_offsets":
                    throw Malformed(name);
                default:        // the reference reader passes over it, too
                    json.Skip();
                    break;
            }
        }
        return type is not null && shape is { } sizes && offsets is { Length: 2 } range ? Checked(name, type, sizes, range) : throw Malformed(name);
    }

    private readonly AgoraException Malformed(string name) => Broken(path, $"tensor {name} needs one dtype, one shape and two data_offsets");

    private SafetensorsEntry? Checked(string name, string type, ImmutableArray<long> shape, ImmutableArray<long> offsets)
    {
        var (first, end) = (offsets[0], offsets[1]);
        var what = first < 0 || end < first || end > dataLength ? $"data_offsets {first}..{end} lie outside the {dataLength} bytes of data"
            : shape.Any(size => size < 0) ? "negative size in its shape"
            : BitsOf(type) is not { } bits ? $"unknown dtype {type}"
            : BytesOf(shape, bits) is not { } expected ? "its shape overflows"
            : end - first != expected ? $"{type} of shape [{string.Join(", ", shape)}] takes {expected} bytes, data_offsets give {end - first}"
            : null;
        if (what is null)
            return new SafetensorsEntry(name, type, shape, dataStart + first, end - first);
        Fault($"tensor {name}: {what}");
        return null;
    }

    private void CheckTiling()
    {
        var next = 0L;
        foreach (var tensor in tensors.Values.OrderBy(tensor => tensor.Offset).ThenBy(tensor => tensor.Length))
        {
            var start = tensor.Offset - dataStart;
            if (start != next)
                Fault($"tensor {tensor.Name} {(start < next ? "overlaps the one before it" : $"leaves a hole of {start - next} bytes before it")}");
            next = start + tensor.Length;
        }
        if (next != dataLength && faults.Count == 0)
            Fault($"{dataLength - next} bytes after the last tensor belong to none");
    }

    private ImmutableArray<long> ReadLongs(string name, int most)
    {
        if (json.TokenType != JsonTokenType.StartArray)
            throw Malformed(name);
        var values = ImmutableArray.CreateBuilder<long>();
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            if (json.TokenType != JsonTokenType.Number || !json.TryGetInt64(out var value) || values.Count == most)
                throw Malformed(name);
            values.Add(value);
        }
        return values.ToImmutable();
    }

    private static long? BytesOf(ImmutableArray<long> shape, int bits)
    {
        // A size of 0 makes any product 0, whatever else overflows before it.
        if (shape.Contains(0))
            return 0;
        var elements = 1L;
        foreach (var size in shape)
        {
            if (elements > long.MaxValue / 64 / size)
                return null;
            elements *= size;
        }
        return elements * bits / 8;
    }

    private static int? BitsOf(string type) => type switch
    {
        "F64" or "I64" or "U64" => 64,
        "F32" or "I32" or "U32" => 32,
        "F16" or "BF16" or "I16" or "U16" => 16,
        "BOOL" or "I8" or "U8" or "F8_E4M3" or "F8_E5M2" or "F8_E8M0" => 8,
        _ => null,
    };
}
