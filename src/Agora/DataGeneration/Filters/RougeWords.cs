namespace Agora.DataGeneration.Filters;

/// <summary>The words that ROUGE compares.</summary>
/// <remarks>
/// The rules of the scorer that Self-Instruct uses (google-research/rouge, tokenizer without stemmer): lower case, then runs of a–z and 0–9; everything else separates. Two letters
/// outside ASCII have an ASCII letter as their lower case and count as that: the Kelvin sign, and I with a dot above, behind which a word ends.
/// </remarks>
public static class RougeWords
{
    private const char Kelvin = '\u212a';
    private const char DottedCapitalI = '\u0130';

    /// <param name="each">Is given every word in order; the span is overwritten by the next.</param>
    internal static void Read(string text, Action<ReadOnlySpan<char>> each)
    {
        var word = text.Length <= 1024 ? stackalloc char[text.Length] : new char[text.Length];
        var length = 0;
        foreach (var c in text)
        {
            if (char.IsAsciiLetterOrDigit(c)) word[length++] = char.ToLowerInvariant(c);
            else if (c == Kelvin) word[length++] = 'k';
            else
            {
                if (c == DottedCapitalI) word[length++] = 'i';
                if (length > 0) each(word[..length]);
                length = 0;
            }
        }
        if (length > 0) each(word[..length]);
    }

    public static IReadOnlyList<string> Of(string text)
    {
        var words = new List<string>();
        Read(text, word => words.Add(word.ToString()));
        return words;
    }
}
