namespace Agora.Students.Inference.Kernels;

/// <summary>Logarithm, sine and cosine in float64 from additions, multiplications and divisions alone.</summary>
/// <remarks>
/// The C library's differ in the last bit between versions; a token sampled near a boundary would then differ between machines. Accurate to about
/// 1e-15 relative in the ranges used here, which are moderate.
/// </remarks>
internal static class ElementaryFunctions
{
    private const double Ln2High = 6.93147180369123816490e-01;      // 33 bits, so that products with small integers are exact
    private const double Ln2Low = 1.90821492927058770002e-10;

    /// <summary>Natural logarithm of a positive, normal number.</summary>
    public static double Log(double x)
    {
        var bits = BitConverter.DoubleToInt64Bits(x);
        var exponent = (int)(bits >> 52) - 1023;
        var mantissa = BitConverter.Int64BitsToDouble((bits & 0xFFFFFFFFFFFFF) | 0x3FF0000000000000);
        if (mantissa > 1.4142135623730951)
        {
            mantissa /= 2;
            exponent++;
        }
        // ln m = 2 artanh((m − 1) / (m + 1)); the argument is at most 0.172, so that 12 terms reach float64's precision.
        var t = (mantissa - 1) / (mantissa + 1);
        var square = t * t;
        var sum = 0.0;
        for (var n = 23; n >= 1; n -= 2)
            sum = sum * square + 1.0 / n;
        return exponent * Ln2High + (exponent * Ln2Low + 2 * t * sum);
    }

    /// <summary>Sine and cosine of an angle in radians below about 10⁶.</summary>
    public static (double Sin, double Cos) SinCos(double angle)
    {
        // π/2 in two parts of which the first has 33 bits.
        var quarter = Math.Round(angle * 0.63661977236758134308);
        var r = angle - quarter * 1.57079632673412561417e+00 - quarter * 6.07710050650619224932e-11;
        var square = r * r;
        double sin = 1, cos = 1;
        for (var i = 9; i >= 1; i--)
        {
            sin = 1 - square / ((2 * i) * (2 * i + 1)) * sin;
            cos = 1 - square / ((2 * i - 1) * (2 * i)) * cos;
        }
        sin *= r;
        return ((long)quarter & 3) switch
        {
            0 => (sin, cos),
            1 => (cos, -sin),
            2 => (-sin, -cos),
            _ => (-cos, sin),
        };
    }
}
