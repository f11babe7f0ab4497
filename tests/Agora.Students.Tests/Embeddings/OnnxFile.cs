using System.Runtime.InteropServices;
using System.Text;

namespace Agora.Students.Tests.Embeddings;

/// <summary>Writes models in ONNX's file format (a protobuf; onnx.proto3, IR version 8, operators of version 13): as much of it as a small test model needs.</summary>
internal sealed class OnnxFile
{
    private const int Float = 1, Int64 = 7;

    private readonly List<byte> graph = [];

    public OnnxFile Node(string operation, string[] inputs, string output, params (string Name, long[] Values)[] attributes)
    {
        var node = new List<byte>();
        foreach (var input in inputs)
            Text(node, 1, input);
        Text(node, 2, output);
        Text(node, 4, operation);
        foreach (var (name, values) in attributes)
        {
            var attribute = new List<byte>();
            Text(attribute, 1, name);
            foreach (var value in values)
                Number(attribute, values.Length == 1 ? 3 : 8, value);
            Number(attribute, 20, values.Length == 1 ? 2 : 7);   // INT, INTS
            Message(node, 5, attribute);
        }
        Message(graph, 1, node);
        return this;
    }

    public OnnxFile Weights(string name, long[] shape, float[] values) => Tensor(name, shape, Float, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

    public OnnxFile Integers(string name, long[] shape, params long[] values) => Tensor(name, shape, Int64, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

    public OnnxFile Input(string name) => Value(11, name, Int64, "batch", "length");

    public OnnxFile Output(string name, params string[] shape) => Value(12, name, Float, shape);

    public void Save(string path)
    {
        Text(graph, 2, "test");
        var version = new List<byte>();
        Number(version, 2, 13);
        var model = new List<byte>();
        Number(model, 1, 8);
        Message(model, 7, graph);
        Message(model, 8, version);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, model.ToArray());
    }

    private OnnxFile Tensor(string name, long[] shape, int type, byte[] raw)
    {
        var tensor = new List<byte>();
        foreach (var size in shape)
            Number(tensor, 1, size);
        Number(tensor, 2, type);
        Text(tensor, 8, name);
        Bytes(tensor, 9, raw);
        Message(graph, 5, tensor);
        return this;
    }

    private OnnxFile Value(int field, string name, int type, params string[] shape)
    {
        var dimensions = new List<byte>();
        foreach (var size in shape)
        {
            var dimension = new List<byte>();
            if (long.TryParse(size, out var number))
                Number(dimension, 1, number);
            else
                Text(dimension, 2, size);
            Message(dimensions, 1, dimension);
        }
        var (tensor, kind, value) = (new List<byte>(), new List<byte>(), new List<byte>());
        Number(tensor, 1, type);
        Message(tensor, 2, dimensions);
        Message(kind, 1, tensor);
        Text(value, 1, name);
        Message(value, 2, kind);
        Message(graph, field, value);
        return this;
    }

    private static void Number(List<byte> to, int field, long value)
    {
        Variable(to, (ulong)field << 3);
        Variable(to, (ulong)value);
    }

    private static void Text(List<byte> to, int field, string text) => Bytes(to, field, Encoding.UTF8.GetBytes(text));

    private static void Message(List<byte> to, int field, List<byte> message) => Bytes(to, field, message.ToArray());

    private static void Bytes(List<byte> to, int field, byte[] bytes)
    {
        Variable(to, ((ulong)field << 3) | 2);
        Variable(to, (ulong)bytes.Length);
        to.AddRange(bytes);
    }

    private static void Variable(List<byte> to, ulong value)
    {
        for (; value >= 0x80; value >>= 7)
            to.Add((byte)(value | 0x80));
        to.Add((byte)value);
    }
}
