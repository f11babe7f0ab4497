using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;

namespace Agora.Benchmarks.Judged;

/// <summary>
/// MT19937 (Matsumoto and Nishimura 1998), seeded in the two ways that published judgments depend on. Everything of our own draws from
/// <see cref="Experiments.RandomStream"/>; this one exists so that published slot orders and bootstrap intervals can be reproduced digit for digit.
/// </summary>
internal sealed class MersenneTwister
{
    private const int Size = 624;
    private const int Offset = 397;

    private readonly uint[] state = new uint[Size];
    private int next = Size;

    /// <summary>The generator that NumPy's legacy <c>seed(n)</c> starts.</summary>
    public MersenneTwister(uint seed)
    {
        state[0] = seed;
        for (var i = 1u; i < Size; i++)
            state[i] = 1812433253u * (state[i - 1] ^ (state[i - 1] >> 30)) + i;
    }

    private MersenneTwister(ReadOnlySpan<uint> key) : this(19650218u)
    {
        var (i, j) = (1, 0);
        for (var left = Math.Max(Size, key.Length); left > 0; left--)
        {
            state[i] = (state[i] ^ ((state[i - 1] ^ (state[i - 1] >> 30)) * 1664525u)) + key[j] + (uint)j;
            i = Next(i);
            j = (j + 1) % key.Length;
        }
        for (var left = Size - 1; left > 0; left--)
        {
            state[i] = (state[i] ^ ((state[i - 1] ^ (state[i - 1] >> 30)) * 1566083941u)) - (uint)i;
            i = Next(i);
        }
        state[0] = 0x80000000u;

        int Next(int place)
        {
            if (++place < Size)
                return place;
            state[0] = state[Size - 1];
            return 1;
        }
    }

    /// <summary>The generator of Python's <c>random.Random(text)</c>: the text's UTF-8 followed by its SHA-512 is one big-endian number, whose 32-bit words, least significant first, are the key.</summary>
    public static MersenneTwister OfPythonText(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        byte[] number = [.. bytes, .. SHA512.HashData(bytes)];
        var start = number.AsSpan().IndexOfAnyExcept((byte)0);
        var digits = number.AsSpan(start < 0 ? number.Length : start);
        var key = new uint[Math.Max(1, (digits.Length + 3) / 4)];
        Span<byte> four = stackalloc byte[4];
        for (var word = 0; word < key.Length; word++)
        {
            var end = digits.Length - 4 * word;
            four.Clear();
            if (end > 0)
                digits[Math.Max(0, end - 4)..end].CopyTo(four[Math.Max(0, 4 - end)..]);
            key[word] = BinaryPrimitives.ReadUInt32BigEndian(four);
        }
        return new MersenneTwister(key);
    }

    public uint NextUInt32()
    {
        if (next == Size)
            Refill();
        var y = state[next++];
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c5680u;
        y ^= (y << 15) & 0xefc60000u;
        return y ^ (y >> 18);
    }

    /// <summary>Uniform on [0, 1), 53 bits, as Python makes it.</summary>
    public double NextDouble() => ((NextUInt32() >> 5) * 67108864.0 + (NextUInt32() >> 6)) / 9007199254740992.0;

    /// <summary>Uniform below the limit, as NumPy's legacy generator draws it: masked to the limit's bits, and again where that is too large.</summary>
    public int NextBelow(int exclusiveMaximum)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(exclusiveMaximum);
        var greatest = (uint)exclusiveMaximum - 1;
        if (greatest == 0)
            return 0;
        var mask = uint.MaxValue >> BitOperations.LeadingZeroCount(greatest);
        uint value;
        do value = NextUInt32() & mask; while (value > greatest);
        return (int)value;
    }

    private void Refill()
    {
        for (var i = 0; i < Size; i++)
        {
            var y = (state[i] & 0x80000000u) | (state[(i + 1) % Size] & 0x7fffffffu);
            state[i] = state[(i + Offset) % Size] ^ (y >> 1) ^ ((y & 1) == 0 ? 0 : 0x9908b0dfu);
        }
        next = 0;
    }
}
