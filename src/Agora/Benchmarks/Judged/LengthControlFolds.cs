namespace Agora.Benchmarks.Judged;

/// <summary>Deals rows to the folds of the cross-validation as the published figures dealt them.</summary>
/// <remarks>
/// The reference deals groups round robin in the order of an unstable sort of equal keys, so its folds are an accident of that sort: a quicksort with the median of three
/// that stops at 16 elements and, all keys being equal, swaps at every step. Playing that sequence of swaps gives the very same folds for any number of rows; any
/// other balanced assignment would be as good, but would choose another regularisation for some models.
/// </remarks>
internal static class LengthControlFolds
{
    public const int Count = 5;

    // Parts of at most this many elements are sorted by insertion, which leaves equal keys where they are.
    private const int SmallPart = 16;

    /// <returns>[row] the fold, from 0.</returns>
    public static int[] Assign(int rows)
    {
        var order = SwapEqualKeys(rows);
        var folds = new int[rows];
        for (var place = 0; place < rows; place++)
            folds[order[rows - 1 - place]] = place % Count;
        return folds;
    }

    private static int[] SwapEqualKeys(int count)
    {
        var order = new int[count];
        for (var i = 0; i < count; i++)
            order[i] = i;
        var parts = new Stack<(int First, int Last)>();
        parts.Push((0, count - 1));
        while (parts.TryPop(out var part))
        {
            var (first, last) = part;
            while (last - first >= SmallPart)
            {
                var (left, right) = (first, last - 1);
                Swap(first + (last - first) / 2, right);
                while (++left < --right)
                    Swap(left, right);
                Swap(left, last - 1);
                // The larger part waits; which of them goes first changes nothing.
                if (left - first < last - left)
                {
                    parts.Push((left + 1, last));
                    last = left - 1;
                }
                else
                {
                    parts.Push((first, left - 1));
                    first = left + 1;
                }
            }
        }
        return order;

        void Swap(int a, int b) => (order[a], order[b]) = (order[b], order[a]);
    }
}
