using MathNet.Numerics.Distributions;
using MathNet.Numerics.Integration;
using MathNet.Numerics.RootFinding;

namespace Agora.Analysis;

/// <summary>Student's t of a mean that is not 0: what an effect size has its interval from.</summary>
internal static class NoncentralT
{
    /// <summary>Probability of at most <paramref name="t"/>.</summary>
    /// <remarks>T = (Z + δ) / S, where νS² is χ² with ν degrees of freedom, so that P(T ≤ t) is the mean of Φ(t·S − δ) over the density of S, which is integrated adaptively by Gauss and Kronrod.</remarks>
    public static double AtMost(double t, int degrees, double noncentrality)
    {
        // Beyond twelve deviations of S, whose deviation is below 1/√(2ν), nothing is left; for few degrees of freedom its tail is longer.
        var high = 1 + 12 / Math.Sqrt(2.0 * degrees);
        var low = Math.Max(0, 1 - 12 / Math.Sqrt(2.0 * degrees));
        var logScale = Math.Log(2) + degrees / 2.0 * Math.Log(degrees / 2.0) - MathNet.Numerics.SpecialFunctions.GammaLn(degrees / 2.0);
        double Density(double s) => Math.Exp(logScale + (degrees == 1 ? 0 : (degrees - 1) * Math.Log(s)) - degrees * s * s / 2);
        return Math.Clamp(GaussKronrodRule.Integrate(s => Density(s) * Normal.CDF(0, 1, t * s - noncentrality), low, high, out _, out _, 1e-11, 20), 0, 1);
    }

    /// <summary>The noncentralities at which <paramref name="t"/> is as far in the upper, and in the lower tail as the level says.</summary>
    /// <param name="level">In percent.</param>
    public static (double Low, double High) Noncentralities(double t, int degrees, double level)
    {
        var tail = (1 - level / 100) / 2;
        return (Solve(1 - tail), Solve(tail));

        double Solve(double probability)
        {
            // P falls as δ rises; the distance at which it is sure to have passed the tail grows with t.
            var reach = 40 + 3 * Math.Abs(t);
            return Brent.FindRoot(noncentrality => AtMost(t, degrees, noncentrality) - probability, t - reach, t + reach, 1e-10, 200);
        }
    }
}
