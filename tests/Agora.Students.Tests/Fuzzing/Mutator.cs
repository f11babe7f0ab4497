using System.Text;

namespace Agora.Tests.Fuzzing;

/// <summary>Changes a file at random: bytes, numbers, stretches, words of its format, depth.</summary>
/// <param name="words">What the format is made of, to be put in at random places.</param>
internal sealed class Mutator(Random random, IReadOnlyList<string> words)
{
    private const int LongestInput = 1 << 18;

    private static readonly string[] Numbers =
        ["-1", "0", "1", "2", "255", "256", "65535", "65536", "2147483647", "2147483648", "4294967296", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "1e999", "0.5", "1e-400"];

    /// <param name="other">Another input, of which a stretch may be taken over.</param>
    public byte[] Mutate(byte[] input, byte[] other)
    {
        var bytes = input.ToList();
        for (var changes = 1 + random.Next(4); changes > 0; changes--)
            Change(bytes, other);
        return [.. bytes.Take(LongestInput)];
    }

    private void Change(List<byte> bytes, byte[] other)
    {
        var at = random.Next(bytes.Count + 1);
        switch (random.Next(10))
        {
            case 0 when bytes.Count > 0:
                bytes[at % bytes.Count] ^= (byte)(1 << random.Next(8));
                break;
            case 1 when bytes.Count > 0:
                bytes[at % bytes.Count] = (byte)random.Next(256);
                break;
            case 2:
                bytes.RemoveRange(at, Math.Min(bytes.Count - at, random.Next(1 + Math.Min(64, bytes.Count))));
                break;
            case 3:
                bytes.InsertRange(random.Next(bytes.Count + 1), bytes.Slice(at, Math.Min(bytes.Count - at, 1 + random.Next(64))).ToArray());
                break;
            case 4:
                bytes.InsertRange(at, Encoding.UTF8.GetBytes(words[random.Next(words.Count)]));
                break;
            case 5:
                Replace(bytes, FindDigits(bytes, at), Numbers[random.Next(Numbers.Length)]);
                break;
            case 6 when other.Length > 0:
                var from = random.Next(other.Length);
                bytes.InsertRange(at, other.AsSpan(from, Math.Min(other.Length - from, 1 + random.Next(200))));
                break;
            case 7:     // a stretch many times over: depth and length
                var piece = bytes.Slice(at, Math.Min(bytes.Count - at, 1 + random.Next(16))).ToArray();
                var times = 1 << random.Next(12);
                bytes.InsertRange(at, Enumerable.Repeat(piece, times).SelectMany(part => part).Take(1 << 16));
                break;
            case 8:
                var word = words[random.Next(words.Count)];
                var place = FindWord(bytes, words[random.Next(words.Count)]);
                Replace(bytes, place, word);
                break;
            default:
                bytes.RemoveRange(at, random.Next(8) == 0 ? bytes.Count - at : 0);
                break;
        }
    }

    private static void Replace(List<byte> bytes, (int Start, int Length) place, string text)
    {
        bytes.RemoveRange(place.Start, place.Length);
        bytes.InsertRange(place.Start, Encoding.UTF8.GetBytes(text));
    }

    /// <summary>The next digits from a place on; nothing, at the end, where there are none.</summary>
    private static (int Start, int Length) FindDigits(List<byte> bytes, int from)
    {
        var start = from;
        while (start < bytes.Count && !char.IsAsciiDigit((char)bytes[start]))
            start++;
        var end = start;
        while (end < bytes.Count && char.IsAsciiDigit((char)bytes[end]))
            end++;
        return (start, end - start);
    }

    private (int Start, int Length) FindWord(List<byte> bytes, string word)
    {
        var wanted = Encoding.UTF8.GetBytes(word);
        var all = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(bytes);
        var from = random.Next(all.Length + 1);
        var found = all[from..].IndexOf(wanted);
        return found >= 0 ? (from + found, wanted.Length) : (from, 0);
    }
}
