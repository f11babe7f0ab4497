namespace Agora.DataGeneration.Filters;

/// <summary>The words of a text where spelling does not matter and formulas do: letters and digits of any script in lower case, and each mathematical sign for itself.</summary>
/// <remarks>Punctuation, quotes and white space only separate, so that a copied question is found behind another layout; "3 + 4" and "3 - 4" stay two questions.</remarks>
internal static class NormalizedWords
{
    /// <param name="each">Is given every word in order; the span is overwritten by the next.</param>
    public static void Read(string text, Action<ReadOnlySpan<char>> each)
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
            if (IsSign(c)) each(text.AsSpan(place, 1));
        }
        if (length > 0) each(word[..length]);
    }

    public static string[] Of(string text)
    {
        var words = new List<string>();
        Read(text, word => words.Add(word.ToString()));
        return [.. words];
    }

    private static bool IsSign(char c) => c is '-' or '*' or '/' or '%' or '^' or '=' or '<' or '>' or '+' || (c > 127 && char.IsSymbol(c));
}
