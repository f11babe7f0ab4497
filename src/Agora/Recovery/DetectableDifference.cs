namespace Agora.Recovery;

/// <summary>How far apart two students must be for a benchmark of a given size to tell them apart: worth knowing before a run is paid for.</summary>
/// <remarks>
/// Miller, arXiv:2411.00640, section 5: δ = (z_{1−α/2} + z_{power}) · √(variance of an item's difference / items). Two students with a score of p whose answers to the
/// same items correlate by ρ have the variance 2 p (1 − p) (1 − ρ).
/// </remarks>
public static class DetectableDifference
{
    /// <summary>Students of one base model, asked the same questions, often agree about as much as this.</summary>
    public const double UsualCorrelation = 0.5;

    /// <param name="items">Questions that both students answer; more samples of a question add less than more questions do.</param>
    /// <param name="correlation">Of the two students' grades over the items.</param>
    /// <param name="score">Around which both lie, from 0 to 1; the middle is the hardest.</param>
    /// <param name="level">Of the test, in percent: 95 accepts a false difference once in twenty.</param>
    /// <param name="power">Chance of noticing a true difference of that size.</param>
    /// <returns>From 0 to 1, in the unit of the score.</returns>
    public static double Of(int items, double correlation = UsualCorrelation, double score = 0.5, double level = 95, double power = 0.8)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(items);
        return OfVariance(items, 2 * score * (1 - score) * (1 - correlation), level, power);
    }

    /// <param name="variance">Of the items' differences between the two students.</param>
    public static double OfVariance(int items, double variance, double level = 95, double power = 0.8) =>
        Math.Min(1, (NormalDistribution.Quantile(0.5 + level / 200) + NormalDistribution.Quantile(power)) * Math.Sqrt(variance / items));
}
