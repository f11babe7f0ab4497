using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Agora.Students.ChatTemplates;

/// <summary>Python's methods of strings, mappings and lists; those that would change their object are refused, as by Jinja's sandbox.</summary>
internal static partial class TemplateMethods
{
    private static readonly SearchValues<char> LineBreaks = SearchValues.Create("\n\r\v\f\x1c\x1d\x1e\u0085\u2028\u2029");

    public static TemplateFunction? OfDict(TemplateDict dict, string name, int line) => name switch
    {
        "items" => Method(name, _ => Items(dict, SequenceKind.Items)),
        "keys" => Method(name, _ => new TemplateList([.. dict.Keys], SequenceKind.Keys)),
        "values" => Method(name, _ => new TemplateList([.. dict.Select(entry => entry.Value)], SequenceKind.Values)),
        "get" => Method(name, call => call.Bind("key", "default") is var bound && dict.TryGet(bound.Value(0), out var found) ? found : bound.Value(1, null)),
        "copy" => Method(name, _ => dict),
        // A template may hold a key of this name: only a mapping without it refuses.
        "clear" or "pop" or "popitem" or "setdefault" or "update" when !dict.TryGet(name, out _) => throw Unsafe("a mapping", name, line),
        _ => null,
    };

    public static TemplateFunction? OfList(TemplateList list, string name, int line) => list.IsView ? null : name switch
    {
        "index" => Method(name, call => Find(list, call) is var at and >= 0 ? at : throw call.Fault("does not find the item")),
        "count" => Method(name, call => call.Bind("value").Value(0) is var item ? list.LongCount(other => TemplateOperators.AreEqual(other, item)) : 0),
        "copy" when list.Kind == SequenceKind.List => Method(name, _ => list),
        "append" or "clear" or "extend" or "insert" or "pop" or "remove" or "reverse" or "sort" => throw Unsafe("a list", name, line),
        _ => null,
    };

    public static TemplateFunction? OfText(string text, string name) => name switch
    {
        "strip" => Method(name, call => Strip(text, call.Bind("chars").TextOrNone(0), left: true, right: true)),
        "lstrip" => Method(name, call => Strip(text, call.Bind("chars").TextOrNone(0), left: true, right: false)),
        "rstrip" => Method(name, call => Strip(text, call.Bind("chars").TextOrNone(0), left: false, right: true)),
        "upper" => Method(name, _ => PythonCase.Upper(text)),
        "lower" => Method(name, _ => PythonCase.Lower(text)),
        "casefold" => Method(name, call => Ascii.IsValid(text) ? text.ToLowerInvariant() : throw call.Fault("does not support letters beyond ASCII; lower() does")),
        "capitalize" => Method(name, _ => PythonCase.Capitalize(text)),
        "title" => Method(name, _ => PythonCase.TitleWords(text)),
        "istitle" => Method(name, _ => PythonCase.IsTitle(text)),
        "swapcase" => Method(name, call => text.Contains('Σ', StringComparison.Ordinal) ? throw call.Fault("does not support the letter Σ") : string.Concat(PythonText.Points(text).Select(PythonCase.Swapped))),
        "startswith" => Method(name, call => call.Bind("prefix", "start", "end") is var bound && Part(text, bound, out _) is { } part && Affixes(bound, call).Any(affix => part.StartsWith(affix, StringComparison.Ordinal))),
        "endswith" => Method(name, call => call.Bind("suffix", "start", "end") is var bound && Part(text, bound, out _) is { } part && Affixes(bound, call).Any(affix => part.EndsWith(affix, StringComparison.Ordinal))),
        "removeprefix" => Method(name, call => call.Bind("prefix").Text(0) is var prefix && text.StartsWith(prefix, StringComparison.Ordinal) ? text[prefix.Length..] : text),
        "removesuffix" => Method(name, call => call.Bind("suffix").Text(0) is var suffix && suffix.Length > 0 && text.EndsWith(suffix, StringComparison.Ordinal) ? text[..^suffix.Length] : text),
        "replace" => Method(name, call => call.Bind("old", "new", "count") is var bound ? Replace(text, bound.Text(0), bound.Text(1), bound.Whole(2, -1), call.Line) : text),
        "split" => Method(name, call => call.Bind("sep", "maxsplit") is var bound ? Split(text, bound.TextOrNone(0), bound.Whole(1, -1), fromRight: false, call) : null),
        "rsplit" => Method(name, call => call.Bind("sep", "maxsplit") is var bound ? Split(text, bound.TextOrNone(0), bound.Whole(1, -1), fromRight: true, call) : null),
        "splitlines" => Method(name, call => new TemplateList([.. Lines(text, call.Bind("keepends").Flag(0))])),
        "partition" => Method(name, call => Partition(text, call, fromRight: false)),
        "rpartition" => Method(name, call => Partition(text, call, fromRight: true)),
        "join" => Method(name, call => string.Join(text, TemplateIteration.Items(call.Bind("iterable").Value(0), call.Line)
            .Select(item => TemplateMarkup.Plain(item) as string ?? throw call.Fault($"needs strings, got {TemplateValues.Kind(item)}")))),
        "find" => Method(name, call => Find(text, call, fromRight: false)),
        "rfind" => Method(name, call => Find(text, call, fromRight: true)),
        "index" => Method(name, call => Find(text, call, fromRight: false) is var at and >= 0 ? at : throw call.Fault("does not find the text")),
        "rindex" => Method(name, call => Find(text, call, fromRight: true) is var at and >= 0 ? at : throw call.Fault("does not find the text")),
        "count" => Method(name, call => Count(text, call)),
        "format" => Method(name, call => BraceFormat.Apply(text, call)),
        "zfill" => Method(name, call => Zeros(text, call.Bind("width").Whole(0, 0), call.Line)),
        "ljust" => Method(name, call => Justify(text, call, (padding, fill) => text + Fill(fill, padding))),
        "rjust" => Method(name, call => Justify(text, call, (padding, fill) => Fill(fill, padding) + text)),
        "center" => Method(name, call => call.Bind("width", "fillchar") is var bound ? Center(text, call, bound, FillCharacter(bound, call)) : null),
        "expandtabs" => Method(name, call => ExpandTabs(text, call)),
        "isdecimal" => Method(name, _ => text.Length > 0 && text.EnumerateRunes().All(Rune.IsDigit)),
        "isdigit" => Method(name, _ => text.Length > 0 && PythonText.Points(text).TrueForAll(point => CharUnicodeInfo.GetDigitValue(point, 0) >= 0)),
        "isnumeric" => Method(name, _ => text.Length > 0 && text.EnumerateRunes().All(Rune.IsNumber)),
        "isascii" => Method(name, _ => Ascii.IsValid(text)),
        "isprintable" => Method(name, _ => text.EnumerateRunes().All(PythonText.IsPrintable)),
        "isidentifier" => Method(name, _ => Identifier().IsMatch(text)),
        "isalpha" => Method(name, _ => text.Length > 0 && text.EnumerateRunes().All(Rune.IsLetter)),
        "isalnum" => Method(name, _ => text.Length > 0 && text.EnumerateRunes().All(Rune.IsLetterOrDigit)),
        "isspace" => Method(name, _ => text.Length > 0 && text.All(char.IsWhiteSpace)),
        "islower" => Method(name, _ => IsLower(text)),
        "isupper" => Method(name, _ => IsUpper(text)),
        _ => null,
    };

    public static TemplateList Items(TemplateDict dict, SequenceKind kind) => new([.. dict.Select(entry => TemplateList.Tuple(entry.Key, entry.Value))], kind);

    public static bool IsLower(string text) => text.Any(char.IsLower) && !text.Any(char.IsUpper);

    public static bool IsUpper(string text) => text.Any(char.IsUpper) && !text.Any(char.IsLower);

    public static string Strip(string text, string? characters, bool left, bool right)
    {
        bool Goes(char character) => characters is null ? char.IsWhiteSpace(character) || character is >= '\x1c' and <= '\x1f' : characters.Contains(character, StringComparison.Ordinal);
        var (start, end) = (0, text.Length);
        while (left && start < end && Goes(text[start]))
            start++;
        while (right && end > start && Goes(text[end - 1]))
            end--;
        return text[start..end];
    }

    /// <param name="count">-1: all of them.</param>
    public static string Replace(string text, string old, string replacement, int count, int line)
    {
        if (old.Length == 0)
        {
            var points = PythonText.Points(text);
            var gaps = count < 0 ? points.Count + 1 : Math.Min(count, points.Count + 1);
            TemplateBudget.CheckLength(text.Length + gaps * (double)replacement.Length, line);
            return string.Concat(points.Select((point, index) => index < gaps ? replacement + point : point)) + (gaps > points.Count ? replacement : "");
        }
        TemplateBudget.CheckLength(text.Length * (1.0 + (double)replacement.Length / old.Length), line);
        if (count < 0)
            return text.Replace(old, replacement, StringComparison.Ordinal);
        var result = new StringBuilder();
        var from = 0;
        for (; count > 0 && text.IndexOf(old, from, StringComparison.Ordinal) is var at and >= 0; count--)
        {
            result.Append(text, from, at - from).Append(replacement);
            from = at + old.Length;
        }
        return result.Append(text, from, text.Length - from).ToString();
    }

    /// <summary>str.splitlines(): the line breaks that Python knows.</summary>
    public static List<string> Lines(string text, bool keepEnds)
    {
        var lines = new List<string>();
        for (var start = 0; start < text.Length;)
        {
            var end = text.AsSpan(start).IndexOfAny(LineBreaks);
            if (end < 0)
            {
                lines.Add(text[start..]);
                break;
            }
            end += start;
            var next = text[end] == '\r' && end + 1 < text.Length && text[end + 1] == '\n' ? end + 2 : end + 1;
            lines.Add(text[start..(keepEnds ? next : end)]);
            start = next;
        }
        return lines;
    }

    private static TemplateFunction Method(string name, Func<TemplateCall, object?> body) => new(name, body);

    private static TemplateFault Unsafe(string of, string name, int line) => new($"a template may not change {of}, so {name} is not supported", line);

    private static IEnumerable<string> Affixes(BoundArguments bound, TemplateCall call) => bound.Value(0) switch
    {
        string affix => [affix],
        TemplateList { IsTuple: true } list => list.Select(item => item as string ?? throw call.Fault("needs strings")),
        var other => throw call.Fault($"needs a string or a tuple of strings, got {TemplateValues.Kind(other)}"),
    };

    private static TemplateList Split(string text, string? separator, int most, bool fromRight, TemplateCall call)
    {
        if (separator is "")
            throw call.Fault("needs a separator that is not empty");
        if (separator is null)
            return new TemplateList(SplitAtSpace(text, most, fromRight));
        var parts = text.Split(separator);
        if (most < 0 || parts.Length <= most + 1)
            return new TemplateList(parts);
        return fromRight
            ? new TemplateList([string.Join(separator, parts[..^most]), .. parts[^most..]])
            : new TemplateList([.. parts[..most], string.Join(separator, parts[most..])]);
    }

    /// <summary>The rest after the last split keeps the white space at its far end.</summary>
    private static List<object?> SplitAtSpace(string text, int most, bool fromRight)
    {
        static bool IsSpace(char character) => char.IsWhiteSpace(character) || character is >= '\x1c' and <= '\x1f';
        var parts = new List<object?>();
        var (start, end) = (0, text.Length);
        while (true)
        {
            if (fromRight)
                while (end > start && IsSpace(text[end - 1]))
                    end--;
            else
                while (start < end && IsSpace(text[start]))
                    start++;
            if (start == end)
                break;
            if (parts.Count == most)
            {
                parts.Add(text[start..end]);
                break;
            }
            var at = fromRight ? end : start;
            if (fromRight)
            {
                while (at > start && !IsSpace(text[at - 1]))
                    at--;
                parts.Add(text[at..end]);
                end = at;
            }
            else
            {
                while (at < end && !IsSpace(text[at]))
                    at++;
                parts.Add(text[start..at]);
                start = at;
            }
        }
        if (fromRight)
            parts.Reverse();
        return parts;
    }

    private static TemplateList Partition(string text, TemplateCall call, bool fromRight)
    {
        var separator = call.Bind("sep").Text(0);
        if (separator.Length == 0)
            throw call.Fault("needs a separator that is not empty");
        var at = fromRight ? text.LastIndexOf(separator, StringComparison.Ordinal) : text.IndexOf(separator, StringComparison.Ordinal);
        if (at < 0)
            return fromRight ? TemplateList.Tuple("", "", text) : TemplateList.Tuple(text, "", "");
        return TemplateList.Tuple(text[..at], separator, text[(at + separator.Length)..]);
    }

    private static long Find(string text, TemplateCall call, bool fromRight)
    {
        var bound = call.Bind("sub", "start", "end");
        var sought = bound.Text(0);
        if (Part(text, bound, out var start) is not { } part)
            return -1;
        // An empty text is found at either end; .NET says so too, but for the last place of older versions.
        var at = fromRight ? (sought.Length == 0 ? part.Length : part.LastIndexOf(sought, StringComparison.Ordinal)) : part.IndexOf(sought, StringComparison.Ordinal);
        return at < 0 ? -1 : start + PythonText.Length(part[..at]);
    }

    private static long Count(string text, TemplateCall call)
    {
        var bound = call.Bind("sub", "start", "end");
        var sought = bound.Text(0);
        if (Part(text, bound, out _) is not { } part)
            return 0;
        if (sought.Length == 0)
            return PythonText.Length(part) + 1L;
        var count = 0L;
        for (var at = part.IndexOf(sought, StringComparison.Ordinal); at >= 0; at = part.IndexOf(sought, at + sought.Length, StringComparison.Ordinal))
            count++;
        return count;
    }

    /// <summary>text[start:end], the second and third argument of searches; null where start lies beyond the end, so that not even "" is found.</summary>
    private static string? Part(string text, BoundArguments bound, out int start)
    {
        start = 0;
        if (!bound.Has(1) && !bound.Has(2))
            return text;
        var points = PythonText.Points(text);
        int Place(int index, int absent) => bound.Value(index, null) is null ? absent : bound.Whole(index, absent) is var place && place < 0 ? Math.Max(0, place + points.Count) : place;
        start = Place(1, 0);
        var end = Math.Min(Place(2, points.Count), points.Count);
        return start > end ? null : string.Concat(points.Skip(start).Take(end - start));
    }

    private static string ExpandTabs(string text, TemplateCall call)
    {
        var size = call.Bind("tabsize").Whole(0, 8);
        TemplateBudget.CheckLength(text.Count(character => character == '\t') * (double)size, call.Line);
        var result = new StringBuilder();
        var column = 0;
        foreach (var point in PythonText.Points(text))
            if (point == "\t")
            {
                var spaces = size > 0 ? size - column % size : 0;
                result.Append(' ', spaces);
                column += spaces;
            }
            else
            {
                result.Append(point);
                column = point is "\n" or "\r" ? 0 : column + 1;
            }
        return result.ToString();
    }

    private static long Find(TemplateList list, TemplateCall call)
    {
        var item = call.Bind("value").Value(0);
        for (var i = 0; i < list.Count; i++)
            if (TemplateOperators.AreEqual(list[i], item))
                return i;
        return -1;
    }

    private static string Zeros(string text, int width, int line)
    {
        TemplateBudget.CheckLength(width, line);
        var missing = Math.Max(0, width - PythonText.Length(text));
        return text.Length > 0 && text[0] is '+' or '-' ? text[0] + new string('0', missing) + text[1..] : new string('0', missing) + text;
    }

    private static string Justify(string text, TemplateCall call, Func<int, string, string> pad)
    {
        var bound = call.Bind("width", "fillchar");
        return pad(Math.Max(0, Width(bound, call) - PythonText.Length(text)), FillCharacter(bound, call));
    }

    /// <summary>Of an odd number of places the left side gets the greater half where the width is odd: Python's rule.</summary>
    public static string Center(string text, TemplateCall call, BoundArguments bound, string fill)
    {
        var width = Width(bound, call);
        var missing = Math.Max(0, width - PythonText.Length(text));
        var left = missing / 2 + (missing & width & 1);
        return Fill(fill, left) + text + Fill(fill, missing - left);
    }

    private static int Width(BoundArguments bound, TemplateCall call)
    {
        TemplateBudget.CheckLength(bound.Whole(0, 80), call.Line);
        return bound.Whole(0, 80);
    }

    private static string FillCharacter(BoundArguments bound, TemplateCall call)
    {
        var fill = bound.Text(1, " ");
        return PythonText.Length(fill) == 1 ? fill : throw call.Fault("needs one character to fill with");
    }

    private static string Fill(string fill, int count) => new StringBuilder().Insert(0, fill, count).ToString();

    [GeneratedRegex(@"\A[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]*\z")]
    private static partial Regex Identifier();
}
