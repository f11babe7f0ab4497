namespace Agora.Analysis;

/// <summary>Wilcoxon's signed-rank test, exact under exchange of signs.</summary>
internal static class WilcoxonSignedRank
{
    /// <summary>Two-sided p-value; zeros are left out (Wilcoxon's way), and equal magnitudes share their mean rank, which the distribution takes into account.</summary>
    /// <returns>1 where nothing is left.</returns>
    public static double PValue(IEnumerable<double> differences)
    {
        double[] sizes = [.. differences.Where(difference => difference != 0)];
        if (sizes.Length == 0)
            return 1;
        // Twice the rank is whole, also where ties share one. Table figures differ in their last bits where they are equal on paper.
        var order = sizes.Select((value, place) => (Size: Math.Round(Math.Abs(value), 9), place)).OrderBy(entry => entry.Size).ToArray();
        var twice = new int[sizes.Length];
        for (var start = 0; start < order.Length;)
        {
            var end = start;
            while (end < order.Length && order[end].Size == order[start].Size)
                end++;
            for (var tied = start; tied < end; tied++)
                twice[order[tied].place] = start + 1 + end;
            start = end;
        }
        var total = twice.Sum();
        var positive = sizes.Select((value, place) => value > 0 ? twice[place] : 0).Sum();
        var ways = new double[total + 1];        // of choosing signs, by the sum of positive ranks
        ways[0] = 1;
        foreach (var rank in twice)
            for (var sum = total; sum >= rank; sum--)
                ways[sum] += ways[sum - rank];
        var smaller = Math.Min(positive, total - positive);
        return Math.Min(1, 2 * ways.Take(smaller + 1).Sum() / Math.Pow(2, sizes.Length));
    }
}
