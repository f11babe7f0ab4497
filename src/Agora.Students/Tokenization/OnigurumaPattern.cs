using System.Text;

namespace Agora.Students.Tokenization;

/// <summary>Rewrites a regular expression of Oniguruma, the reference's engine in Ruby's syntax, so that .NET's takes it for the same.</summary>
/// <remarks>
/// What differs without an error: \w holds all letters and marks, and of the numbers digits and those that are letters; a class may hold classes; ^ and $ are ends of lines (an option of .NET's); letters of either case
/// are by full case folding. https://github.com/kkos/oniguruma/blob/master/doc/RE
/// </remarks>
internal static class OnigurumaPattern
{
    // Circled Latin letters are symbols by category and alphabetic by property.
    private const string WordCharacters = @"\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\u24B6-\u24E9";
    // Outside of a class \w is another set: it has Latin-1's numbers, too.
    private const string BareWordCharacters = WordCharacters + @"\u00B2\u00B3\u00B9\u00BC-\u00BE";

    // Unicode's long s is another s, which .NET does not fold.
    private const string Contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    private const string ContractionsInEitherCase = "(?:'[sS\u017F]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])";

    /// <param name="beginsWithOption">Some alternative begins with what may be missing, like a space before a word, or is nothing.</param>
    /// <exception cref="ArgumentException">The pattern uses what cannot be rewritten.</exception>
    public static string Rewrite(string pattern, out bool beginsWithOption)
    {
        pattern = pattern.Replace(Contractions, ContractionsInEitherCase, StringComparison.Ordinal);
        var result = new StringBuilder(pattern.Length);
        var depth = 0;                 // of classes
        for (var at = 0; at < pattern.Length; at++)
        {
            var character = pattern[at];
            if (character == '\\' && at + 1 < pattern.Length)
            {
                result.Append(Escape(pattern[++at], depth > 0));
                continue;
            }
            if (character == '[')
            {
                if (depth > 0 && (at + 1 == pattern.Length || pattern[at + 1] is '^' or ':' || pattern[at - 1] == '-'))
                    throw new ArgumentException("a negated or named class inside of a class");
                if (depth++ > 0)
                    continue;          // a class in a class adds to it
                result.Append('[');
                if (at + 1 < pattern.Length && pattern[at + 1] == '^')
                    result.Append(pattern[++at]);
                // At the start it is a character.
                if (at + 1 < pattern.Length && pattern[at + 1] == ']')
                {
                    result.Append(@"\]");
                    at++;
                }
                continue;
            }
            if (character == ']' && depth > 0)
            {
                if (--depth == 0)
                    result.Append(']');
                continue;
            }
            if (depth > 0 && character == '&' && at + 1 < pattern.Length && pattern[at + 1] == '&')
                throw new ArgumentException("an intersection of classes");
            result.Append(character);
        }
        var rewritten = result.ToString();
        beginsWithOption = OptionAtStart(rewritten);
        return rewritten;
    }

    private static bool OptionAtStart(string pattern)
    {
        var groups = new Stack<bool>();        // whether each stands at the start
        var atStart = true;
        for (var at = 0; at < pattern.Length; at++)
        {
            switch (pattern[at])
            {
                case '^':
                    break;
                case '(':
                    groups.Push(atStart);
                    if (pattern.AsSpan(at + 1).StartsWith("?") && pattern.AsSpan(at).IndexOfAny(":!=>)") is > 0 and var length)
                        at += pattern[at + length] == ')' ? length - 1 : length;
                    break;
                case '|':
                    if (atStart)
                        return true;           // nothing is an alternative
                    atStart = !groups.TryPeek(out var group) || group;
                    break;
                case ')':
                    var opened = groups.TryPop(out var first) && first;
                    if (opened && (atStart || MayBeMissing(at + 1)))
                        return true;
                    atStart = false;
                    break;
                default:
                    at = EndOfItem(pattern, at);
                    if (atStart && MayBeMissing(at + 1))
                        return true;
                    atStart = false;
                    break;
            }
        }
        return atStart;

        bool MayBeMissing(int quantifier) => quantifier < pattern.Length && (pattern[quantifier] is '?' or '*' || pattern.AsSpan(quantifier).StartsWith("{0"));
    }

    /// <returns>The last place of the character, escape or class that begins here.</returns>
    private static int EndOfItem(string pattern, int at)
    {
        if (pattern[at] == '\\' && at + 1 < pattern.Length)
            return pattern[at + 1] is 'p' or 'P' && pattern.IndexOf('}', at) is > 0 and var brace ? brace : at + 1;
        if (pattern[at] != '[')
            return at;
        while (++at < pattern.Length - 1 && pattern[at] != ']')
            if (pattern[at] == '\\')
                at++;
        return at;
    }

    private static string Escape(char kind, bool inClass) => (kind, inClass) switch
    {
        ('w', true) => WordCharacters,
        ('w', false) => $"[{BareWordCharacters}]",
        ('W', false) => $"[^{BareWordCharacters}]",
        ('W', true) => throw new ArgumentException(@"\W inside of a class"),
        ('b' or 'B', false) => throw new ArgumentException($@"\{kind}, which stands between words"),
        _ => $@"\{kind}",
    };
}
