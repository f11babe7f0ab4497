using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Numerics;

namespace Agora.Benchmarks;

/// <summary>A rational number without rounding, in lowest terms: 0.1 is one tenth, and 10,001 is never 10,000.</summary>
internal readonly record struct ExactNumber : IComparable<ExactNumber>
{
    /// <summary>Longer digit strings are not numbers that anybody answers with, and would make arithmetic slow.</summary>
    public const int MaximumDigits = 1000;

    private static readonly SearchValues<char> DigitsAndPoint = SearchValues.Create("0123456789.");
    private readonly BigInteger denominatorMinusOne;   // so that the default value is 0/1, a number

    public ExactNumber(BigInteger numerator, BigInteger denominator)
    {
        if (denominator.IsZero)
            throw new DivideByZeroException();
        var divisor = BigInteger.GreatestCommonDivisor(numerator, denominator) * denominator.Sign;
        Numerator = numerator / divisor;
        denominatorMinusOne = denominator / divisor - 1;
    }

    public BigInteger Numerator { get; }
    public BigInteger Denominator => denominatorMinusOne + 1;
    public bool IsInteger => denominatorMinusOne.IsZero;

    /// <summary>The nearest double, also where numerator and denominator alone are out of its range.</summary>
    public double ToDouble()
    {
        var excess = (int)Math.Max(0, Math.Max(Numerator.GetBitLength(), Denominator.GetBitLength()) - 1000);
        return (double)(Numerator >> excess) / (double)BigInteger.Max(Denominator >> excess, 1);
    }

    public static ExactNumber operator +(ExactNumber a, ExactNumber b) =>
        new(a.Numerator * b.Denominator + b.Numerator * a.Denominator, a.Denominator * b.Denominator);

    public static ExactNumber operator -(ExactNumber a) => new(-a.Numerator, a.Denominator);

    public static ExactNumber operator *(ExactNumber a, ExactNumber b) => new(a.Numerator * b.Numerator, a.Denominator * b.Denominator);

    /// <exception cref="DivideByZeroException"><paramref name="b"/> is zero.</exception>
    public static ExactNumber operator /(ExactNumber a, ExactNumber b) => new(a.Numerator * b.Denominator, a.Denominator * b.Numerator);

    public int CompareTo(ExactNumber other) => (Numerator * other.Denominator).CompareTo(other.Numerator * Denominator);

    /// <summary>Digits with at most one decimal point and nothing else: <c>12</c>, <c>0.50</c>, <c>.5</c>, <c>3.</c></summary>
    public static bool TryParseDecimal(ReadOnlySpan<char> text, out ExactNumber number)
    {
        number = default;
        if (text.Length is 0 or > MaximumDigits || text.ContainsAnyExcept(DigitsAndPoint) || !text.ContainsAnyInRange('0', '9'))
            return false;
        var point = text.IndexOf('.');
        if (point < 0)
        {
            number = new ExactNumber(BigInteger.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture), 1);
            return true;
        }
        var fraction = text[(point + 1)..];
        if (fraction.Contains('.'))
            return false;
        var digits = BigInteger.Parse(string.Concat("0", text[..point], fraction), NumberStyles.None, CultureInfo.InvariantCulture);
        number = new ExactNumber(digits, BigInteger.Pow(10, fraction.Length));
        return true;
    }

    public override string ToString() =>
        IsInteger ? Numerator.ToString(CultureInfo.InvariantCulture) : string.Create(CultureInfo.InvariantCulture, $"{Numerator}/{Denominator}");
}

/// <summary>Finds numbers as people and models write them in running English: <c>-1,234.50</c>, <c>$5</c>, <c>3/4</c>, <c>2 1/2</c>.</summary>
internal static class WrittenNumber
{
    /// <summary>The first number of a text.</summary>
    public static bool TryFindFirst(string text, out ExactNumber number, [NotNullWhen(true)] out string? written)
    {
        for (var i = 0; i < text.Length; i++)
            if (StartsAt(text, i) && TryRead(text, i, out var end, out number))
                return Found(text, i, end, out written);
        return NotFound(out number, out written);
    }

    /// <summary>The last number of a text.</summary>
    public static bool TryFindLast(string text, out ExactNumber number, [NotNullWhen(true)] out string? written)
    {
        // Every number ends in a digit or a point, so only starts of digit runs are candidates, from the end.
        for (var i = text.Length - 1; i >= 0; i--)
        {
            if (!StartsAt(text, i))
                continue;
            // A fraction, a mixed number or a sign begins further left: read from the leftmost start that reaches here.
            var start = LeftmostStart(text, i);
            if (TryRead(text, start, out var end, out number) && end > i)
                return Found(text, start, end, out written);
            if (TryRead(text, i, out end, out number))
                return Found(text, i, end, out written);
        }
        return NotFound(out number, out written);
    }

    private static bool Found(string text, int start, int end, out string? written)
    {
        written = text[SignStart(text, start)..end];
        return true;
    }

    private static bool NotFound(out ExactNumber number, out string? written)
    {
        number = default;
        written = null;
        return false;
    }

    /// <summary>A digit, or a point before one, that does not continue an earlier number or a word (the 2 of <c>x2</c>).</summary>
    private static bool StartsAt(string text, int i)
    {
        var begins = char.IsAsciiDigit(text[i]) || (text[i] == '.' && i + 1 < text.Length && char.IsAsciiDigit(text[i + 1]));
        if (!begins)
            return false;
        if (i == 0)
            return true;
        var before = text[i - 1];
        if (char.IsLetterOrDigit(before) || before == '_')
            return false;
        return before switch
        {
            '.' => i < 2 || !char.IsAsciiDigit(text[i - 2]) && text[i] != '.',
            ',' => i < 2 || !char.IsAsciiDigit(text[i - 2]) || !IsThousandsGroup(text, i),
            _ => true,
        };
    }

    private static bool IsThousandsGroup(string text, int i) =>
        i + 3 <= text.Length && text.AsSpan(i, 3).IndexOfAnyExceptInRange('0', '9') < 0 && (i + 3 == text.Length || !char.IsAsciiDigit(text[i + 3]));

    private static int LeftmostStart(string text, int i)
    {
        var start = i;
        for (var part = 0; part < 2; part++)
        {
            var j = start - 1;
            while (j >= 0 && text[j] is ' ' or '/')
                j--;
            if (j < 0 || j == start - 1 || start - j > 4 || !char.IsAsciiDigit(text[j]))
                break;
            while (j > 0 && (char.IsAsciiDigit(text[j - 1]) || text[j - 1] is ',' or '.'))
                j--;
            if (!StartsAt(text, j))
                break;
            start = j;
        }
        return start;
    }

    /// <summary>Reads the longest number that starts at a digit or point: a mixed number, a fraction, a decimal.</summary>
    private static bool TryRead(string text, int start, out int end, out ExactNumber number)
    {
        if (!TryReadDecimal(text, start, out end, out number))
            return false;
        if (TryReadFraction(text, end, number, out var fractionEnd, out var fraction))
        {
            (end, number) = (fractionEnd, fraction);
        }
        else if (number.IsInteger && end < text.Length && text[end] == ' ' && TryReadDecimal(text, end + 1, out var partEnd, out var part)
            && part.IsInteger && TryReadFraction(text, partEnd, part, out fractionEnd, out fraction) && fraction.CompareTo(new ExactNumber(1, 1)) < 0)
        {
            (end, number) = (fractionEnd, number + fraction);
        }
        if (SignStart(text, start) < start && text.AsSpan(SignStart(text, start), start - SignStart(text, start)).ContainsAny('-', '\u2212'))
            number = -number;
        return true;
    }

    private static bool TryReadFraction(string text, int slash, ExactNumber numerator, out int end, out ExactNumber number)
    {
        (end, number) = (slash, numerator);
        while (slash < text.Length && text[slash] == ' ')
            slash++;
        if (slash >= text.Length || text[slash] != '/')
            return false;
        slash++;
        while (slash < text.Length && text[slash] == ' ')
            slash++;
        if (!TryReadDecimal(text, slash, out var denominatorEnd, out var denominator) || denominator.Numerator.IsZero)
            return false;
        if (denominatorEnd < text.Length && text[denominatorEnd] == '/')   // 1/2/2024 is a date
            return false;
        (end, number) = (denominatorEnd, numerator / denominator);
        return true;
    }

    private static bool TryReadDecimal(string text, int start, out int end, out ExactNumber number)
    {
        end = start;
        var digits = new List<char>();
        var pointSeen = false;
        while (end < text.Length && digits.Count <= ExactNumber.MaximumDigits)
        {
            var c = text[end];
            if (char.IsAsciiDigit(c))
                digits.Add(c);
            else if (c == '.' && !pointSeen && end + 1 < text.Length && char.IsAsciiDigit(text[end + 1]))
            {
                digits.Add(c);
                pointSeen = true;
            }
            else if (!(c == ',' && !pointSeen && digits.Count > 0 && end + 1 < text.Length && IsThousandsGroup(text, end + 1)))
                break;
            end++;
        }
        return ExactNumber.TryParseDecimal(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(digits), out number);
    }

    /// <summary>Where a sign and a currency mark before the digits begin; a hyphen after a word, digit or bracket is no sign.</summary>
    private static int SignStart(string text, int start)
    {
        var i = start;
        if (i > 0 && text[i - 1] is '$' or '€' or '£')
            i--;
        if (i > 1 && text[i - 1] == '\\' && text[i] == '$')
            i--;
        var sign = i;
        if (sign > 0 && text[sign - 1] is '-' or '\u2212' or '+')
        {
            var before = sign - 2;
            if (before < 0 || !(char.IsLetterOrDigit(text[before]) || text[before] is ')' or ']' or '}' or '%'))
                return sign - 1;
        }
        return i;
    }
}
