namespace Agora.Recovery;

/// <summary>The number of successes among independent trials.</summary>
internal static class BinomialDistribution
{
    /// <summary>Probability of at most <paramref name="successes"/>.</summary>
    /// <remarks>Summed from the largest term down, each from its neighbour, so that nothing cancels and no table of factorials is needed.</remarks>
    public static double AtMost(int successes, int trials, double probability)
    {
        if (successes < 0)
            return 0;
        if (successes >= trials || probability <= 0)
            return 1;
        if (probability >= 1)
            return 0;
        var mode = Math.Min(successes, (int)((trials + 1) * probability));
        var odds = probability / (1 - probability);
        var (sum, term) = (1.0, 1.0);      // in units of the term at the mode
        for (var k = mode; k > 0 && term > 1e-18; k--)
            sum += term *= k / ((trials - k + 1) * odds);
        term = 1;
        for (var k = mode + 1; k <= successes && term > 1e-18; k++)
            sum += term *= (trials - k + 1) * odds / k;
        return Math.Min(1, sum * Math.Exp(LogTerm(mode, trials, probability)));
    }

    private static double LogTerm(int k, int n, double p) => LogChoose(n, k) + k * Math.Log(p) + (n - k) * double.LogP1(-p);

    private static double LogChoose(int n, int k)
    {
        var log = 0.0;
        for (var i = 1; i <= Math.Min(k, n - k); i++)
            log += Math.Log((double)(n - i + 1) / i);
        return log;
    }
}
