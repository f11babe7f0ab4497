using System.Buffers.Binary;
using System.Collections.Immutable;
using System.IO.MemoryMappedFiles;
using System.Text.Json;
using Agora.Experiments;

namespace Agora.Students.Checkpoints;

/// <summary>One tensor of a safetensors file.</summary>
/// <param name="Type">As the format spells it: F32, F16, BF16, …</param>
/// <param name="Offset">Bytes from the start of the file.</param>
/// <param name="Length">Bytes.</param>
public sealed record SafetensorsEntry(string Name, string Type, ImmutableArray<long> Shape, long Offset, long Length)
{
    public long Elements => Shape.Aggregate(1L, (product, size) => product * size);
}

/// <summary>A safetensors file, memory-mapped and read as float32. The header is taken for hostile until it is checked.</summary>
/// <remarks>
/// Format: 8 bytes little-endian header length, a JSON header whose offsets count from its own end, raw little-endian row-major data
/// (https://huggingface.co/docs/safetensors). As in the reference reader, tensors may come in any order but must tile the data exactly:
/// no overlap, no hole, no rest.
/// </remarks>
public sealed unsafe class SafetensorsFile : IDisposable
{
    /// <summary>The reference reader's own limit.</summary>
    private const long MaxHeaderBytes = 100_000_000;

    private readonly MemoryMappedFile map;
    private readonly MemoryMappedViewAccessor view;
    private readonly byte* start;

    private SafetensorsFile(string path, MemoryMappedFile map, MemoryMappedViewAccessor view, byte* start, ImmutableSortedDictionary<string, SafetensorsEntry> tensors)
    {
        Path = path;
        this.map = map;
        this.view = view;
        this.start = start;
        Tensors = tensors;
    }

    public string Path { get; }

    public ImmutableSortedDictionary<string, SafetensorsEntry> Tensors { get; }

    /// <exception cref="AgoraException">Not a safetensors file, or its header contradicts itself or the file's length.</exception>
    public static SafetensorsFile Open(string path)
    {
        long length;
        byte[] header;
        try
        {
            using var file = File.OpenRead(path);
            length = file.Length;
            Span<byte> prefix = stackalloc byte[8];
            if (length < 8)
                throw Broken(path, $"the file has {length} bytes, fewer than the 8 of the header's length");
            file.ReadExactly(prefix);
            var headerLength = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
            if (headerLength > MaxHeaderBytes || (long)headerLength > length - 8)
                throw Broken(path, $"the header claims {headerLength} bytes; the file has {length}, and {MaxHeaderBytes} is the limit");
            header = new byte[headerLength];
            file.ReadExactly(header);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new AgoraException("cannot read the weights", path, "check that the file exists and is readable", exception);
        }
        ImmutableSortedDictionary<string, SafetensorsEntry> tensors;
        try
        {
            tensors = ReadHeader(path, header, dataStart: 8 + header.LongLength, fileLength: length);
        }
        catch (InvalidOperationException exception)     // what System.Text.Json says of names that are not valid UTF-8 or UTF-16
        {
            throw Broken(path, "a name in the header is not valid text", exception);
        }
        var map = MemoryMappedFile.CreateFromFile(path, FileMode.Open, mapName: null, 0, MemoryMappedFileAccess.Read);
        var view = map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        byte* pointer = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref pointer);
        return new SafetensorsFile(path, map, view, pointer + view.PointerOffset, tensors);
    }

    /// <summary>Widens elements of one tensor to float32; exact for all three types.</summary>
    /// <param name="first">Index of the first element wanted, in row-major order.</param>
    /// <exception cref="AgoraException">The tensor is not F32, F16 or BF16.</exception>
    public void Read(SafetensorsEntry tensor, long first, Span<float> destination)
    {
        ObjectDisposedException.ThrowIf(view.SafeMemoryMappedViewHandle.IsClosed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first + destination.Length, tensor.Elements, nameof(destination));
        var type = FloatType.Named(tensor.Type)
            ?? throw new AgoraException($"tensor {tensor.Name} has type {tensor.Type}", Path, $"use a checkpoint in {string.Join(", ", FloatType.All.Select(t => t.Name))}");
        type.Widen(new ReadOnlySpan<byte>(start + tensor.Offset + first * type.Size, destination.Length * type.Size), destination);
    }

    public float[] Read(SafetensorsEntry tensor)
    {
        var values = new float[checked((int)tensor.Elements)];
        Read(tensor, 0, values);
        return values;
    }

    public void Dispose()
    {
        if (view.SafeMemoryMappedViewHandle.IsClosed)
            return;
        view.SafeMemoryMappedViewHandle.ReleasePointer();
        view.Dispose();
        map.Dispose();
    }

    private static ImmutableSortedDictionary<string, SafetensorsEntry> ReadHeader(string path, byte[] header, long dataStart, long fileLength)
    {
        JsonDocument json;
        try
        {
            json = JsonDocument.Parse(header, new JsonDocumentOptions { MaxDepth = 8, AllowDuplicateProperties = false });
        }
        catch (JsonException exception)
        {
            throw Broken(path, $"the header is not valid JSON ({exception.Message})", exception);
        }
        using (json)
        {
            if (json.RootElement.ValueKind != JsonValueKind.Object)
                throw Broken(path, "the header is not a JSON object");
            var faults = new List<string>();
            var tensors = ImmutableSortedDictionary.CreateBuilder<string, SafetensorsEntry>(StringComparer.Ordinal);
            foreach (var member in json.RootElement.EnumerateObject())
            {
                if (member.Name == "__metadata__")
                    continue;
                if (ReadEntry(member, dataStart, fileLength, faults) is { } entry)
                    tensors.Add(entry.Name, entry);
            }
            if (faults.Count == 0)
                CheckTiling(tensors.Values, dataStart, fileLength, faults);
            return faults.Count == 0 ? tensors.ToImmutable() : throw Broken(path, string.Join("; ", faults.Take(20)));
        }
    }

    private static SafetensorsEntry? ReadEntry(JsonProperty member, long dataStart, long fileLength, List<string> faults)
    {
        SafetensorsEntry? Fault(string what)
        {
            faults.Add($"tensor {member.Name}: {what}");
            return null;
        }
        if (member.Value.ValueKind != JsonValueKind.Object
            || !member.Value.TryGetProperty("dtype", out var type) || type.ValueKind != JsonValueKind.String
            || !TryReadLongs(member.Value, "shape", out var shape)
            || !TryReadLongs(member.Value, "data_offsets", out var offsets) || offsets.Length != 2)
            return Fault("needs dtype, shape and two data_offsets");
        if (shape.Any(size => size < 0))
            return Fault("negative size in its shape");
        if (offsets[0] < 0 || offsets[1] < offsets[0] || offsets[1] > fileLength - dataStart)
            return Fault($"data_offsets {offsets[0]}..{offsets[1]} lie outside the {fileLength - dataStart} bytes of data");
        var name = type.GetString()!;
        if (BitsOf(name) is not { } bits)
            return Fault($"unknown dtype {name}");
        try
        {
            var expected = checked(shape.Aggregate(1L, (product, size) => checked(product * size)) * bits / 8);
            if (offsets[1] - offsets[0] != expected)
                return Fault($"{name} of shape [{string.Join(", ", shape)}] takes {expected} bytes, data_offsets give {offsets[1] - offsets[0]}");
        }
        catch (OverflowException)
        {
            return Fault("its shape overflows");
        }
        return new SafetensorsEntry(member.Name, name, shape, dataStart + offsets[0], offsets[1] - offsets[0]);
    }

    private static void CheckTiling(IEnumerable<SafetensorsEntry> tensors, long dataStart, long fileLength, List<string> faults)
    {
        var next = dataStart;
        foreach (var tensor in tensors.OrderBy(t => t.Offset).ThenBy(t => t.Length))
        {
            if (tensor.Offset != next)
                faults.Add($"tensor {tensor.Name} {(tensor.Offset < next ? "overlaps the one before it" : $"leaves a hole of {tensor.Offset - next} bytes before it")}");
            next = tensor.Offset + tensor.Length;
        }
        if (next != fileLength && faults.Count == 0)
            faults.Add($"{fileLength - next} bytes after the last tensor belong to none");
    }

    private static bool TryReadLongs(JsonElement parent, string name, out ImmutableArray<long> values)
    {
        values = [];
        if (!parent.TryGetProperty(name, out var array) || array.ValueKind != JsonValueKind.Array)
            return false;
        var builder = ImmutableArray.CreateBuilder<long>(array.GetArrayLength());
        foreach (var element in array.EnumerateArray())
        {
            if (element.ValueKind != JsonValueKind.Number || !element.TryGetInt64(out var value))
                return false;
            builder.Add(value);
        }
        values = builder.MoveToImmutable();
        return true;
    }

    private static int? BitsOf(string type) => type switch
    {
        "F64" or "I64" or "U64" => 64,
        "F32" or "I32" or "U32" => 32,
        "F16" or "BF16" or "I16" or "U16" => 16,
        "BOOL" or "I8" or "U8" or "F8_E4M3" or "F8_E5M2" or "F8_E8M0" => 8,
        _ => null,
    };

    private static AgoraException Broken(string path, string what, Exception? cause = null) =>
        new($"not a valid safetensors file: {what}", path, "fetch the file again; it may be cut short or damaged", cause);
}
