using System.Text;

namespace Agora.Benchmarks;

/// <summary>Reads what is neither list nor relation nor bracket: one expression, with or without a unit, a numeral in a base, or words.</summary>
internal static class MathSingle
{
    private static readonly HashSet<string> AllReals = new(StringComparer.Ordinal) { "allrealnumbers", "allreals", "allrealnumber", "realnumbers", "setofallrealnumbers", "thesetofallrealnumbers", "allrealvalues" };

    private static readonly HashSet<string> NoSolutions = new(StringComparer.Ordinal) { "nosolution", "nosolutions", "nosolutionexists", "nosolutionsexist", "thereisnosolution", "therearenosolutions", "hasnosolution", "hasnosolutions" };

    public static MathStatement Read(ReadOnlySpan<LatexToken> tokens)
    {
        if (Numeral(tokens) is { } numeral)
            return numeral;
        if (IsClock(tokens))
            return AsWords(tokens);
        if (tokens.Length == 1 && tokens[0].Kind == LatexTokenKind.Words && LatexSpellings.NumberWords.TryGetValue(tokens[0].Text, out var counted))
            return new MathStatement.Value(new MathExpression.Number(new ExactNumber(counted, 1), 0));
        if (MathExpressionReader.Read(tokens) is { } whole)
            return new MathStatement.Value(whole, Letters(tokens));
        var isArticle = tokens.Length == 2 && tokens[0] is { Kind: LatexTokenKind.Name, Text: "a" or "A" };
        if (!isArticle && WithoutUnit(tokens) is { IsEmpty: false } bare && bare.Length < tokens.Length && MathExpressionReader.Read(bare) is { } number)
            return new MathStatement.Value(number, Letters(bare));
        var words = AsWords(tokens);
        return AllReals.Contains(words.Text) ? new MathStatement.AllBut([]) : NoSolutions.Contains(words.Text) ? new MathStatement.Words("emptyset") : words;
    }

    private static string? Letters(ReadOnlySpan<LatexToken> tokens)
    {
        var letters = "";
        foreach (var token in tokens)
        {
            if (token.Kind != LatexTokenKind.Name)
                return null;
            letters += token.Text;
        }
        return letters;
    }

    /// <summary>204_5, (204)_5, 2A_{16}, 204_{five}: digits and their base, as words, since the digits alone are another number.</summary>
    private static MathStatement.Words? Numeral(ReadOnlySpan<LatexToken> tokens)
    {
        var mark = tokens.IndexOf(new LatexToken(LatexTokenKind.Symbol, "_"));
        if (mark <= 0 || mark + 1 >= tokens.Length)
            return null;
        var digits = LatexGroups.Trimmed(tokens[..mark]);
        if (LatexGroups.IsEnclosed(digits) && digits[0].IsSymbol('('))
            digits = digits[1..^1];
        var root = LatexGroups.Trimmed(tokens[(mark + 1)..]);
        if (root.Length == 3 && root[0].IsSymbol('('))
            root = root[1..^1];
        if (digits.IsEmpty || digits[0].Kind != LatexTokenKind.Number || root.Length != 1)
            return null;
        var text = "";
        foreach (var token in digits)
        {
            if (token.Kind is not (LatexTokenKind.Number or LatexTokenKind.Name or LatexTokenKind.Words))
                return null;
            text += token.Text;
        }
        var named = LatexSpellings.NumberWords.TryGetValue(root[0].Text, out var value);
        return root[0].Kind == LatexTokenKind.Number || named ? new MathStatement.Words($"{text}_{(named ? value.ToString(System.Globalization.CultureInfo.InvariantCulture) : root[0].Text)}".ToLowerInvariant()) : null;
    }

    /// <summary>10:15 a.m. is a time, of which the half of the day is no unit.</summary>
    private static bool IsClock(ReadOnlySpan<LatexToken> tokens) =>
        tokens.Length == 4 && tokens[1].IsSymbol(':') && tokens[3].Kind == LatexTokenKind.Words && tokens[3].Text.Replace(".", "", StringComparison.Ordinal).Trim().ToLowerInvariant() is "am" or "pm";

    /// <summary>Words behind a number are its unit ("125 miles", "15 cm^2"), and words before it say of what ("is 5").</summary>
    private static ReadOnlySpan<LatexToken> WithoutUnit(ReadOnlySpan<LatexToken> tokens)
    {
        var fraction = tokens.IndexOf(new LatexToken(LatexTokenKind.Command, "frac"));
        if (fraction > 0 && fraction + 2 < tokens.Length && tokens[fraction + 1].IsSymbol('{') && tokens[fraction + 2].Kind == LatexTokenKind.Words)
            return tokens[..fraction];      // 60 \frac{\text{km}}{\text{h}}
        var end = tokens.Length;
        while (end > 0 && tokens[end - 1].Kind != LatexTokenKind.Words)
            end--;
        // A power, a slash or short unit names may follow the words: cm^2, miles per hour.
        var tail = tokens[end..];
        var endsInUnit = end > 0 && (tail.IsEmpty || tail[0].IsSymbol('^') || tail[0].IsSymbol('/') || tail[0].IsSymbol('.') || tail[0].IsSymbol('*'));
        if (endsInUnit)
        {
            var start = 0;
            while (start < end && tokens[start].Kind != LatexTokenKind.Words)
                start++;
            if (HoldsNumber(tokens[start..]))
                return default;     // 3 hours 20 minutes
            if (start > 0)
                return start > 1 && tokens[start - 1].IsSymbol('/') ? tokens[..(start - 1)] : tokens[..start];
        }
        var lead = 0;
        while (lead < tokens.Length && tokens[lead].Kind == LatexTokenKind.Words)
            lead++;
        if (lead == 0)
            return default;
        var rest = LatexGroups.Trimmed(tokens[lead..]);
        return WithoutUnit(rest) is { IsEmpty: false } bare ? bare : rest;      // "is 5 miles"
    }

    /// <summary>Whether a number stands there that is no exponent, as that of cm^2 is.</summary>
    private static bool HoldsNumber(ReadOnlySpan<LatexToken> tokens)
    {
        for (var i = 1; i < tokens.Length; i++)
            if (tokens[i].Kind == LatexTokenKind.Number && !(tokens[i - 1].IsSymbol('^') || (i > 1 && tokens[i - 1].IsSymbol('{') && tokens[i - 2].IsSymbol('^'))))
                return true;
        return false;
    }

    /// <summary>The text without spaces, case, articles, full stops, and brackets around the whole.</summary>
    public static MathStatement.Words AsWords(ReadOnlySpan<LatexToken> tokens)
    {
        var text = new StringBuilder();
        for (var i = 0; i < tokens.Length; i++)
        {
            var token = tokens[i];
            var groups = token.IsSymbol('{') || token.IsSymbol('}') || token.IsSymbol('°');      // these say nothing
            var article = token is { Kind: LatexTokenKind.Name, Text: "a" or "A" } && i + 1 < tokens.Length && tokens[i + 1].Kind == LatexTokenKind.Words;
            if (!groups && !article)
                text.Append(token.Kind == LatexTokenKind.Words ? WithoutArticle(token.Text) : token.Text);
        }
        var bare = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            var isPoint = text[i] == '.' && i > 0 && i + 1 < text.Length && char.IsAsciiDigit(text[i - 1]) && char.IsAsciiDigit(text[i + 1]);
            if (isPoint || text[i] is not ('.' or ' ' or '\\' or '~' or '-'))
                bare.Append(char.ToLowerInvariant(text[i]));
        }
        var words = bare.ToString().TrimEnd(',', '!');
        while (words.Length > 2 && words[0] == '(' && words[^1] == ')')
            words = words[1..^1];
        return new MathStatement.Words(words);
    }

    private static string WithoutArticle(string words)
    {
        foreach (var article in (ReadOnlySpan<string>)["the ", "an ", "a "])
            if (words.StartsWith(article, StringComparison.OrdinalIgnoreCase))
                return words[article.Length..];
        return words;
    }
}
