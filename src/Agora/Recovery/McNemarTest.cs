namespace Agora.Recovery;

/// <summary>Whether two students differ on the same questions, by the questions on which one is right and the other wrong (McNemar 1947).</summary>
public static class McNemarTest
{
    /// <summary>The exact two-sided p-value: of so many disagreements, each is as likely to favour either student if they do not differ.</summary>
    /// <param name="onlyFirst">Questions that the first student alone gets right.</param>
    public static double PValue(int onlyFirst, int onlySecond)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(onlyFirst);
        ArgumentOutOfRangeException.ThrowIfNegative(onlySecond);
        return Math.Min(1, 2 * BinomialDistribution.AtMost(Math.Min(onlyFirst, onlySecond), onlyFirst + onlySecond, 0.5));
    }
}
