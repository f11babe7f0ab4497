using System.Collections.Concurrent;
using System.Numerics;

namespace Agora.DataGeneration.Filters;

/// <summary>A text as ROUGE sees it.</summary>
/// <param name="Words">Numbers of the index's own; meaningless in another index.</param>
internal sealed record RougeText(int[] Words)
{
    /// <summary>One bit in 256 for each word, hashed with how often it stood before; a bound on how much two texts can share.</summary>
    public WordBits Bits { get; } = WordBits.Of(Words);
}

/// <param name="Text">Which text, by the order of adding.</param>
internal readonly record struct SimilarText(int Text, double F);

/// <summary>Finds exactly whether any kept text reaches a ROUGE-L F-measure with a new one (Wang et al. 2023, Self-Instruct, section 2.2).</summary>
/// <remarks>
/// Verdicts are those of comparing with every text in turn. Two bounds save most comparisons: F ≥ t needs a common subsequence of at least t (m + n) / 2 words, so that neither text may be much
/// shorter than the other; and words of one text that the other lacks are in no common subsequence, of which 256 bits a text count a lower bound.
/// <see cref="Find"/> may be called from many threads while nobody calls <see cref="Read"/> or <see cref="Add"/>.
/// </remarks>
internal sealed class NoveltyIndex
{
    private readonly double threshold;
    private readonly Dictionary<string, int> vocabulary = new(StringComparer.Ordinal);
    private readonly List<SameLength> byLength = [];
    private readonly ConcurrentBag<CommonSubsequence> free = [];

    /// <param name="threshold">Above 0, at most 1.</param>
    public NoveltyIndex(double threshold)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threshold);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(threshold, 1);
        this.threshold = threshold;
    }

    public int Count { get; private set; }

    public RougeText Read(string text)
    {
        var known = vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();
        var words = new List<int>();
        RougeWords.Read(text, word =>
        {
            if (!known.TryGetValue(word, out var number)) known[word] = number = vocabulary.Count;
            words.Add(number);
        });
        return new RougeText([.. words]);
    }

    /// <summary>Keeps the text under the next number.</summary>
    public int Add(RougeText text)
    {
        while (byLength.Count <= text.Words.Length) byLength.Add(new SameLength());
        byLength[text.Words.Length].Add(Count, text);
        return Count++;
    }

    /// <param name="from">Texts before this number are left out.</param>
    /// <returns>The first kept text that reaches the threshold; null where none does.</returns>
    public SimilarText? Find(RougeText text, int from = 0)
    {
        var length = text.Words.Length;
        if (length == 0) return null;
        SimilarText? first = null;
        CommonSubsequence? subsequence = null;
        var ones = text.Bits.Ones;
        for (var other = 1; other < byLength.Count; other++)
        {
            var bucket = byLength[other];
            if (bucket.Count == 0) continue;
            var needed = RougeL.Needed(length, other, threshold);
            if (needed > Math.Min(length, other))
            {
                if (other > length) break;
                continue;
            }
            var (lacking, otherLacking) = (length - needed, other - needed);
            for (var place = bucket.From(from); place < bucket.Count; place++)
            {
                if (bucket.Number(place) > (first?.Text ?? int.MaxValue)) break;
                ref readonly var bits = ref bucket.Bits(place);
                var shared = text.Bits.Shared(in bits);
                if (ones - shared > lacking || bits.Ones - shared > otherLacking) continue;
                if (subsequence is null)
                {
                    subsequence = free.TryTake(out var rested) ? rested : new CommonSubsequence();
                    subsequence.Set(text.Words, vocabulary.Count);
                }
                var common = subsequence.With(bucket.Words(place));
                if (common < needed) continue;
                first = new SimilarText(bucket.Number(place), RougeL.F(common, length, other));
                break;
            }
        }
        if (subsequence is not null) free.Add(subsequence);
        return first;
    }

    /// <summary>Kept texts of one length, by number.</summary>
    private sealed class SameLength
    {
        private WordBits[] bits = [];
        private int[] numbers = [];
        private int[][] words = [];

        public int Count { get; private set; }

        public void Add(int number, RougeText text)
        {
            if (Count == numbers.Length)
            {
                var room = Math.Max(4, 2 * Count);
                Array.Resize(ref bits, room);
                Array.Resize(ref numbers, room);
                Array.Resize(ref words, room);
            }
            (bits[Count], numbers[Count], words[Count]) = (text.Bits, number, text.Words);
            Count++;
        }

        public int From(int number)
        {
            if (number == 0) return 0;
            var place = Array.BinarySearch(numbers, 0, Count, number);
            return place < 0 ? ~place : place;
        }

        public int Number(int place) => numbers[place];
        public int[] Words(int place) => words[place];
        public ref readonly WordBits Bits(int place) => ref bits[place];
    }
}

/// <summary>256 bits, of which a text sets one for each of its words.</summary>
internal readonly struct WordBits
{
    private readonly ulong b0, b1, b2, b3;

    private WordBits(ulong b0, ulong b1, ulong b2, ulong b3)
    {
        (this.b0, this.b1, this.b2, this.b3) = (b0, b1, b2, b3);
        Ones = BitOperations.PopCount(b0) + BitOperations.PopCount(b1) + BitOperations.PopCount(b2) + BitOperations.PopCount(b3);
    }

    /// <summary>How many bits are set: at most as many as the text has words.</summary>
    public int Ones { get; }

    public int Shared(in WordBits other) =>
        BitOperations.PopCount(b0 & other.b0) + BitOperations.PopCount(b1 & other.b1) + BitOperations.PopCount(b2 & other.b2) + BitOperations.PopCount(b3 & other.b3);

    // A word that stands twice sets two bits, so that two texts share no more of them than words.
    public static WordBits Of(ReadOnlySpan<int> words)
    {
        Span<ulong> bits = stackalloc ulong[4];
        var before = new Dictionary<int, int>(words.Length);
        foreach (var word in words)
        {
            var times = before.GetValueOrDefault(word);
            before[word] = times + 1;
            var hash = (uint)word * 0x9E3779B1u + (uint)times * 0x85EBCA77u;
            hash ^= hash >> 15;
            hash *= 0xC2B2AE3Du;
            var bit = (int)(hash >> 24);
            bits[bit / 64] |= 1UL << (bit % 64);
        }
        return new WordBits(bits[0], bits[1], bits[2], bits[3]);
    }
}
