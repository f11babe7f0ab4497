namespace Agora.Recovery;

/// <summary>Intervals for a share of successes that hold near 0 and 1, where the estimate plus and minus its standard error does not.</summary>
internal static class ProportionInterval
{
    /// <summary>Exact (Clopper and Pearson 1934): covers the true share at least as often as it says.</summary>
    /// <param name="level">In percent.</param>
    public static ConfidenceInterval.Bounds Exact(int successes, int trials, double level)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(trials);
        ArgumentOutOfRangeException.ThrowIfNegative(successes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(successes, trials);
        var tail = (1 - level / 100) / 2;
        // The share under which so many successes, or more, would be as rare as the tail; and under which so many or fewer would be.
        var low = successes == 0 ? 0 : Share(p => 1 - BinomialDistribution.AtMost(successes - 1, trials, p) < tail);
        var high = successes == trials ? 1 : Share(p => BinomialDistribution.AtMost(successes, trials, p) > tail);
        return new ConfidenceInterval.Bounds(low, high);
    }

    /// <summary>Wilson's score interval (1927), for shares whose trials are not all independent or not all 0 or 1.</summary>
    /// <param name="trials">The number of independent trials that would have the same standard error.</param>
    public static ConfidenceInterval.Bounds Wilson(double share, double trials, double level)
    {
        var z = NormalDistribution.Quantile(0.5 + level / 200);
        var weight = z * z / trials;
        var centre = (share + weight / 2) / (1 + weight);
        var width = z * Math.Sqrt(share * (1 - share) / trials + weight / (4 * trials)) / (1 + weight);
        return new ConfidenceInterval.Bounds(Math.Max(0, centre - width), Math.Min(1, centre + width));
    }

    private static double Share(Func<double, bool> isBelow)
    {
        var (low, high) = (0.0, 1.0);
        for (var step = 0; step < 60; step++)
        {
            var middle = (low + high) / 2;
            if (isBelow(middle))
                low = middle;
            else
                high = middle;
        }
        return (low + high) / 2;
    }
}
