using System.Numerics;

namespace Agora.DataGeneration.Filters;

/// <summary>Length of the longest common subsequence of one text with many others, sixty-four words at a step.</summary>
/// <remarks>
/// Bit-parallel (Hyyrö 2004, "Bit-parallel LCS-length computation revisited"): a bit per word of the first text; for each word of the second one addition carries along the row of
/// the dynamic programme. The zeros that are left at the end are the length. Not safe for concurrent use; meant to be set to one text after the other.
/// </remarks>
internal sealed class CommonSubsequence
{
    private ulong[] masks = [];      // a row of blocks for each distinct word of the text
    private ulong[] row = [];
    private int[] rowOfWord = [];    // by word: where its masks begin, as of `generation`
    private int[] stamps = [];
    private int generation;
    private int blocks;
    private int length;

    /// <param name="text">Numbers of words, each below <paramref name="vocabulary"/>.</param>
    public void Set(ReadOnlySpan<int> text, int vocabulary)
    {
        if (stamps.Length < vocabulary)
        {
            Array.Resize(ref stamps, Math.Max(vocabulary, 2 * stamps.Length));
            Array.Resize(ref rowOfWord, stamps.Length);
        }
        generation++;
        length = text.Length;
        blocks = (length + 63) / 64;
        if (row.Length < blocks) row = new ulong[2 * blocks];
        var used = 0;
        for (var place = 0; place < length; place++)
        {
            var word = text[place];
            if (stamps[word] != generation)
            {
                if (masks.Length < used + blocks) Array.Resize(ref masks, 2 * (used + blocks));
                stamps[word] = generation;
                rowOfWord[word] = used;
                masks.AsSpan(used, blocks).Clear();
                used += blocks;
            }
            masks[rowOfWord[word] + place / 64] |= 1UL << (place % 64);
        }
    }

    /// <returns>The length in words, from 0.</returns>
    public int With(ReadOnlySpan<int> other) => blocks <= 1 ? InOneBlock(other) : InBlocks(other);

    private int InOneBlock(ReadOnlySpan<int> other)
    {
        var zeros = ulong.MaxValue;
        foreach (var word in other)
        {
            if (!Has(word)) continue;
            var matched = zeros & masks[rowOfWord[word]];
            zeros = (zeros + matched) | (zeros - matched);
        }
        return BitOperations.PopCount(~zeros & Upper(length));
    }

    private int InBlocks(ReadOnlySpan<int> other)
    {
        var zeros = row.AsSpan(0, blocks);
        zeros.Fill(ulong.MaxValue);
        foreach (var word in other)
        {
            if (!Has(word)) continue;
            var mask = masks.AsSpan(rowOfWord[word], zeros.Length);
            var carry = 0UL;
            for (var block = 0; block < zeros.Length; block++)
            {
                var before = zeros[block];
                var matched = before & mask[block];
                var sum = before + matched;
                var overflowed = sum < before ? 1UL : 0;
                sum += carry;
                carry = overflowed | (sum < carry ? 1UL : 0);
                zeros[block] = sum | (before - matched);      // a subset of the bits: nothing is borrowed across blocks
            }
        }
        var common = 0;
        for (var block = 0; block < zeros.Length; block++)
            common += BitOperations.PopCount(~zeros[block] & Upper(length - 64 * block));
        return common;
    }

    private bool Has(int word) => (uint)word < (uint)stamps.Length && stamps[word] == generation;

    private static ulong Upper(int bits) => bits >= 64 ? ulong.MaxValue : (1UL << bits) - 1;
}
