using System.Buffers.Binary;
using System.Text.Json;

namespace Agora.Students.Checkpoints;

/// <summary>A tensor to be written, handed over piecewise so that one of more than 2 GB needs no array of its own.</summary>
/// <param name="Read">Fills the span with the elements from the given index on, row-major.</param>
public sealed record TensorToSave(string Name, IReadOnlyList<long> Shape, FloatType Type, TensorToSave.ReadElements Read)
{
    public delegate void ReadElements(long first, Span<float> destination);

    public long Elements => Shape.Aggregate(1L, (product, size) => checked(product * size));

    public long Bytes => Elements * Type.Size;

    public static TensorToSave Of(string name, IReadOnlyList<long> shape, FloatType type, ReadOnlyMemory<float> values) =>
        new(name, shape, type, (first, destination) => values.Span.Slice(checked((int)first), destination.Length).CopyTo(destination));
}

/// <summary>Writes safetensors files: the same tensors always give the same bytes.</summary>
public static class SafetensorsWriter
{
    private const int ChunkElements = 1 << 18;

    /// <summary>Written beside its place and renamed into it, so that a reader never sees half a file.</summary>
    public static void Write(string path, IReadOnlyList<TensorToSave> tensors)
    {
        var unfinished = path + ".unfinished";
        using (var file = new FileStream(unfinished, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 20))
        {
            WriteHeader(file, tensors);
            var values = new float[ChunkElements];
            var stored = new byte[ChunkElements * 4];
            foreach (var tensor in tensors)
            {
                for (long first = 0, elements = tensor.Elements; first < elements; first += ChunkElements)
                {
                    var count = (int)Math.Min(ChunkElements, elements - first);
                    tensor.Read(first, values.AsSpan(0, count));
                    var bytes = stored.AsSpan(0, count * tensor.Type.Size);
                    tensor.Type.Narrow(values.AsSpan(0, count), bytes);
                    file.Write(bytes);
                }
            }
            file.Flush(flushToDisk: true);
        }
        File.Move(unfinished, path, overwrite: true);
    }

    private static void WriteHeader(Stream file, IReadOnlyList<TensorToSave> tensors)
    {
        var header = new MemoryStream();
        using (var json = new Utf8JsonWriter(header))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            json.WriteString("format", "pt");   // transformers refuses a file without it
            json.WriteEndObject();
            var offset = 0L;
            foreach (var tensor in tensors)
            {
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", tensor.Type.Name);
                json.WriteStartArray("shape");
                foreach (var size in tensor.Shape)
                    json.WriteNumberValue(size);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += tensor.Bytes);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        while (header.Length % 8 != 0)      // so that float32 data are aligned when the file is mapped
            header.WriteByte((byte)' ');
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        file.Write(length);
        header.WriteTo(file);
    }
}
