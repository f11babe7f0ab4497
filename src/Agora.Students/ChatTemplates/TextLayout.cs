using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Agora.Students.ChatTemplates;

/// <summary>Jinja's filters that lay text out: cut, wrapped, without markup, for addresses.</summary>
internal static partial class TextLayout
{
    /// <summary>Without tags and comments, entities read, white space made single.</summary>
    public static string StripTags(string text)
    {
        text = Remove(Remove(text, "<!--", "-->"), "<", ">");
        return Unescape(string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)));
    }

    public static string Truncate(string text, TemplateCall call)
    {
        var bound = call.Bind("length", "killwords", "end", "leeway");
        var (length, end, leeway) = (bound.Whole(0, 255), bound.Text(2, "..."), bound.Value(3, null) is null ? 5 : bound.Whole(3, 5));
        var points = PythonText.Points(text);
        var kept = length - PythonText.Length(end);
        if (kept < 0 || leeway < 0)
            throw call.Fault($"needs a length of at least that of {end} and a leeway of at least 0");
        if (points.Count <= length + (long)leeway)
            return text;
        var cut = string.Concat(points.Take(kept));
        return (bound.Flag(1) || cut.LastIndexOf(' ') is not (>= 0 and var space) ? cut : cut[..space]) + end;
    }

    /// <summary>Lines of at most so many characters, each line of the text wrapped by itself.</summary>
    public static string Wrap(string text, TemplateCall call)
    {
        var bound = call.Bind("width", "break_long_words", "wrapstring", "break_on_hyphens");
        var width = bound.Whole(0, 79);
        if (width <= 0)
            throw call.Fault("needs a width above 0");
        if (bound.Flag(3, absent: true) && text.Contains('-', StringComparison.Ordinal))
            throw call.Fault("does not support text with hyphens unless break_on_hyphens is false");
        var separator = bound.Value(2, null) is null ? "\n" : bound.Text(2);
        var wrapped = TemplateMethods.Lines(text, keepEnds: false).Select(line => string.Join(separator, WrapLine(line, width, bound.Flag(1, absent: true))));
        return string.Join(separator, wrapped);
    }

    /// <param name="bytes">Written in powers of 1000, or of 1024.</param>
    public static string FileSize(double bytes, bool binary, int line)
    {
        var unit = binary ? 1024.0 : 1000;
        if (bytes == 1)
            return "1 Byte";
        if (bytes < unit)
            return $"{Math.Truncate(bytes).ToString("F0", CultureInfo.InvariantCulture)} Bytes";
        var prefixes = binary ? new[] { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB" } : ["kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];
        for (var i = 0; i < prefixes.Length; i++)
            if (bytes < Math.Pow(unit, i + 2) || i == prefixes.Length - 1)
                return $"{DecimalDigits.Write(unit * bytes / Math.Pow(unit, i + 2), 'f', 1)} {prefixes[i]}";
        throw new TemplateFault("filesizeformat needs a finite number", line);
    }

    public static string UrlEncode(object? value, TemplateCall call)
    {
        if (value is string or not (TemplateDict or TemplateList or TemplateGenerator))
            return Quote(PythonText.Of(value, call.Line), keepsSlash: true);
        var pairs = value is TemplateDict dict ? TemplateMethods.Items(dict, SequenceKind.Items) : TemplateIteration.Items(value, call.Line);
        return string.Join('&', pairs.Select(pair => TemplateIteration.Items(pair, call.Line) is [var key, var item]
            ? $"{Quote(PythonText.Of(key, call.Line), keepsSlash: false)}={Quote(PythonText.Of(item, call.Line), keepsSlash: false)}" : throw call.Fault("needs pairs")));
    }

    /// <summary>Of addresses' parts a space becomes %20, of a query's values +.</summary>
    private static string Quote(string text, bool keepsSlash)
    {
        var quoted = new StringBuilder();
        foreach (var value in Encoding.UTF8.GetBytes(text))
            _ = (char)value is var character && (char.IsAsciiLetterOrDigit(character) || character is '_' or '.' or '-' or '~' || (keepsSlash && character == '/'))
                ? quoted.Append(character)
                : value == ' ' && !keepsSlash ? quoted.Append('+') : quoted.Append(CultureInfo.InvariantCulture, $"%{value:X2}");
        return quoted.ToString();
    }

    private static string Remove(string text, string open, string close)
    {
        var kept = new StringBuilder();
        var at = 0;
        while (text.IndexOf(open, at, StringComparison.Ordinal) is var start and >= 0 && text.IndexOf(close, start + open.Length, StringComparison.Ordinal) is var end and >= 0)
        {
            kept.Append(text, at, start - at);
            at = end + close.Length;
        }
        return kept.Append(text, at, text.Length - at).ToString();
    }

    private static string Unescape(string text) => Entity().Replace(text, match => System.Net.WebUtility.HtmlDecode(match.Value));

    private static IEnumerable<string> WrapLine(string line, int width, bool breaksLongWords)
    {
        var current = new List<string>();
        var length = 0;
        var any = false;
        var chunks = new LinkedList<string>(Chunks().Matches(line).Select(match => match.Value));
        while (chunks.First is { } first)
        {
            var (chunk, size) = (first.Value, PythonText.Length(first.Value));
            // White space at the beginning of any line but the first is dropped.
            if (length == 0 && any && string.IsNullOrWhiteSpace(chunk))
            {
                chunks.RemoveFirst();
                continue;
            }
            if (length + size <= width)
            {
                current.Add(chunk);
                length += size;
                chunks.RemoveFirst();
                continue;
            }
            if (size > width && (breaksLongWords || length == 0))
            {
                chunks.RemoveFirst();
                var points = PythonText.Points(chunk);
                var fits = breaksLongWords ? Math.Max(1, width - length) : points.Count;
                current.Add(string.Concat(points.Take(fits)));
                if (fits < points.Count)
                    chunks.AddFirst(string.Concat(points.Skip(fits)));
            }
            any = true;
            if (Line(current) is { } full)
                yield return full;
            length = 0;
        }
        if (Line(current) is { } last)
            yield return last;
        else if (!any)
            yield return "";
    }

    private static string? Line(List<string> chunks)
    {
        if (chunks.Count > 0 && string.IsNullOrWhiteSpace(chunks[^1]))
            chunks.RemoveAt(chunks.Count - 1);
        var line = chunks.Count > 0 ? string.Concat(chunks) : null;
        chunks.Clear();
        return line;
    }

    [GeneratedRegex(@"&(?:#[0-9]+|#[xX][0-9a-fA-F]+|[a-zA-Z][a-zA-Z0-9]*);")]
    private static partial Regex Entity();

    [GeneratedRegex(@"[\t\n\v\f\r ]+|[^\t\n\v\f\r ]+")]
    private static partial Regex Chunks();
}
