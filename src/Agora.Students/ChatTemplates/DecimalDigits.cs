using System.Globalization;
using System.Numerics;

namespace Agora.Students.ChatTemplates;

/// <summary>Decimal digits of floats as Python writes them: rounded from the exact binary value, halves to even. (.NET rounds halves away from zero.)</summary>
internal static class DecimalDigits
{
    public const int MostDigits = 1000;

    /// <summary>Rounded to so many decimals.</summary>
    /// <param name="value">Finite.</param>
    /// <param name="decimals">Below 0 for tens, hundreds and so on.</param>
    public static double Round(double value, int decimals)
    {
        var scaled = Scaled(Math.Abs(value), decimals);
        return Math.CopySign(double.Parse($"{scaled.ToString(CultureInfo.InvariantCulture)}E{-decimals}", CultureInfo.InvariantCulture), value);
    }

    /// <summary>Without a sign, as the conversions e, f and g of C write it.</summary>
    /// <param name="kind">One of e, f, g; capitals for the exponent's letter. r is what format() does without a kind: as g, but a whole number gets ".0".</param>
    /// <param name="alternate">Keeps g's trailing zeros.</param>
    public static string Write(double value, char kind, int precision, bool alternate = false)
    {
        var magnitude = Math.Abs(value);
        if (double.IsNaN(value) || double.IsInfinity(value))
            return (double.IsNaN(value) ? "nan" : "inf") is var name && char.IsUpper(kind) ? name.ToUpperInvariant() : name;
        switch (char.ToLowerInvariant(kind))
        {
            case 'f':
                return Point(Scaled(magnitude, precision), precision);
            case 'e':
                var (digits, exponent) = Significant(magnitude, precision + 1);
                return Exponential(digits, exponent, kind);
            default:
                var whole = kind == 'r' ? 1 : 0;
                var wanted = Math.Max(1, precision);
                (digits, exponent) = Significant(magnitude, wanted);
                if (exponent < -4 || exponent >= wanted - whole)
                    return Exponential(alternate ? digits : digits.TrimEnd('0') is { Length: > 0 } rest ? rest : "0", exponent, char.IsUpper(kind) ? 'E' : 'e');
                var written = Point(Scaled(magnitude, Math.Max(0, wanted - 1 - exponent)), Math.Max(0, wanted - 1 - exponent));
                if (!alternate && written.Contains('.', StringComparison.Ordinal))
                    written = written.TrimEnd('0').TrimEnd('.');
                return kind == 'r' && !written.Contains('.', StringComparison.Ordinal) ? written + ".0" : written;
        }
    }

    private static string Exponential(string digits, int exponent, char letter) =>
        $"{digits[0]}{(digits.Length > 1 ? "." + digits[1..] : "")}{letter}{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent).ToString("00", CultureInfo.InvariantCulture)}";

    private static string Point(BigInteger scaled, int decimals)
    {
        var digits = scaled.ToString(CultureInfo.InvariantCulture).PadLeft(decimals + 1, '0');
        return decimals == 0 ? digits : $"{digits[..^decimals]}.{digits[^decimals..]}";
    }

    /// <returns>So many digits, and the power of ten of the first.</returns>
    private static (string Digits, int Exponent) Significant(double value, int count)
    {
        if (value == 0)
            return (new string('0', count), 0);
        var exponent = (int)Math.Floor(Math.Log10(value));
        while (true)
        {
            var digits = Scaled(value, count - 1 - exponent).ToString(CultureInfo.InvariantCulture);
            if (digits.Length == count)
                return (digits, exponent);
            exponent += digits.Length > count ? 1 : -1;     // the logarithm was off, or rounding carried into a new digit
        }
    }

    /// <summary>value · 10^decimals, rounded.</summary>
    private static BigInteger Scaled(double value, int decimals)
    {
        var bits = BitConverter.DoubleToInt64Bits(value);
        var power = (int)(bits >> 52 & 0x7FF);
        BigInteger numerator = power == 0 ? bits & 0xFFFFFFFFFFFFF : bits & 0xFFFFFFFFFFFFF | 0x10000000000000;
        var shift = Math.Max(power, 1) - 1075;
        var denominator = BigInteger.One;
        if (shift > 0)
            numerator <<= shift;
        else
            denominator <<= -shift;
        if (decimals > 0)
            numerator *= BigInteger.Pow(10, decimals);
        else
            denominator *= BigInteger.Pow(10, -decimals);
        var quotient = BigInteger.DivRem(numerator, denominator, out var rest);
        var half = (2 * rest).CompareTo(denominator);
        return half > 0 || (half == 0 && !quotient.IsEven) ? quotient + 1 : quotient;
    }
}
