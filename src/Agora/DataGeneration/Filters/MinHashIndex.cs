using System.Numerics;

namespace Agora.DataGeneration.Filters;

/// <summary>A text as MinHash sees it.</summary>
/// <param name="Shingles">Distinct hashes of its runs of words, ascending; empty where the text has no word.</param>
/// <param name="Signature">For each permutation the smallest permuted shingle.</param>
internal sealed record ShingledText(ulong[] Shingles, uint[] Signature);

/// <summary>Finds kept texts whose shingles overlap with a new one's (Broder 1997; banding: Leskovec et al., Mining of Massive Datasets, section 3.4).</summary>
/// <remarks>
/// The Jaccard similarity of two sets is the share of permutations under which both have the same smallest element. Signatures are cut into bands; texts that agree on a whole band are
/// compared shingle by shingle, so that no verdict is an estimate: only a pair that shares no band is missed. Bands are as long as they may be for a pair at
/// the threshold to be found with a probability of at least <see cref="Recall"/>.
/// <see cref="Find"/> and <see cref="Read"/> may be called from many threads while nobody calls <see cref="Add"/>.
/// </remarks>
internal sealed class MinHashIndex
{
    public const int Permutations = 128;
    public const double Recall = 0.99;

    private readonly double threshold;
    private readonly int shingleWords;
    private readonly int rows;
    private readonly Dictionary<ulong, List<int>>[] bands;
    private readonly List<ulong[]> kept = [];

    /// <param name="threshold">Jaccard similarity from which two texts are near duplicates; above 0, at most 1.</param>
    /// <param name="shingleWords">Words per shingle; a shorter text is one shingle.</param>
    public MinHashIndex(double threshold, int shingleWords)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threshold);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(threshold, 1);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(shingleWords);
        this.threshold = threshold;
        this.shingleWords = shingleWords;
        rows = RowsPerBand(threshold);
        bands = [.. Enumerable.Range(0, Permutations / rows).Select(_ => new Dictionary<ulong, List<int>>())];
    }

    public int Count => kept.Count;

    public ShingledText Read(string text)
    {
        var shingles = Shingle(text, shingleWords);
        return new ShingledText(shingles, Sign(shingles));
    }

    /// <summary>Keeps the text under the next number.</summary>
    public int Add(ShingledText text)
    {
        if (text.Shingles.Length > 0)
        {
            for (var band = 0; band < bands.Length; band++)
            {
                var key = Key(text, band);
                if (!bands[band].TryGetValue(key, out var members)) bands[band].Add(key, members = []);
                members.Add(kept.Count);
            }
        }
        kept.Add(text.Shingles);
        return kept.Count - 1;
    }

    /// <param name="from">Texts before this number are left out.</param>
    /// <returns>The first text found to reach the threshold, and the Jaccard similarity with it; null where none is.</returns>
    public (int Text, double Jaccard)? Find(ShingledText text, int from = 0)
    {
        if (text.Shingles.Length == 0) return null;
        var seen = new HashSet<int>();
        (int Text, double Jaccard)? first = null;
        for (var band = 0; band < bands.Length; band++)
        {
            if (!bands[band].TryGetValue(Key(text, band), out var members)) continue;
            foreach (var member in members)
            {
                if (first is var (best, _) && member >= best) break;
                if (member < from || !seen.Add(member)) continue;
                var jaccard = Jaccard(text.Shingles, kept[member]);
                if (jaccard >= threshold) first = (member, jaccard);
            }
        }
        return first;
    }

    /// <summary>The longest bands with which a pair at the threshold is found often enough.</summary>
    internal static int RowsPerBand(double threshold)
    {
        for (var rows = Permutations; rows > 1; rows--)
            if (1 - Math.Pow(1 - Math.Pow(threshold, rows), Permutations / rows) >= Recall)
                return rows;
        return 1;
    }

    /// <summary>Shared by both, over in either; two empty sets share nothing.</summary>
    /// <param name="one">Ascending, distinct.</param>
    /// <param name="other">Ascending, distinct.</param>
    internal static double Jaccard(ReadOnlySpan<ulong> one, ReadOnlySpan<ulong> other)
    {
        var (i, j, shared) = (0, 0, 0);
        while (i < one.Length && j < other.Length)
        {
            if (one[i] == other[j]) (i, j, shared) = (i + 1, j + 1, shared + 1);
            else if (one[i] < other[j]) i++;
            else j++;
        }
        var either = one.Length + other.Length - shared;
        return either == 0 ? 0 : shared / (double)either;
    }

    internal static ulong[] Shingle(string text, int words)
    {
        var hashes = new List<ulong>();
        NormalizedWords.Read(text, word => hashes.Add(Hash(word)));
        if (hashes.Count == 0) return [];
        var size = Math.Min(words, hashes.Count);
        var shingles = new ulong[hashes.Count - size + 1];
        for (var start = 0; start < shingles.Length; start++)
        {
            var hash = 0UL;
            for (var i = 0; i < size; i++) hash = Mixed(hash * 31 + hashes[start + i]);
            shingles[start] = hash;
        }
        Array.Sort(shingles);
        var distinct = 0;
        for (var i = 0; i < shingles.Length; i++)
            if (i == 0 || shingles[i] != shingles[i - 1])
                shingles[distinct++] = shingles[i];
        return shingles[..distinct];
    }

    internal static uint[] Sign(ReadOnlySpan<ulong> shingles)
    {
        var signature = new uint[Permutations];
        Array.Fill(signature, uint.MaxValue);
        var lanes = Vector<uint>.Count;
        foreach (var shingle in shingles)
        {
            var folded = new Vector<uint>((uint)(shingle ^ (shingle >> 32)));
            for (var place = 0; place < Permutations; place += lanes)
            {
                var smallest = Vector.Min(new Vector<uint>(signature, place), Permuted(folded, place));
                smallest.CopyTo(signature, place);
            }
        }
        return signature;
    }

    // Multiplication by an odd number and a xor with a shifted copy are both one to one on 32 bits.
    private static Vector<uint> Permuted(Vector<uint> value, int place)
    {
        value = (value ^ new Vector<uint>(Offsets, place)) * new Vector<uint>(Multipliers, place);
        value ^= value >>> 15;
        return value * new Vector<uint>(0x2C1B3C6Du);
    }

    internal static uint Permuted(uint value, int permutation)
    {
        value = (value ^ Offsets[permutation]) * Multipliers[permutation];
        value ^= value >> 15;
        return value * 0x2C1B3C6Du;
    }

    private ulong Key(ShingledText text, int band)
    {
        var key = (ulong)rows;
        foreach (var smallest in text.Signature.AsSpan(band * rows, rows)) key = Mixed(key * 31 + smallest);
        return key;
    }

    // .NET's own hash of a text differs from process to process; a verdict may not.
    private static ulong Hash(ReadOnlySpan<char> word)
    {
        var hash = (ulong)word.Length;
        foreach (var c in word) hash = (hash ^ c) * 0x9E3779B97F4A7C15 + 1;
        return Mixed(hash);
    }

    private static ulong Mixed(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }

    private static readonly uint[] Offsets = Constants(1, odd: 0), Multipliers = Constants(2, odd: 1);

    private static uint[] Constants(uint name, uint odd) =>
        [.. Enumerable.Range(0, Permutations).Select(i => (uint)Mixed(((ulong)name << 32) + (ulong)i + 0x9E3779B97F4A7C15) | odd)];
}
