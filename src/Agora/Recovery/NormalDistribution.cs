namespace Agora.Recovery;

/// <summary>The standard normal distribution.</summary>
internal static class NormalDistribution
{
    /// <summary>The value that is exceeded with probability 1 − <paramref name="probability"/>.</summary>
    /// <remarks>Bisection on the tail, whose continued fraction and series are good to 1e-15; called a handful of times a table.</remarks>
    public static double Quantile(double probability)
    {
        if (probability is not (> 0 and < 1))
            throw new ArgumentOutOfRangeException(nameof(probability), probability, "a probability lies above 0 and below 1");
        var (low, high) = (-40.0, 40.0);
        for (var step = 0; step < 80; step++)
        {
            var middle = (low + high) / 2;
            if (Cumulative(middle) < probability)
                low = middle;
            else
                high = middle;
        }
        return (low + high) / 2;
    }

    /// <summary>Probability of a value below <paramref name="x"/>.</summary>
    public static double Cumulative(double x)
    {
        if (x < -5)
            return Tail(-x);
        if (x > 5)
            return 1 - Tail(x);
        // Φ(x) = 1/2 + φ(x) (x + x³/3 + x⁵/(3·5) + …)
        var (sum, term) = (x, x);
        for (var k = 3; Math.Abs(term) > 1e-17 * Math.Abs(sum); k += 2)
            sum += term *= x * x / k;
        return 0.5 + sum * Density(x);
    }

    private static double Density(double x) => Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI);

    // φ(x) / (x + 1/(x + 2/(x + 3/(x + …))))
    private static double Tail(double x)
    {
        var fraction = x;
        for (var k = 60; k > 0; k--)
            fraction = x + k / fraction;
        return Density(x) / fraction;
    }
}
