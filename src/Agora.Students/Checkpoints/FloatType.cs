using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace Agora.Students.Checkpoints;

/// <summary>A type that weights are stored in, and its exact widening to and correct rounding from float32.</summary>
public abstract class FloatType
{
    public static FloatType F32 { get; } = new SinglePrecision();
    public static FloatType F16 { get; } = new HalfPrecision();
    public static FloatType BF16 { get; } = new BrainPrecision();

    public static ImmutableArray<FloatType> All { get; } = [F32, F16, BF16];

    private FloatType(string name, string configName, int size) => (Name, ConfigName, Size) = (name, configName, size);

    /// <summary>As in a safetensors header.</summary>
    public string Name { get; }
    /// <summary>As <c>torch_dtype</c> in config.json.</summary>
    public string ConfigName { get; }
    /// <summary>Bytes of one element.</summary>
    public int Size { get; }

    public static FloatType? Named(string safetensorsName) => All.FirstOrDefault(type => type.Name == safetensorsName);

    internal abstract void Widen(ReadOnlySpan<byte> stored, Span<float> values);

    internal abstract void Narrow(ReadOnlySpan<float> values, Span<byte> stored);

    /// <summary>The first value that is NaN or infinite, or would be infinite in this type; -1 where all can be stored.</summary>
    internal int FirstUnstorable(ReadOnlySpan<float> values)
    {
        // NaN wins in MaxMagnitude, and compares as false.
        var limit = this == F16 ? 65520f : float.PositiveInfinity;      // above the largest half, 65504, half-way to the next
        if (values.IsEmpty || Math.Abs(TensorPrimitives.MaxMagnitude(values)) < limit)
            return -1;
        for (var i = 0; i < values.Length; i++)
        {
            if (!(Math.Abs(values[i]) < limit))
                return i;
        }
        return -1;
    }

    public override string ToString() => Name;

    private sealed class SinglePrecision() : FloatType("F32", "float32", 4)
    {
        internal override void Widen(ReadOnlySpan<byte> stored, Span<float> values)
        {
            stored.CopyTo(MemoryMarshal.AsBytes(values));
            if (!BitConverter.IsLittleEndian)
                BinaryPrimitives.ReverseEndianness(MemoryMarshal.Cast<float, int>(values), MemoryMarshal.Cast<float, int>(values));
        }

        internal override void Narrow(ReadOnlySpan<float> values, Span<byte> stored)
        {
            MemoryMarshal.AsBytes(values).CopyTo(stored);
            if (!BitConverter.IsLittleEndian)
                BinaryPrimitives.ReverseEndianness(MemoryMarshal.Cast<byte, int>(stored), MemoryMarshal.Cast<byte, int>(stored));
        }
    }

    private sealed class HalfPrecision() : FloatType("F16", "float16", 2)
    {
        internal override void Widen(ReadOnlySpan<byte> stored, Span<float> values)
        {
            if (BitConverter.IsLittleEndian)
                TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<byte, Half>(stored), values);
            else
                for (var i = 0; i < values.Length; i++)
                    values[i] = (float)BinaryPrimitives.ReadHalfLittleEndian(stored[(2 * i)..]);
        }

        internal override void Narrow(ReadOnlySpan<float> values, Span<byte> stored)
        {
            if (BitConverter.IsLittleEndian)
                TensorPrimitives.ConvertToHalf(values, MemoryMarshal.Cast<byte, Half>(stored));
            else
                for (var i = 0; i < values.Length; i++)
                    BinaryPrimitives.WriteHalfLittleEndian(stored[(2 * i)..], (Half)values[i]);
        }
    }

    private sealed class BrainPrecision() : FloatType("BF16", "bfloat16", 2)
    {
        // A bfloat16 is the upper half of a float32.
        internal override void Widen(ReadOnlySpan<byte> stored, Span<float> values)
        {
            var i = 0;
            if (BitConverter.IsLittleEndian)
            {
                var halves = MemoryMarshal.Cast<byte, ushort>(stored);
                var bits = MemoryMarshal.Cast<float, uint>(values);
                for (; i <= values.Length - Vector<ushort>.Count; i += Vector<ushort>.Count)
                {
                    Vector.Widen(new Vector<ushort>(halves[i..]), out var low, out var high);
                    (low << 16).CopyTo(bits[i..]);
                    (high << 16).CopyTo(bits[(i + Vector<uint>.Count)..]);
                }
            }
            for (; i < values.Length; i++)
                values[i] = BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(stored[(2 * i)..]) << 16);
        }

        internal override void Narrow(ReadOnlySpan<float> values, Span<byte> stored)
        {
            for (var i = 0; i < values.Length; i++)
                BinaryPrimitives.WriteUInt16LittleEndian(stored[(2 * i)..], Round(values[i]));
        }

        // To nearest, ties to even, as torch does; adding to the bits of a NaN could carry it into infinity.
        private static ushort Round(float value)
        {
            var bits = BitConverter.SingleToUInt32Bits(value);
            if (float.IsNaN(value))
                return (ushort)((bits >> 16) | 0x40);
            return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
        }
    }
}
