namespace Agora.Benchmarks.Judged;

/// <summary>Bradley-Terry ratings on the Elo scale: 400 points are odds of ten to one.</summary>
internal static class EloScale
{
    /// <summary>Where the baseline stands.</summary>
    public const double Baseline = 1000;

    /// <param name="share">Chance to beat the baseline, 0 to 1.</param>
    /// <returns>Infinite at 0 and 1.</returns>
    public static double Rating(double share) => Baseline + 400 * Math.Log10(share / (1 - share));

    /// <returns>Chance to beat the baseline, 0 to 1.</returns>
    public static double Share(double rating) => 1 / (1 + Math.Pow(10, (Baseline - rating) / 400));
}
