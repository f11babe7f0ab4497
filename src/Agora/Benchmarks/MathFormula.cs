using System.Text;

namespace Agora.Benchmarks;

/// <summary>Formulas set off from running text by <c>$...$</c>, <c>$$...$$</c>, <c>\(...\)</c> or <c>\[...\]</c>.</summary>
internal static class MathFormula
{
    /// <summary>More words than this are a text about an answer, not an answer.</summary>
    private const int MostAnswerWords = 2;

    private static readonly (string Open, string Close)[] Delimiters = [("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]")];

    /// <summary>The end of the formula that begins here, or null where none does.</summary>
    public static int? SpanAt(string text, int start)
    {
        foreach (var (open, close) in Delimiters)
        {
            if (string.CompareOrdinal(text, start, open, 0, open.Length) != 0)
                continue;
            var end = Closing(text, start + open.Length, close);
            if (end is not null)
                return end + close.Length;
        }
        return null;
    }

    /// <summary>The last formula that holds anything, delimiters included; with those before it where only "and", "or" and commas stand between: an answer in parts.</summary>
    public static string? Last(string text)
    {
        var formulas = All(text);
        formulas.RemoveAll(range => text[range].AsSpan().Trim("$ \\()[].").IsEmpty);
        if (formulas.Count == 0)
            return null;
        var first = formulas.Count - 1;
        while (first > 0 && IsListed(text[formulas[first - 1].End..formulas[first].Start]))
            first--;
        return text[formulas[first].Start..formulas[^1].End];
    }

    private static bool IsListed(string between) =>
        between.Length < 12 && !between.Contains("\n\n", StringComparison.Ordinal) && between.Trim(' ', '\n', ',', ';') is "and" or "or" or "" && between.AsSpan().ContainsAny(",;ao");

    /// <summary>Whether a text is one answer without prose around it: few words where there is no formula, none but "and" and "or" beside formulas.</summary>
    public static bool IsWholeAnswer(string text)
    {
        var trimmed = text.Trim();
        if (trimmed.Length == 0 || trimmed.Contains('\n'))
            return false;
        var outside = new StringBuilder();
        var (end, formulas) = (0, 0);
        foreach (var range in All(trimmed))
        {
            outside.Append(trimmed, end, range.Start.Value - end).Append(' ');
            end = range.End.Value;
            formulas++;
        }
        outside.Append(trimmed, end, trimmed.Length - end);
        var words = CountWords(outside.ToString());
        return words <= (formulas > 0 ? 0 : MostAnswerWords);
    }

    /// <summary>Runs of three letters or more, but for names of functions and what a LaTeX command encloses or is called.</summary>
    private static int CountWords(string text)
    {
        var words = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsLetter(text[i]))
                continue;
            var start = i;
            while (i < text.Length && char.IsLetter(text[i]))
                i++;
            var command = start > 0 && text[start - 1] is '\\' or '{';
            if (i - start > 2 && !command && text[start..i] is not ("and" or "sqrt" or "sin" or "cos" or "tan" or "log" or "infinity"))
                words++;
        }
        return words;
    }

    /// <summary>All formulas in order. A delimiter that never closes is looked for once, so that a text full of them costs no more than another.</summary>
    private static List<Range> All(string text)
    {
        var found = new List<Range>();
        var hopeless = new bool[Delimiters.Length];
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] is not ('$' or '\\'))
                continue;
            var (end, escaped) = (-1, text[i] == '\\');
            for (var kind = 0; kind < Delimiters.Length && end < 0; kind++)
            {
                var (open, close) = Delimiters[kind];
                if (hopeless[kind] || string.CompareOrdinal(text, i, open, 0, open.Length) != 0)
                    continue;
                end = Closing(text, i + open.Length, close) is { } closing ? closing + close.Length : -1;
                hopeless[kind] = end < 0 && close != "$";       // a dollar's search ends with its paragraph
            }
            if (end >= 0)
            {
                found.Add(i..end);
                i = end - 1;
            }
            else if (escaped)
            {
                i++;
            }
        }
        return found;
    }

    private static int? Closing(string text, int from, string close)
    {
        for (var i = from; i < text.Length; i++)
        {
            if (string.CompareOrdinal(text, i, close, 0, close.Length) == 0 && i > from)
                return i;
            if (text[i] == '\\')
                i++;
            else if (close == "$" && text[i] == '\n' && i + 1 < text.Length && text[i + 1] == '\n')
                return null;   // no inline formula spans paragraphs: this dollar was money
        }
        return null;
    }
}
