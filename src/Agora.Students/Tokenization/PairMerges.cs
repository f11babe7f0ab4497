namespace Agora.Students.Tokenization;

/// <summary>The merges of a byte-pair encoding, and their application to one piece of text.</summary>
/// <remarks>
/// Merging takes the pair of lowest rank, the leftmost of equals, until none is left. Short pieces are scanned; long ones use a heap over a
/// linked list, so that the time is n log n whatever the text is.
/// </remarks>
internal sealed class PairMerges(int capacity)
{
    private const int ScannedLength = 24;
    private const int None = -1;

    /// <summary>Pairs looked at by this thread so far: the measure of work in tests, which a clock is not.</summary>
    [ThreadStatic]
    internal static long Examined;

    private readonly Dictionary<Pair, (int Rank, int Merged)> merges = new(capacity);

    public void Add(int left, int right, int rank, int merged) => merges[new Pair(left, right)] = (rank, merged);

    /// <summary>Merges in place.</summary>
    /// <returns>The number of symbols left, at the start of the span.</returns>
    public int Apply(Span<int> symbols) => symbols.Length <= ScannedLength ? ApplyByScanning(symbols) : ApplyByHeap(symbols);

    /// <summary>The slow and obvious way, in time n²: for short pieces, and the oracle of the fast one in the tests.</summary>
    public int ApplyByScanning(Span<int> symbols)
    {
        var count = symbols.Length;
        while (true)
        {
            var (best, rank, merged) = (None, int.MaxValue, None);
            Examined += count;
            for (var i = 0; i + 1 < count; i++)
                if (merges.TryGetValue(new Pair(symbols[i], symbols[i + 1]), out var merge) && merge.Rank < rank)
                    (best, rank, merged) = (i, merge.Rank, merge.Merged);
            if (best == None)
                return count;
            symbols[best] = merged;
            symbols[(best + 2)..count].CopyTo(symbols[(best + 1)..]);
            count--;
        }
    }

    public int ApplyByHeap(Span<int> symbols)
    {
        var count = symbols.Length;
        var next = new int[count];
        var previous = new int[count];
        var heap = new MergeHeap(count);
        for (var i = 0; i < count; i++)
        {
            next[i] = i + 1 < count ? i + 1 : None;
            previous[i] = i - 1;
            if (i + 1 < count && merges.TryGetValue(new Pair(symbols[i], symbols[i + 1]), out var merge))
                heap.Push(merge.Rank, i);
        }
        while (heap.TryPop(out var rank, out var at))
        {
            Examined++;
            // The pair may be gone since: its left part merged away, or either part grown.
            if (symbols[at] == None || next[at] == None)
                continue;
            var right = next[at];
            if (!merges.TryGetValue(new Pair(symbols[at], symbols[right]), out var merge) || merge.Rank != rank)
                continue;
            symbols[at] = merge.Merged;
            symbols[right] = None;
            next[at] = next[right];
            if (next[at] != None)
            {
                previous[next[at]] = at;
                if (merges.TryGetValue(new Pair(symbols[at], symbols[next[at]]), out var after))
                    heap.Push(after.Rank, at);
            }
            if (previous[at] != None && merges.TryGetValue(new Pair(symbols[previous[at]], symbols[at]), out var before))
                heap.Push(before.Rank, previous[at]);
        }
        var kept = 0;
        for (var i = 0; i != None && i < count; i = next[i])
            symbols[kept++] = symbols[i];
        return kept;
    }

    /// <remarks>
    /// The hash is spread by hand: that of a long is one half XOR the other, so that all pairs of twins, of which vocabularies of 100,000 tokens have thousands, would stand in one chain.
    /// It differs from process to process, so that no file can be made to collide.
    /// </remarks>
    internal readonly record struct Pair(int Left, int Right)
    {
        public override int GetHashCode() => HashCode.Combine(Left, Right);
    }

    /// <summary>A binary heap of (rank, position), lowest rank first, then leftmost.</summary>
    private sealed class MergeHeap(int capacity)
    {
        private long[] items = new long[Math.Max(4, capacity)];
        private int count;

        public void Push(int rank, int position)
        {
            if (count == items.Length)
                Array.Resize(ref items, 2 * items.Length);
            var item = (long)rank << 32 | (uint)position;
            var hole = count++;
            for (; hole > 0 && items[(hole - 1) / 2] > item; hole = (hole - 1) / 2)
                items[hole] = items[(hole - 1) / 2];
            items[hole] = item;
        }

        public bool TryPop(out int rank, out int position)
        {
            if (count == 0)
            {
                (rank, position) = (0, 0);
                return false;
            }
            (rank, position) = ((int)(items[0] >> 32), (int)items[0]);
            var item = items[--count];
            var hole = 0;
            for (var child = 1; child < count; child = 2 * hole + 1)
            {
                if (child + 1 < count && items[child + 1] < items[child])
                    child++;
                if (items[child] >= item)
                    break;
                items[hole] = items[child];
                hole = child;
            }
            items[hole] = item;
            return true;
        }
    }
}
