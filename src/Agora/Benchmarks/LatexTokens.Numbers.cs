using System.Globalization;
using System.Text;

namespace Agora.Benchmarks;

/// <summary>Numbers as answers write them: thousands separators, repeating decimals, powers of ten.</summary>
internal sealed partial class LatexTokens
{
    /// <summary>Powers of ten that a number with an exponent (<c>1.5e6</c>) may have.</summary>
    private const int LargestExponent = 400;

    private void ReadNumber()
    {
        var digits = new StringBuilder();
        var (point, start) = (false, at);
        while (at < text.Length)
        {
            if (char.IsAsciiDigit(text[at]))
                digits.Append(text[at++]);
            else if (text[at] == '.' && !point && at + 1 < text.Length && (char.IsAsciiDigit(text[at + 1]) || RepeatedDigits(at + 1, out _) is not null))
            {
                point = true;
                digits.Append(text[at++]);
            }
            else if (!point && at > start && ThousandsSeparator(start) is > 0 and var length)
                at += length;
            else
                break;
        }
        if (point && RepeatedDigits(at, out var end) is { } repeated)
        {
            digits.Append('(').Append(repeated).Append(')');
            at = end;
        }
        else if (point && Continued(digits.ToString()) is { } period)
        {
            digits.Length -= 2 * period;
            digits.Append('(').Append(text.AsSpan(at - period, period)).Append(')');
        }
        else if (Exponent(out var afterExponent) is { } exponent)
        {
            digits = Shifted(digits.ToString(), exponent);
            at = afterExponent;
        }
        Add(LatexTokenKind.Number, digits.ToString());
    }

    /// <summary>Length of what repeats in <c>0.333…</c> and <c>0.2727\ldots</c>; null where no dots follow, or nothing is seen to repeat.</summary>
    /// <remarks>Two periods are seen, and three where other digits precede them, so that 2.645751311… stays what it is.</remarks>
    private int? Continued(string digits)
    {
        var dots = text.AsSpan(at).TrimStart("\\, ");
        if (!(dots.StartsWith("...", StringComparison.Ordinal) || dots.StartsWith("ldots", StringComparison.Ordinal) || dots.StartsWith("dots", StringComparison.Ordinal) || dots.StartsWith("cdots", StringComparison.Ordinal)))
            return null;
        var fraction = digits[(digits.IndexOf('.') + 1)..];
        for (var period = 1; 2 * period <= fraction.Length; period++)
        {
            var repeated = fraction[^period..];
            var times = 1;
            while (period * (times + 1) <= fraction.Length && fraction.AsSpan(fraction.Length - period * (times + 1), period).SequenceEqual(repeated))
                times++;
            if (times >= 3 || (times == 2 && fraction.Length == 2 * period))
                return period;
        }
        return null;
    }

    /// <summary>The digits of <c>\overline{6}</c>, <c>\bar 6</c>, and right behind the point <c>(6)</c>, that stand at a place.</summary>
    private string? RepeatedDigits(int place, out int end)
    {
        end = place;
        if (place > 0 && place + 2 < text.Length && text[place] == '(' && text[place - 1] == '.')
        {
            var close = place + 1;
            while (close < text.Length && char.IsAsciiDigit(text[close]))
                close++;
            end = close + 1;
            return close > place + 1 && close < text.Length && text[close] == ')' ? text[(place + 1)..close] : null;
        }
        foreach (var command in (ReadOnlySpan<string>)[@"\overline", @"\bar", @"\dot"])
        {
            if (string.CompareOrdinal(text, place, command, 0, command.Length) != 0)
                continue;
            var start = place + command.Length;
            while (start < text.Length && text[start] is '{' or ' ')
                start++;
            var stop = start;
            while (stop < text.Length && char.IsAsciiDigit(text[stop]))
                stop++;
            end = stop < text.Length && text[stop] == '}' ? stop + 1 : stop;
            return stop > start ? text[start..stop] : null;
        }
        return null;
    }

    /// <summary>The 6 of <c>1.5e6</c>; <c>2e</c> is twice e, and <c>2e5_{16}</c> a numeral.</summary>
    private int? Exponent(out int end)
    {
        end = at;
        if (at + 1 >= text.Length || text[at] is not ('e' or 'E'))
            return null;
        var start = text[at + 1] is '+' or '-' ? at + 2 : at + 1;
        end = start;
        while (end < text.Length && char.IsAsciiDigit(text[end]) && end - start < 4)
            end++;
        var isNumber = end > start && (end == text.Length || !(char.IsLetterOrDigit(text[end]) || text[end] is '_' or '^' or '.'));
        return isNumber && int.Parse(text.AsSpan(start, end - start), CultureInfo.InvariantCulture) is <= LargestExponent and var size ? (text[at + 1] == '-' ? -size : size) : null;
    }

    private static StringBuilder Shifted(string digits, int places)
    {
        var point = digits.IndexOf('.') is >= 0 and var found ? found : digits.Length;
        var bare = digits.Replace(".", "", StringComparison.Ordinal);
        point += places;
        if (point <= 0)
            return new StringBuilder("0.").Append('0', -point).Append(bare);
        return point >= bare.Length ? new StringBuilder(bare).Append('0', point - bare.Length) : new StringBuilder(bare).Insert(point, '.');
    }

    /// <summary>
    /// Length of <c>,</c>, <c>{,}</c>, <c>,\!</c>, <c>\,</c> or a space where exactly three digits follow: 1,234 is one number, (1,23) and (1, 234) are pairs. In brackets, a bare comma
    /// separates, (1,234) is a pair; but nobody writes 000 for a coordinate.
    /// </summary>
    private int ThousandsSeparator(int start)
    {
        foreach (var separator in (ReadOnlySpan<string>)[@"{,}\!", "{,}", @",\!\!", @",\! ", @",\!", @",\,", @"\,", @"\ ", "~", ",", " "])
        {
            if (string.CompareOrdinal(text, at, separator, 0, separator.Length) != 0)
                continue;
            var group = at + separator.Length;
            var follows = group + 3 <= text.Length && text.AsSpan(group, 3).IndexOfAnyExceptInRange('0', '9') < 0 && (group + 3 == text.Length || !char.IsAsciiDigit(text[group + 3]));
            var separates = separator == "," && InBrackets() && text[group..].StartsWith('0') is false;
            // 2 345/678 is a mixed number; 1 234 begins with three digits at most and no zero.
            var spaced = separator is " " or "~" or @"\ ";
            var isScript = tokens.Count > 0 && (tokens[^1].IsSymbol('_') || tokens[^1].IsSymbol('^'));     // \log_2 128
            var loose = spaced && (isScript || (at - start > 3 && text[at - 4] is not (' ' or '~')) || text[start] == '0' || (group + 3 < text.Length && text[group + 3] == '/'));
            return follows && !separates && !loose ? separator.Length : 0;
        }
        return 0;
    }

    private bool InBrackets()
    {
        var open = 0;
        foreach (var token in tokens)
        {
            if (token.IsSymbol('(') || token.IsSymbol('[') || token.IsCommand("{"))
                open++;
            else if (token.IsSymbol(')') || token.IsSymbol(']') || token.IsCommand("}"))
                open--;
        }
        return open > 0;
    }
}
