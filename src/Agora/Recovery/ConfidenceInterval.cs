namespace Agora.Recovery;

/// <summary>Where the true value lies with the stated confidence, or why the resamples do not say.</summary>
public abstract record ConfidenceInterval
{
    private ConfidenceInterval() { }

    /// <summary>Both ends in the unit of the estimate.</summary>
    public sealed record Bounds(double Low, double High) : ConfidenceInterval
    {
        public bool Overlaps(Bounds other) => Low <= other.High && other.Low <= High;
    }

    /// <param name="Reason">E.g. the gap vanishes in too many resamples.</param>
    public sealed record Unbounded(string Reason) : ConfidenceInterval;

    /// <summary>Why a resample has no PGR.</summary>
    internal const string NoGap = "the reference does not beat the base model";

    /// <summary>Percentile interval of bootstrap resamples.</summary>
    /// <remarks>
    /// Percentile and not BCa: a resample of PGR may be undefined, where BCa's bias and acceleration have no meaning, and
    /// items are crossed with training seeds, for which its jackknife is not made; with hundreds of items the two differ by
    /// little. A resample without a value could lie anywhere, so it counts as below the lower end and as above the upper
    /// one: as soon as such resamples could hold either end, there is no interval.
    /// </remarks>
    /// <param name="defined">Values of the resamples that have one; sorted here, in place.</param>
    /// <param name="undefined">Number of resamples without a value.</param>
    /// <param name="level">In percent, above 0 and below 100.</param>
    /// <param name="whyUndefined">What is the matter with a resample without a value, for the reader.</param>
    public static ConfidenceInterval Percentile(Span<double> defined, int undefined, double level, string whyUndefined)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(undefined);
        if (level is not (> 0 and < 100))
            throw new ArgumentOutOfRangeException(nameof(level), level, "a confidence level lies above 0 and below 100 percent");
        var resamples = defined.Length + undefined;
        if (resamples == 0)
            return new Unbounded("no resamples were drawn");
        var tail = Tail(resamples, level);
        if (tail < undefined)
        {
            return new Unbounded(
                $"in {undefined} of {resamples} resamples {whyUndefined}, so that the ends of the interval are not known");
        }
        defined.Sort();
        return new Bounds(defined[tail - undefined], defined[resamples - 1 - tail]);
    }

    /// <summary>How many of so many sorted draws lie beyond each end of a percentile interval.</summary>
    /// <param name="level">In percent.</param>
    internal static int Tail(int draws, double level) => (int)((100 - level) / 200 * (draws - 1));
}
