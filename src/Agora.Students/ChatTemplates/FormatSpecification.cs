using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.RegularExpressions;

namespace Agora.Students.ChatTemplates;

/// <summary>What may stand after the colon of a field of str.format: fill, alignment, sign, width, grouping, precision and type.</summary>
/// <remarks>https://docs.python.org/3/library/string.html#format-specification-mini-language</remarks>
internal static partial class FormatSpecification
{
    public const int WidestField = 10_000;

    public static string Apply(string specification, object? value, TemplateCall call)
    {
        if (specification.Length == 0)
            return PythonText.Of(value, call.Line);
        var match = Parts().Match(specification);
        if (!match.Success)
            throw call.Fault($"does not support the format {specification}");
        string? Part(string name) => match.Groups[name] is { Success: true, Value: { Length: > 0 } text } ? text : null;
        var width = Number(Part("width"), WidestField, call) ?? 0;
        var precision = Number(Part("precision"), DecimalDigits.MostDigits, call);
        var align = Part("align")?[0];
        var fill = Part("fill") ?? " ";
        var grouping = Part("grouping");
        if (Part("zero") is not null && align is null)
        {
            (align, fill) = ('=', "0");
            if (grouping is not null)
                throw call.Fault($"does not support zeros before groups of digits, as in the format {specification}");
        }
        var type = Part("type")?[0];
        if (value is string or Undefined)
        {
            if (type is not (null or 's') || align == '=' && Part("zero") is null || Part("sign") is not null || grouping is not null)
                throw call.Fault($"cannot format a string as {specification}");
            var text = PythonText.Of(value, call.Line);
            if (precision is { } most && PythonText.Length(text) > most)
                text = string.Concat(PythonText.Points(text).Take(most));
            return Pad(text, "", align is '=' or null ? '<' : align.Value, fill, width);
        }
        if (!TemplateOperators.IsNumber(value))
            throw call.Fault($"cannot format {TemplateValues.Kind(value)} as {specification}");
        var negative = TemplateOperators.Float(value!) is var number && (number < 0 || number == 0 && double.IsNegative(number));
        var sign = negative ? "-" : Part("sign") switch { "+" => "+", " " => " ", _ => "" };
        var digits = Digits(value!, type, precision, Part("alternate") is not null, call, specification, ref sign);
        if (grouping is not null)
            digits = Group(digits, grouping, type is 'b' or 'o' or 'x' or 'X' ? 4 : 3);
        return Pad(digits, sign, align ?? '>', fill, width);
    }

    private static int? Number(string? text, int most, TemplateCall call) => text is null ? null
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= most ? number
        : throw call.Fault($"asks for a field wider than {most}");

    private static string Digits(object value, char? type, int? precision, bool alternate, TemplateCall call, string specification, ref string sign)
    {
        if (value is not double && type is null or 'd' or 'n' or 'b' or 'o' or 'x' or 'X' or 'c')
        {
            if (value is double || precision is not null || type == 'c')
                throw call.Fault($"cannot format {TemplateValues.Kind(value)} as {specification}");
            var whole = BigInteger.Abs(TemplateOperators.Large(value));
            if (alternate && type is 'b' or 'o' or 'x' or 'X')
                sign += "0" + type;
            return InRadix(whole, type ?? 'd');
        }
        var number = TemplateOperators.Float(value);
        if (type == '%')
            return DecimalDigits.Write(number * 100, 'f', precision ?? 6, alternate) + "%";
        if (type is null && precision is null)
            return PythonText.OfFloat(Math.Abs(number));
        return type is null or 'n' or 'e' or 'E' or 'f' or 'F' or 'g' or 'G'
            ? DecimalDigits.Write(number, type switch { null => 'r', 'n' => 'g', var other => other.Value }, precision ?? 6, alternate)
            : throw call.Fault($"cannot format {TemplateValues.Kind(value)} as {specification}");
    }

    public static string InRadix(BigInteger number, char type) => type switch
    {
        'x' => Trim(number.ToString("x", CultureInfo.InvariantCulture)),
        'X' => Trim(number.ToString("X", CultureInfo.InvariantCulture)),
        'b' => Trim(number.ToString("b", CultureInfo.InvariantCulture)),
        'o' => Octal(number),
        _ => number.ToString(CultureInfo.InvariantCulture),
    };

    // .NET writes a leading zero so that the first bit is not taken for a sign.
    private static string Trim(string digits) => digits.TrimStart('0') is { Length: > 0 } rest ? rest : "0";

    private static string Octal(BigInteger number)
    {
        var bits = InRadix(number, 'b');
        bits = bits.PadLeft((bits.Length + 2) / 3 * 3, '0');
        return Trim(string.Concat(bits.Chunk(3).Select(three => (char)('0' + Convert.ToInt32(new string(three), 2)))));
    }

    private static string Group(string digits, string separator, int size)
    {
        var end = digits.AsSpan().IndexOfAny(".eE%") is var at and >= 0 && size == 3 ? at : digits.Length;
        var grouped = new StringBuilder();
        for (var i = 0; i < end; i++)
            grouped.Append(i > 0 && (end - i) % size == 0 ? separator : "").Append(digits[i]);
        return grouped.Append(digits, end, digits.Length - end).ToString();
    }

    /// <summary>Fills between sign and digits for '=', as zeros do.</summary>
    public static string Pad(string digits, string sign, char align, string fill, int width)
    {
        var missing = Math.Max(0, width - PythonText.Length(digits) - sign.Length);
        string Fill(int count) => new StringBuilder().Insert(0, fill, count).ToString();
        return align switch
        {
            '<' => sign + digits + Fill(missing),
            '^' => Fill(missing / 2) + sign + digits + Fill(missing - missing / 2),
            '=' => sign + Fill(missing) + digits,
            _ => Fill(missing) + sign + digits,
        };
    }

    [GeneratedRegex(@"\A(?:(?<fill>[\uD800-\uDBFF][\uDC00-\uDFFF]|.)?(?<align>[<>=^]))?(?<sign>[-+ ])?(?<alternate>#)?(?<zero>0)?(?<width>[0-9]+)?(?<grouping>[,_])?(?:\.(?<precision>[0-9]+))?(?<type>[a-zA-Z%])?\z", RegexOptions.Singleline)]
    private static partial Regex Parts();
}
