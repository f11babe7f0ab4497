using System.Text;

namespace Agora.Benchmarks;

/// <summary>Reads what is neither list nor relation nor bracket: one expression, with or without a unit, a numeral in a base, or words.</summary>
internal static class MathSingle
{
    private static readonly HashSet<string> AllReals = new(StringComparer.Ordinal) { "allrealnumbers", "allreals", "allrealnumber", "realnumbers", "setofallrealnumbers", "thesetofallrealnumbers", "allrealvalues" };

    /// <summary>Words that deny or bound the number behind them.</summary>
    private static readonly HashSet<string> Denials = new(StringComparer.OrdinalIgnoreCase) { "not", "than", "between", "never", "no", "under", "over", "below", "above" };

    public static MathStatement Read(ReadOnlySpan<LatexToken> tokens)
    {
        if (Numeral(tokens) is { } numeral)
            return numeral;
        if (IsClock(tokens))
            return AsWords(tokens);
        var plain = PlainWords(tokens);
        if (plain is not null && NumberInWords.Read(plain, out var isWhole) is { } counted && isWhole)
            return new MathStatement.Value(new MathExpression.Number(counted, 0));
        if (MathExpressionReader.Read(tokens) is { } whole)
            return new MathStatement.Value(whole, Letters(tokens));
        if (ArticleLength(tokens) == 0 && WithoutUnit(tokens) is { IsEmpty: false } bare && bare.Length < tokens.Length && MathExpressionReader.Read(bare) is { } number)
            return new MathStatement.Value(number, Letters(bare)) { Scaled = ScaleOf(tokens, bare) is { } scale ? new MathExpression.Product(number, new MathExpression.Number(new ExactNumber(scale, 1), 0)) : null };
        var words = AsWords(tokens);
        return AllReals.Contains(words.Text) ? new MathStatement.AllBut([]) : words;
    }

    /// <summary>The text of words alone, with hyphens between them; null where there is anything else.</summary>
    private static string? PlainWords(ReadOnlySpan<LatexToken> tokens)
    {
        if (tokens.IsEmpty || tokens[0].Kind != LatexTokenKind.Words)
            return null;
        var text = "";
        foreach (var token in tokens)
        {
            if (token.Kind != LatexTokenKind.Words && !token.IsSymbol('-') && !token.IsSymbol('.'))
                return null;
            text += token.IsSymbol('.') ? "" : $" {token.Text}";
        }
        return text;
    }

    private static System.Numerics.BigInteger? ScaleOf(ReadOnlySpan<LatexToken> tokens, ReadOnlySpan<LatexToken> bare)
    {
        var behind = tokens.IndexOf(bare) + bare.Length;
        return behind < tokens.Length && tokens[behind].Kind == LatexTokenKind.Words ? NumberInWords.Scale(tokens[behind].Text) : null;
    }

    /// <summary>Tokens of an article before words: a, or the letters of an.</summary>
    private static int ArticleLength(ReadOnlySpan<LatexToken> tokens)
    {
        if (tokens.Length < 2 || tokens[0] is not { Kind: LatexTokenKind.Name, Text: "a" or "A" })
            return 0;
        if (tokens[1].Kind == LatexTokenKind.Words)
            return 1;
        return tokens.Length > 2 && tokens[1] is { Kind: LatexTokenKind.Name, Text: "n" } && tokens[2].Kind == LatexTokenKind.Words ? 2 : 0;
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

    /// <summary>204_5, (204)_5, 2A_{16}, 204_{five}, 204 base 5: digits and their base, as words, since the digits alone are another number.</summary>
    private static MathStatement.Words? Numeral(ReadOnlySpan<LatexToken> tokens)
    {
        var mark = tokens.IndexOf(new LatexToken(LatexTokenKind.Symbol, "_"));
        if (mark < 0)
            for (var i = 1; i < tokens.Length && mark < 0; i++)
                mark = IsBase(tokens[i], out _) ? i - 1 : -1;
        if (mark < 0 || mark + 1 >= tokens.Length)
            return null;
        if (!tokens[mark].IsSymbol('_'))
            return Numeral(tokens[..(mark + 1)], tokens[(mark + 1)..]);
        return mark == 0 ? null : Numeral(tokens[..mark], LatexGroups.Trimmed(tokens[(mark + 1)..]));
    }

    /// <summary>"base", and "base five" with its number.</summary>
    private static bool IsBase(LatexToken token, out string named)
    {
        named = "";
        if (token.Kind != LatexTokenKind.Words)
            return false;
        var words = token.Text.ToLowerInvariant().Split(' ', StringSplitOptions.RemoveEmptyEntries).AsSpan();
        if (words.Length > 0 && words[0] == "in")
            words = words[1..];
        if (words.Length is 0 or > 2 || words[0] != "base")
            return false;
        named = words.Length == 2 ? words[1] : "";
        return true;
    }

    private static MathStatement.Words? Numeral(ReadOnlySpan<LatexToken> tokens, ReadOnlySpan<LatexToken> root)
    {
        if (!root.IsEmpty && IsBase(root[0], out var word))
            root = word.Length > 0 && root.Length == 1 ? new[] { new LatexToken(LatexTokenKind.Words, word) } : root[1..];
        var digits = LatexGroups.Trimmed(tokens);
        if (LatexGroups.IsEnclosed(digits) && digits[0].IsSymbol('('))
            digits = digits[1..^1];
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
        return root[0].Kind == LatexTokenKind.Number || named ? new MathStatement.Words($"{text}_{(named ? value.ToString(System.Globalization.CultureInfo.InvariantCulture) : root[0].Text)}".ToLowerInvariant()) { IsNumeral = true } : null;
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
        var lead = 0;
        while (lead < tokens.Length && tokens[lead].Kind == LatexTokenKind.Words)
            lead++;
        if (lead > 0)
        {
            foreach (var token in tokens[..lead])
                if (token.Text.Split(' ').Any(Denials.Contains))
                    return default;
            var rest = LatexGroups.Trimmed(tokens[lead..]);
            var isChoice = rest.Length == 1 && rest[0].Kind == LatexTokenKind.Name && char.IsAsciiLetterUpper(rest[0].Text[0]);     // "Option B"
            if (!isChoice && LatexGroups.TopLevel(rest, static token => token.Kind is LatexTokenKind.Number or LatexTokenKind.Command).Count == 0)
                return default;     // "Evelyn has it", of which "has" is no product
            return WithoutUnit(rest) is { IsEmpty: false } bare ? bare : rest;      // "is 5 miles"
        }
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
            if (tokens[start].Text.StartsWith("is ", StringComparison.Ordinal) && MathRelation.NameOf(tokens[..start]) is not null)
                return default;     // "f(x) is odd"
            if (Letters(tokens[..start]) is "on" or "On" or "it" or "It" or "we" or "We" or "he" or "He")
                return default;     // "It will be a Monday"
            if (start > 0)
                return start > 1 && tokens[start - 1].IsSymbol('/') ? tokens[..(start - 1)] : tokens[..start];
        }
        return default;
    }

    /// <summary>Whether a number stands there that is no exponent, as that of cm^2 is.</summary>
    private static bool HoldsNumber(ReadOnlySpan<LatexToken> tokens)
    {
        for (var i = 1; i < tokens.Length; i++)
            if (tokens[i].Kind == LatexTokenKind.Number && !(tokens[i - 1].IsSymbol('^') || (i > 1 && tokens[i - 1].IsSymbol('{') && tokens[i - 2].IsSymbol('^'))))
                return true;
        return false;
    }

    /// <summary>What the words answer, without spaces, case, articles, full stops, and brackets around the whole.</summary>
    public static MathStatement.Words AsWords(ReadOnlySpan<LatexToken> tokens)
    {
        var text = new StringBuilder();
        for (var i = 0; i < tokens.Length; i++)
        {
            i += ArticleLength(tokens[i..]);
            var token = tokens[i];
            if (!(token.IsSymbol('{') || token.IsSymbol('}') || token.IsSymbol('°')))      // these say nothing
                text.Append(text.Length == 0 || (token.Kind == LatexTokenKind.Name && tokens[i - 1].Kind == LatexTokenKind.Name) ? "" : " ").Append(token.Kind == LatexTokenKind.Words ? WithoutArticle(token.Text) : token.Text);
        }
        var sentence = text.ToString();
        var said = AnswerSentence.Said(sentence);
        if (AnswerSentence.IsNoSolution(said))
            return new MathStatement.Words("emptyset");
        var bare = new StringBuilder(said.Length);
        for (var i = 0; i < said.Length; i++)
        {
            var isPoint = said[i] == '.' && i > 0 && i + 1 < said.Length && char.IsAsciiDigit(said[i - 1]) && char.IsAsciiDigit(said[i + 1]);
            if (isPoint || said[i] is not ('.' or ' ' or '\\' or '~' or '-'))
                bare.Append(char.ToLowerInvariant(said[i]));
        }
        var words = bare.ToString().TrimEnd(',', '!');
        while (words.Length > 2 && words[0] == '(' && words[^1] == ')')
            words = words[1..^1];
        var count = NumberInWords.Read(said, out _) is { } number ? new MathExpression.Number(number, 0) : null;
        return new MathStatement.Words(words, sentence) { Count = count };
    }

    private static string WithoutArticle(string words)
    {
        foreach (var article in (ReadOnlySpan<string>)["the ", "an ", "a "])
            if (words.StartsWith(article, StringComparison.OrdinalIgnoreCase))
                return words[article.Length..];
        return words;
    }
}
