using System.Globalization;
using System.Numerics;
using System.Text;

namespace Agora.Students.ChatTemplates;

/// <summary>Python's old formatting, "%s has %d" % (a, b) and "%(name)s" % {…}.</summary>
internal static class PrintfFormat
{
    public static string Apply(string format, object? values, int line)
    {
        var reader = new Reader(format, values, line);
        var result = new StringBuilder();
        for (var at = format.IndexOf('%', StringComparison.Ordinal); at >= 0; at = format.IndexOf('%', reader.At))
        {
            result.Append(format, reader.At, at - reader.At);
            reader.At = at + 1;
            result.Append(reader.Conversion());
        }
        result.Append(format, reader.At, format.Length - reader.At);
        return reader.IsUsedUp ? result.ToString() : throw new TemplateFault("a format has fewer conversions than there are values", line);
    }

    private sealed class Reader(string format, object? values, int line)
    {
        private readonly TemplateList positional = values as TemplateList is { IsTuple: true } tuple ? tuple : TemplateList.Tuple([values]);
        private int used;

        public int At { get; set; }

        // Python asks only whether the value has items that can be asked for, and what is undefined says yes.
        public bool IsUsedUp => used == positional.Count || values is TemplateDict or TemplateList { IsTuple: false, IsView: false } or Undefined;

        private char Current => At < format.Length ? format[At] : throw new TemplateFault("a format ends in the middle of a conversion", line);

        public string Conversion()
        {
            var (value, isNamed) = (default(object), Current == '(');
            if (isNamed)
                value = Named();
            var flags = At;
            while (Current is '-' or '0' or '+' or ' ' or '#')
                At++;
            var written = format[flags..At];
            var width = Number(FormatSpecification.WidestField, out var isGiven);
            var left = written.Contains('-', StringComparison.Ordinal) || (isGiven && width < 0);
            int? precision = null;
            if (Current == '.')
            {
                At++;
                precision = Math.Max(0, Number(DecimalDigits.MostDigits, out _));
            }
            if (Current is 'l' or 'h' or 'L')
                At++;
            var conversion = Current;
            At++;
            if (conversion == '%')
                return "%";
            if (!isNamed)
                value = Next();
            var isNumber = conversion is not ('s' or 'r' or 'a' or 'c');
            var text = isNumber ? Digits(conversion, value, precision, written.Contains('#', StringComparison.Ordinal)) : Text(conversion, value, precision);
            var sign = "";
            if (isNumber)
                sign = TemplateOperators.Float(value!) is var number && (number < 0 || number == 0 && double.IsNegative(number)) ? "-"
                    : written.Contains('+', StringComparison.Ordinal) ? "+" : written.Contains(' ', StringComparison.Ordinal) ? " " : "";
            if (conversion is 'x' or 'X' or 'o' && written.Contains('#', StringComparison.Ordinal))
                sign += "0" + conversion;
            var zeros = isNumber && !left && written.Contains('0', StringComparison.Ordinal);
            return FormatSpecification.Pad(text, sign, left ? '<' : zeros ? '=' : '>', zeros ? "0" : " ", Math.Abs(width));
        }

        private object? Named()
        {
            var end = format.IndexOf(')', At);
            if (end < 0)
                throw new TemplateFault("a format has a ( that is not closed", line);
            var name = format[(At + 1)..end];
            At = end + 1;
            var dict = values as TemplateDict ?? throw new TemplateFault("a format with names needs a mapping", line);
            return dict.TryGet(name, out var value) ? value : throw new TemplateFault($"a format has no value for {name}", line);
        }

        private object? Next() => used < positional.Count ? positional[used++] : throw new TemplateFault("a format has more conversions than there are values", line);

        private int Number(int most, out bool isGiven)
        {
            if (Current == '*')
            {
                At++;
                isGiven = true;
                return Next() is long given && Math.Abs(given) <= most ? (int)given : throw new TemplateFault($"a format's * needs an integer of at most {most}", line);
            }
            var start = At;
            var number = 0;
            while (char.IsAsciiDigit(Current))
            {
                number = 10 * number + (format[At++] - '0');
                if (number > most)
                    throw new TemplateFault($"a format asks for a field wider than {most}", line);
            }
            isGiven = At > start;
            return number;
        }

        private string Text(char conversion, object? value, int? precision)
        {
            if (conversion == 'c')
                return value switch
                {
                    long point when Rune.IsValid((int)Math.Clamp(point, -1, int.MaxValue)) => new Rune((int)point).ToString(),
                    string text when PythonText.Length(text) == 1 => text,
                    _ => throw NotSupported(conversion, value),
                };
            var whole = conversion == 's' ? PythonText.Of(value, line) : conversion == 'r' ? PythonText.Repr(value, line) : throw NotSupported(conversion, value);
            return precision is { } most && PythonText.Length(whole) > most ? string.Concat(PythonText.Points(whole).Take(most)) : whole;
        }

        private string Digits(char conversion, object? value, int? precision, bool alternate)
        {
            switch (conversion)
            {
                case 'd' or 'i' or 'u' when value is double number && double.IsFinite(number):
                    return BigInteger.Abs(new BigInteger(number)).ToString(CultureInfo.InvariantCulture).PadLeft(precision ?? 0, '0');
                case 'd' or 'i' or 'u' or 'x' or 'X' or 'o' when TemplateOperators.IsNumber(value) && value is not double:
                    return FormatSpecification.InRadix(BigInteger.Abs(TemplateOperators.Large(value!)), conversion is 'i' or 'u' ? 'd' : conversion).PadLeft(precision ?? 0, '0');
                case 'e' or 'E' or 'f' or 'F' or 'g' or 'G' when TemplateOperators.IsNumber(value):
                    return DecimalDigits.Write(TemplateOperators.Float(value!), conversion, precision ?? 6, alternate);
                default:
                    throw NotSupported(conversion, value);
            }
        }

        private TemplateFault NotSupported(char conversion, object? value) => new($"the conversion %{conversion} of {TemplateValues.Kind(value)} is not supported", line);
    }
}
