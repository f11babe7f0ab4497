using System.Globalization;
using System.Numerics;
using System.Text;

namespace Agora.Students.ChatTemplates;

/// <summary>Values as Python writes them: str() for output, repr() inside of lists, json.dumps for tojson; and strings by code point.</summary>
internal static class PythonText
{
    /// <summary>str(value).</summary>
    public static string Of(object? value, int line) => value switch
    {
        string text => text,
        TemplateMarkup markup => markup.Text,
        Undefined => "",
        _ => Repr(value, line),
    };

    public static string Repr(object? value, int line) => value switch
    {
        null => "None",
        true => "True",
        false => "False",
        long or BigInteger => ((IFormattable)value).ToString(null, CultureInfo.InvariantCulture),
        double number => OfFloat(number),
        string text => Quoted(text),
        TemplateList list => Repr(list, line),
        TemplateDict dict => "{" + string.Join(", ", dict.Select(entry => $"{Repr(entry.Key, line)}: {Repr(entry.Value, line)}")) + "}",
        TemplateMarkup markup => $"Markup({Quoted(markup.Text)})",
        // The body of a call block has no name.
        TemplateFunction { Parameters: not null } macro => macro.Name == TemplateInterpreter.Caller ? "<Macro anonymous>" : $"<Macro {Quoted(macro.Name)}>",
        Undefined => "Undefined",
        _ => throw new TemplateFault($"cannot write out {TemplateValues.Kind(value)}", line),
    };

    private static string Repr(TemplateList list, int line)
    {
        if (list.Written is { } written)
            return written;
        var items = string.Join(", ", list.Select(item => Repr(item, line)));
        return list.Kind switch
        {
            SequenceKind.List => $"[{items}]",
            SequenceKind.Tuple => list.Count == 1 ? $"({items},)" : $"({items})",
            _ => $"dict_{list.Kind.ToString().ToLowerInvariant()}([{items}])",
        };
    }

    /// <summary>repr(float): the shortest digits that read back the same, an exponent below 1e-4 and from 1e16.</summary>
    public static string OfFloat(double number)
    {
        if (double.IsNaN(number))
            return "nan";
        if (double.IsInfinity(number))
            return number > 0 ? "inf" : "-inf";
        if (number == 0)
            return double.IsNegative(number) ? "-0.0" : "0.0";
        var sign = number < 0 ? "-" : "";
        var shortest = Math.Abs(number).ToString("R", CultureInfo.InvariantCulture).Split('E');
        var parts = shortest[0].Split('.');
        var written = parts[0] + (parts.Length > 1 ? parts[1] : "");
        var digits = written.TrimStart('0');
        var exponent = parts[0].Length - 1 - (written.Length - digits.Length) + (shortest.Length > 1 ? int.Parse(shortest[1], CultureInfo.InvariantCulture) : 0);
        digits = digits.TrimEnd('0');
        if (exponent is < -4 or >= 16)
            return $"{sign}{digits[0]}{(digits.Length > 1 ? "." + digits[1..] : "")}e{(exponent < 0 ? "-" : "+")}{Math.Abs(exponent):00}";
        if (exponent < 0)
            return $"{sign}0.{new string('0', -exponent - 1)}{digits}";
        var whole = digits.Length > exponent + 1 ? digits[..(exponent + 1)] : digits.PadRight(exponent + 1, '0');
        return $"{sign}{whole}.{(digits.Length > exponent + 1 ? digits[(exponent + 1)..] : "0")}";
    }

    /// <summary>json.dumps(value, ensure_ascii=False).</summary>
    /// <param name="style">Separators and indentation.</param>
    public static string Json(object? value, JsonStyle style, int line)
    {
        var json = new StringBuilder();
        WriteJson(json, value, style, 0, line);
        return json.ToString();
    }

    public static int Length(string text)
    {
        var length = text.Length;
        for (var i = text.AsSpan().IndexOfAnyInRange('\uD800', '\uDBFF') is var first and >= 0 ? first : text.Length; i + 1 < text.Length; i++)
            if (char.IsSurrogatePair(text[i], text[i + 1]))
                length--;
        return length;
    }

    /// <summary>Each code point as a string of its own.</summary>
    public static List<string> Points(string text)
    {
        var points = new List<string>(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            var length = i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1]) ? 2 : 1;
            points.Add(text.Substring(i, length));
            i += length - 1;
        }
        return points;
    }

    /// <returns>The code point at a place, from the end where it is negative; null where there is none.</returns>
    public static string? PointAt(string text, long place)
    {
        if (!text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF'))
        {
            place += place < 0 ? text.Length : 0;
            return place >= 0 && place < text.Length ? text[(int)place].ToString() : null;
        }
        var points = Points(text);
        place += place < 0 ? points.Count : 0;
        return place >= 0 && place < points.Count ? points[(int)place] : null;
    }

    /// <summary>int(text, radix): white space around it, single _ between digits, and with radix 16, 8 and 2 a prefix.</summary>
    public static bool TryInteger(string text, int radix, out BigInteger value)
    {
        value = BigInteger.Zero;
        var digits = TemplateMethods.Strip(text, null, left: true, right: true);
        var isNegative = digits.StartsWith('-');
        digits = digits.Length > 0 && digits[0] is '+' or '-' ? digits[1..] : digits;
        if (radix is 16 or 8 or 2 && digits.Length > 2 && digits[0] == '0' && char.ToLowerInvariant(digits[1]) == radix switch { 16 => 'x', 8 => 'o', _ => 'b' })
            digits = digits[2..];
        if (radix is < 2 or > 36 || digits.Length is 0 or > 4300 || digits.Contains("__", StringComparison.Ordinal) || digits[0] == '_' || digits[^1] == '_')
            return false;
        foreach (var character in digits.Replace("_", "", StringComparison.Ordinal))
        {
            var digit = char.IsAsciiDigit(character) ? character - '0' : char.IsAsciiLetter(character) ? char.ToLowerInvariant(character) - 'a' + 10 : radix;
            if (digit >= radix)
                return false;
            value = value * radix + digit;
        }
        value = isNegative ? -value : value;
        return true;
    }

    /// <summary>float(text).</summary>
    public static bool TryFloat(string text, out double value)
    {
        var digits = TemplateMethods.Strip(text, null, left: true, right: true);
        if (digits.TrimStart('+', '-').ToLowerInvariant() is "inf" or "infinity" or "nan")
        {
            value = digits.EndsWith('n') || digits.EndsWith('N') ? double.NaN : digits[0] == '-' ? double.NegativeInfinity : double.PositiveInfinity;
            return true;
        }
        var isGrouped = !digits.Contains("__", StringComparison.Ordinal) && !digits.StartsWith('_') && !digits.EndsWith('_');
        return double.TryParse(isGrouped ? digits.Replace("_", "", StringComparison.Ordinal) : digits, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out value);
    }

    private static string Quoted(string text)
    {
        var quote = text.Contains('\'', StringComparison.Ordinal) && !text.Contains('"', StringComparison.Ordinal) ? '"' : '\'';
        var quoted = new StringBuilder().Append(quote);
        foreach (var rune in text.EnumerateRunes())
            switch (rune.Value)
            {
                case '\n': quoted.Append("\\n"); break;
                case '\r': quoted.Append("\\r"); break;
                case '\t': quoted.Append("\\t"); break;
                case '\\': quoted.Append("\\\\"); break;
                case var point when point == quote: quoted.Append('\\').Append(quote); break;
                case var point when IsPrintable(rune): quoted.Append(rune.ToString()); break;
                case < 0x100: quoted.Append(CultureInfo.InvariantCulture, $"\\x{rune.Value:x2}"); break;
                case < 0x10000: quoted.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}"); break;
                default: quoted.Append(CultureInfo.InvariantCulture, $"\\U{rune.Value:x8}"); break;
            }
        return quoted.Append(quote).ToString();
    }

    public static bool IsPrintable(Rune rune) => rune.Value == ' ' || Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format
        or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);

    private static void WriteJson(StringBuilder json, object? value, JsonStyle style, int depth, int line)
    {
        switch (value)
        {
            case null: json.Append("null"); break;
            case bool flag: json.Append(flag ? "true" : "false"); break;
            case double number when double.IsNaN(number): json.Append("NaN"); break;
            case double number when double.IsInfinity(number): json.Append(number > 0 ? "Infinity" : "-Infinity"); break;
            case long or BigInteger or double: json.Append(Repr(value, line)); break;
            case string text: WriteJson(json, text, style.EscapesNonAscii); break;
            case TemplateMarkup markup: WriteJson(json, markup.Text, style.EscapesNonAscii); break;
            case TemplateList { Kind: SequenceKind.List or SequenceKind.Tuple } list:
                WriteItems(json, '[', ']', [.. list], item => WriteJson(json, item, style, depth + 1, line), style, depth);
                break;
            case TemplateDict dict:
                var entries = dict.AsEnumerable();
                if (style.SortsKeys)
                    entries = entries.OrderBy(entry => entry.Key, Comparer<object?>.Create((a, b) => TemplateOperators.Compare(a, b, line)));
                WriteItems(json, '{', '}', [.. entries], entry =>
                {
                    WriteJson(json, entry.Key is string key ? key : Json(entry.Key, style, line), style.EscapesNonAscii);
                    json.Append(style.KeySeparator);
                    WriteJson(json, entry.Value, style, depth + 1, line);
                }, style, depth);
                break;
            default: throw new TemplateFault($"tojson cannot write {TemplateValues.Kind(value)}", line);
        }
    }

    private static void WriteItems<T>(StringBuilder json, char open, char close, List<T> items, Action<T> write, JsonStyle style, int depth)
    {
        json.Append(open);
        for (var i = 0; i < items.Count; i++)
        {
            if (i > 0)
                json.Append(style.ItemSeparator);
            NewLine(json, style, depth + 1);
            write(items[i]);
        }
        if (items.Count > 0)
            NewLine(json, style, depth);
        json.Append(close);
    }

    private static void NewLine(StringBuilder json, JsonStyle style, int depth)
    {
        if (style.Indent is null)
            return;
        json.Append('\n');
        for (var i = 0; i < depth; i++)
            json.Append(style.Indent);
    }

    private static void WriteJson(StringBuilder json, string text, bool escapesNonAscii)
    {
        json.Append('"');
        foreach (var character in text)
            _ = character switch
            {
                '"' => json.Append("\\\""),
                '\\' => json.Append("\\\\"),
                '\n' => json.Append("\\n"),
                '\r' => json.Append("\\r"),
                '\t' => json.Append("\\t"),
                '\f' => json.Append("\\f"),
                '\b' => json.Append("\\b"),
                _ when character < ' ' || (escapesNonAscii && character > '~') => json.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}"),
                _ => json.Append(character),
            };
        json.Append('"');
    }
}

/// <param name="Indent">Text of one level, null for everything on one line.</param>
internal sealed record JsonStyle(string? Indent, string ItemSeparator, string KeySeparator, bool SortsKeys, bool EscapesNonAscii);
