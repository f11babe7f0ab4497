namespace Agora.DataGeneration.Filters;

/// <summary>The words of a text where spelling does not matter: letters and digits of any script in lower case, and signs for themselves.</summary>
/// <remarks>
/// Where copies are looked for, only the signs of formulas count: punctuation, quotes and white space separate, so that a copied question is found behind another layout, and "3 + 4" and "3 - 4" stay two questions.
/// Where repetition is measured, every visible sign counts, so that code has words, too.
/// </remarks>
internal static class NormalizedWords
{
    /// <param name="each">Is given every word in order; the span is overwritten by the next.</param>
    /// <param name="everySign">Whether all visible signs are words, or those of formulas alone.</param>
    public static void Read(string text, Action<ReadOnlySpan<char>> each, bool everySign = false)
    {
        var word = text.Length <= 1024 ? stackalloc char[text.Length] : new char[text.Length];
        var length = 0;
        for (var place = 0; place < text.Length; place++)
        {
            var c = text[place];
            if (char.IsLetterOrDigit(c) || char.IsSurrogate(c))
            {
                word[length++] = char.ToLowerInvariant(c);
                continue;
            }
            if (length > 0) each(word[..length]);
            length = 0;
            if (everySign ? !char.IsWhiteSpace(c) && !char.IsControl(c) : IsSign(c)) each(text.AsSpan(place, 1));
        }
        if (length > 0) each(word[..length]);
    }

    public static string[] Of(string text, bool everySign = false)
    {
        var words = new List<string>();
        Read(text, word => words.Add(word.ToString()), everySign);
        return [.. words];
    }

    private static bool IsSign(char c) => c is '-' or '*' or '/' or '%' or '^' or '=' or '<' or '>' or '+' || (c > 127 && char.IsSymbol(c));
}
