namespace Agora.IntrinsicMetrics;

/// <summary>How many kinds of equal share would be as diverse as some counts: e to their entropy (the Hill number of order 1; Jost 2006, "Entropy and diversity").</summary>
internal static class EffectiveNumber
{
    /// <remarks>Entropy from counts is too low by about (kinds − 1) / 2n, which is added (Miller 1955), so that a part of a set does not look less diverse than the whole.</remarks>
    /// <returns>Null where nothing was counted.</returns>
    public static double? Of(IReadOnlyCollection<int> counts)
    {
        var total = counts.Sum(count => (double)count);
        if (total == 0)
            return null;
        var kinds = counts.Count(count => count > 0);
        return Math.Exp(counts.Where(count => count > 0).Sum(count => -count / total * Math.Log(count / total)) + (kinds - 1) / (2 * total));
    }
}
