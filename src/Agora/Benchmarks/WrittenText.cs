namespace Agora.Benchmarks;

/// <summary>Words and sentences, counted as the verifiable constraints define them.</summary>
internal static class WrittenText
{
    /// <summary>Runs without white space that hold a letter or digit; a dash between spaces is no word.</summary>
    public static int CountWords(ReadOnlySpan<char> text)
    {
        var (words, inWord) = (0, false);
        foreach (var c in text)
        {
            if (char.IsWhiteSpace(c))
            {
                inWord = false;
            }
            else if (!inWord && char.IsLetterOrDigit(c))
            {
                inWord = true;
                words++;
            }
        }
        return words;
    }

    /// <summary>Runs of <c>.</c>, <c>!</c>, <c>?</c> (with closing quotes or brackets) before white space or the end; words after the last one are a sentence too.</summary>
    public static int CountSentences(ReadOnlySpan<char> text)
    {
        var (sentences, open) = (0, false);
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsLetterOrDigit(text[i]))
            {
                open = true;
            }
            else if (open && text[i] is '.' or '!' or '?')
            {
                var end = i + 1;
                while (end < text.Length && text[end] is '.' or '!' or '?' or '"' or '\'' or ')' or '\u201D' or '\u2019')
                    end++;
                if (end == text.Length || char.IsWhiteSpace(text[end]))
                {
                    sentences++;
                    open = false;
                }
            }
        }
        return open ? sentences + 1 : sentences;
    }

    /// <summary>How often a word or phrase occurs with no letter or digit adjoining it, in any case; occurrences do not overlap.</summary>
    public static int CountWhole(ReadOnlySpan<char> text, string phrase)
    {
        var (count, at) = (0, 0);
        while (at <= text.Length - phrase.Length)
        {
            var found = text[at..].IndexOf(phrase, StringComparison.OrdinalIgnoreCase);
            if (found < 0)
                break;
            var (start, end) = (at + found, at + found + phrase.Length);
            var whole = (start == 0 || !char.IsLetterOrDigit(text[start - 1])) && (end == text.Length || !char.IsLetterOrDigit(text[end]));
            if (whole)
                count++;
            at = whole ? end : start + 1;
        }
        return count;
    }

    public static bool Any(ReadOnlySpan<char> text, Func<char, bool> predicate)
    {
        foreach (var c in text)
            if (predicate(c))
                return true;
        return false;
    }
}
