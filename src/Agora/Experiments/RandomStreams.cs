using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;

namespace Agora.Experiments;

/// <summary>Independent random streams, each named after its use and derived from the experiment's one seed.</summary>
/// <remarks>The stream of ("demonstrations", 4127) depends on the seed and its name alone: not on timing, on concurrency or on a resume.</remarks>
public sealed class RandomStreams(long seed)
{
    public long Seed { get; } = seed;

    public RandomStream For(string use, params ReadOnlySpan<long> indices)
    {
        var name = Encoding.UTF8.GetBytes(use);
        var material = new byte[8 + 4 + name.Length + 8 * indices.Length];
        BinaryPrimitives.WriteInt64LittleEndian(material, Seed);
        BinaryPrimitives.WriteInt32LittleEndian(material.AsSpan(8), name.Length);
        name.CopyTo(material, 12);
        for (var i = 0; i < indices.Length; i++)
            BinaryPrimitives.WriteInt64LittleEndian(material.AsSpan(12 + name.Length + 8 * i), indices[i]);
        return new RandomStream(SHA256.HashData(material));
    }
}

/// <summary>A pseudo-random sequence (xoshiro256**) that is the same on every platform and in every version of .NET.</summary>
public sealed class RandomStream
{
    private ulong s0, s1, s2, s3;

    /// <param name="state">32 bytes, not all zero.</param>
    public RandomStream(ReadOnlySpan<byte> state)
    {
        s0 = BinaryPrimitives.ReadUInt64LittleEndian(state);
        s1 = BinaryPrimitives.ReadUInt64LittleEndian(state[8..]);
        s2 = BinaryPrimitives.ReadUInt64LittleEndian(state[16..]);
        s3 = BinaryPrimitives.ReadUInt64LittleEndian(state[24..]);
    }

    public ulong NextUInt64()
    {
        var result = BitOperations.RotateLeft(s1 * 5, 7) * 9;
        var t = s1 << 17;
        s2 ^= s0;
        s3 ^= s1;
        s1 ^= s2;
        s0 ^= s3;
        s2 ^= t;
        s3 = BitOperations.RotateLeft(s3, 45);
        return result;
    }

    /// <summary>Non-negative, so that it fits wherever a provider takes a seed.</summary>
    public long NextSeed() => (long)(NextUInt64() >> 1);

    /// <summary>Uniform on [0, 1), 53 bits.</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Uniform on [0, <paramref name="exclusiveMaximum"/>), without modulo bias.</summary>
    public int Next(int exclusiveMaximum)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(exclusiveMaximum);
        var range = (ulong)exclusiveMaximum;
        var limit = ulong.MaxValue - ulong.MaxValue % range;
        ulong value;
        do value = NextUInt64(); while (value >= limit);
        return (int)(value % range);
    }

    /// <summary>Uniform on [<paramref name="minimum"/>, <paramref name="maximum"/>], both included.</summary>
    public int Between(int minimum, int maximum) => minimum + Next(maximum - minimum + 1);

    public bool Chance(double probability) => NextDouble() < probability;

    public T Pick<T>(IReadOnlyList<T> items) => items[Next(items.Count)];

    public void Shuffle<T>(Span<T> items)
    {
        for (var i = items.Length - 1; i > 0; i--)
        {
            var j = Next(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    /// <summary>Distinct indices below <paramref name="count"/>, in random order.</summary>
    public int[] Sample(int count, int size)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(size, count);
        var chosen = new Dictionary<int, int>();
        var result = new int[size];
        for (var i = 0; i < size; i++)
        {
            var j = i + Next(count - i);
            result[i] = chosen.GetValueOrDefault(j, j);
            chosen[j] = chosen.GetValueOrDefault(i, i);
        }
        return result;
    }
}
