using System.Globalization;
using System.Text;

namespace Agora.Students.ChatTemplates;

/// <summary>Python's old formatting, "%s has %d" % (a, b), for the conversions s, r, d, i, f, x and %.</summary>
internal static class PrintfFormat
{
    private const int WidestField = 10_000;

    public static string Apply(string format, IReadOnlyList<object?> values, int line)
    {
        var result = new StringBuilder();
        var used = 0;
        for (var at = 0; at < format.Length; at++)
        {
            if (format[at] != '%')
            {
                result.Append(format[at]);
                continue;
            }
            var flags = at + 1;
            while (flags < format.Length && format[flags] is '-' or '0' or '+' or ' ')
                flags++;
            var width = ReadNumber(format, flags, out var next, line);
            int? precision = next < format.Length && format[next] == '.' ? ReadNumber(format, next + 1, out next, line) : null;
            if (next >= format.Length)
                throw new TemplateFault("a format ends in the middle of a conversion", line);
            if (format[next] == '%')
                result.Append('%');
            else
            {
                var value = used < values.Count ? values[used++] : throw new TemplateFault("a format has more conversions than there are values", line);
                result.Append(Pad(Convert(format[next], value, precision, line), width, format.AsSpan(at + 1, flags - at - 1)));
            }
            at = next;
        }
        return used == values.Count ? result.ToString() : throw new TemplateFault("a format has fewer conversions than there are values", line);
    }

    private static int ReadNumber(string format, int from, out int next, int line)
    {
        next = from;
        var number = 0;
        while (next < format.Length && char.IsAsciiDigit(format[next]) && number <= WidestField)
            number = 10 * number + (format[next++] - '0');
        return number <= WidestField ? number : throw new TemplateFault($"a format asks for a field wider than {WidestField}", line);
    }

    private static string Convert(char conversion, object? value, int? precision, int line) => (conversion, value) switch
    {
        ('s', _) => Cut(PythonText.Of(value, line), precision),
        ('r', _) => Cut(PythonText.Repr(value, line), precision),
        ('d' or 'i', double number) => Math.Truncate(number).ToString("F0", CultureInfo.InvariantCulture),
        ('d' or 'i', long or bool) => TemplateOperators.Integer(value).ToString(CultureInfo.InvariantCulture),
        ('f', long or bool or double) => TemplateOperators.Float(value).ToString("F" + (precision ?? 6).ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture),
        ('x', long or bool) => TemplateOperators.Integer(value).ToString("x", CultureInfo.InvariantCulture),
        _ => throw new TemplateFault($"the conversion %{conversion} of {TemplateValues.Kind(value)} is not supported", line),
    };

    private static string Cut(string text, int? length) => length is { } most && text.Length > most ? string.Concat(PythonText.Points(text).Take(most)) : text;

    private static string Pad(string text, int width, ReadOnlySpan<char> flags)
    {
        if (flags.Contains('+') && text.Length > 0 && char.IsAsciiDigit(text[0]))
            text = "+" + text;
        if (flags.Contains('-'))
            return text.PadRight(width);
        return flags.Contains('0') && text.Length > 0 && text[0] is '-' or '+' ? text[0] + text[1..].PadLeft(width - 1, '0') : text.PadLeft(width, flags.Contains('0') ? '0' : ' ');
    }
}
