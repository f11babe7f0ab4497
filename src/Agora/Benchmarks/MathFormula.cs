namespace Agora.Benchmarks;

/// <summary>Formulas set off from running text by <c>$...$</c>, <c>$$...$$</c>, <c>\(...\)</c> or <c>\[...\]</c>.</summary>
internal static class MathFormula
{
    /// <summary>More words than this are a text about an answer, not an answer.</summary>
    private const int LongestAnswerWords = 12;

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

    /// <summary>The content of the last formula that holds anything, delimiters included.</summary>
    public static string? Last(string text)
    {
        string? last = null;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] is not ('$' or '\\') || SpanAt(text, i) is not { } end)
            {
                if (text[i] == '\\')
                    i++;
                continue;
            }
            if (text.AsSpan(i, end - i).Trim("$ \\()[].").Length > 0)
                last = text[i..end];
            i = end - 1;
        }
        return last;
    }

    /// <summary>Whether a text is one answer without prose around it: one line, few words outside formulas and <c>\text</c>.</summary>
    public static bool IsWholeAnswer(string text)
    {
        var trimmed = text.AsSpan().Trim();
        if (trimmed.Length == 0 || trimmed.Contains('\n'))
            return false;
        var words = 0;
        for (var i = 0; i < trimmed.Length; i++)
        {
            if (!char.IsAsciiLetter(trimmed[i]) || (i > 0 && (char.IsAsciiLetter(trimmed[i - 1]) || trimmed[i - 1] == '\\')))
                continue;
            var end = i;
            while (end < trimmed.Length && char.IsAsciiLetter(trimmed[end]))
                end++;
            if (end - i > 2)
                words++;
        }
        return words <= LongestAnswerWords && !LooksLikeSentence(trimmed, words);
    }

    private static bool LooksLikeSentence(ReadOnlySpan<char> text, int words) =>
        words > 2 && text.ContainsAny('$', '\\') && SpanAt(text.ToString(), 0) is null;

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
