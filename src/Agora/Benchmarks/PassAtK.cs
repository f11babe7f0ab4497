using System.Numerics;

namespace Agora.Benchmarks;

/// <summary>The chance that at least one of k samples passes, estimated without bias from n samples of which c passed (arXiv:2107.03374, equation 1).</summary>
public static class PassAtK
{
    /// <summary>1 − C(n−c, k) / C(n, k), in exact rational arithmetic and rounded once.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not 0 ≤ c ≤ n and 1 ≤ k ≤ n: from fewer than k samples there is no unbiased estimate.</exception>
    public static double Of(int n, int c, int k)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(n);
        ArgumentOutOfRangeException.ThrowIfNegative(c);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(c, n);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(k);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(k, n);
        if (n - c < k)
            return 1;
        var (allFail, all) = (BigInteger.One, BigInteger.One);
        for (var i = 0; i < k; i++)
        {
            allFail *= n - c - i;
            all *= n - i;
        }
        return new ExactNumber(all - allFail, all).ToDouble();
    }

    /// <summary>The plain mean over problems; null where some problem has fewer than k samples.</summary>
    public static double? Mean(IReadOnlyCollection<(int Samples, int Passed)> problems, int k) =>
        problems.Count == 0 || problems.Any(p => p.Samples < k) ? null : problems.Average(p => Of(p.Samples, p.Passed, k));
}
