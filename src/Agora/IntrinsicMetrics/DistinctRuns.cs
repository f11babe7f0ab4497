namespace Agora.IntrinsicMetrics;

/// <summary>Distinct-n: different runs of n words over all runs of n words of a set (Li et al., arXiv:1510.03055).</summary>
internal static class DistinctRuns
{
    /// <returns>From 0 to 1; null where no text has n words. It falls as sets grow: compare sets of one size.</returns>
    public static double? Share(IEnumerable<string[]> texts, int length)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var all = 0L;
        foreach (var run in texts.SelectMany(text => WordRuns.Of(text, length)))
        {
            seen.Add(run);
            all++;
        }
        return all == 0 ? null : (double)seen.Count / all;
    }
}
