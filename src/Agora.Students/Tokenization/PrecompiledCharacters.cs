using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Agora.Students.Tokenization;

/// <summary>SentencePiece's own table of replacements ("precompiled_charsmap"): a double-array trie over UTF-8 and the texts that stand for what it finds.</summary>
/// <remarks>
/// Used as the reference does: a cluster of characters of fewer than six bytes is looked up whole, then each character by itself; of the entries that a look-up
/// passes, the first and shortest counts, even where it covers only a part of what was asked for.
/// </remarks>
internal sealed class PrecompiledCharacters : TextNormalizer
{
    private const int LongestCluster = 5;    // bytes

    private readonly uint[] units;
    private readonly byte[] texts;

    /// <param name="table">The trie's length in bytes as 4 bytes little-endian, the trie, then texts that each end with a zero byte.</param>
    /// <exception cref="FormatException">The lengths do not fit.</exception>
    public PrecompiledCharacters(ReadOnlySpan<byte> table)
    {
        if (table.Length < 4 || BinaryPrimitives.ReadUInt32LittleEndian(table) is var length && (length > table.Length - 4 || length % 4 != 0 || length == 0))
            throw new FormatException("the length of the trie does not fit");
        units = new uint[(BinaryPrimitives.ReadUInt32LittleEndian(table)) / 4];
        for (var i = 0; i < units.Length; i++)
            units[i] = BinaryPrimitives.ReadUInt32LittleEndian(table[(4 + 4 * i)..]);
        texts = table[(4 + 4 * units.Length)..].ToArray();
    }

    /// <summary>How many times as long a text can become.</summary>
    public double MostGrowth
    {
        get
        {
            var (longest, start) = (1, 0);
            for (var end = 0; end <= texts.Length; end++)
                if (end == texts.Length || texts[end] == 0)
                    (longest, start) = (Math.Max(longest, end - start), end + 1);
            return longest;
        }
    }

    public override string Apply(string text)
    {
        var result = new StringBuilder(text.Length);
        Span<char> character = stackalloc char[2];
        for (var at = 0; at < text.Length;)
        {
            var cluster = text.AsSpan(at, StringInfo.GetNextTextElementLength(text.AsSpan(at)));
            at += cluster.Length;
            if (cluster.Length <= LongestCluster && TryReplace(cluster, LongestCluster, result))
                continue;
            foreach (var rune in cluster.EnumerateRunes())
            {
                ReadOnlySpan<char> one = character[..rune.EncodeToUtf16(character)];
                if (!TryReplace(one, 4, result))
                    result.Append(one);
            }
        }
        return result.ToString();
    }

    private bool TryReplace(ReadOnlySpan<char> part, int most, StringBuilder result)
    {
        Span<byte> bytes = stackalloc byte[3 * LongestCluster];
        bytes = bytes[..Encoding.UTF8.GetBytes(part, bytes)];
        if (bytes.Length > most || TextOf(bytes) is not (>= 0 and var start))
            return false;
        var end = texts.AsSpan(start).IndexOf((byte)0);
        result.Append(Encoding.UTF8.GetString(texts.AsSpan(start, end < 0 ? texts.Length - start : end)));
        return true;
    }

    /// <summary>The trie of Darts-clone: https://github.com/s-yata/darts-clone.</summary>
    /// <returns>Where the text of the first entry that the key passes begins; -1 where it passes none.</returns>
    private int TextOf(ReadOnlySpan<byte> key)
    {
        var node = Offset(units[0]);
        foreach (var value in key)
        {
            node ^= value;
            if (value == 0 || node >= units.Length || (units[node] & 0x800000FF) != value)
                return -1;
            var unit = units[node];
            node ^= Offset(unit);
            if ((unit >> 8 & 1) == 0)
                continue;
            return node < units.Length && (units[node] & 0x7FFFFFFF) is var start && start < texts.Length ? (int)start : -1;
        }
        return -1;
    }

    private static uint Offset(uint unit) => (unit >> 10) << (int)((unit & 1u << 9) >> 6);
}
