using System.Buffers;
using System.Text;

namespace Agora.Benchmarks;

internal enum LatexTokenKind
{
    /// <summary>Digits, with a decimal point or without; thousands separators are gone.</summary>
    Number,
    /// <summary>One letter, or the name of a function or constant written without a backslash.</summary>
    Name,
    /// <summary>A LaTeX command without its backslash, spellings of one thing made one: <c>dfrac</c> is <c>frac</c>.</summary>
    Command,
    Symbol,
    /// <summary>Words: from <c>\text{...}</c>, or plain ones.</summary>
    Words,
}

internal readonly record struct LatexToken(LatexTokenKind Kind, string Text)
{
    public bool IsSymbol(char symbol) => Kind == LatexTokenKind.Symbol && Text[0] == symbol;

    public bool IsCommand(string command) => Kind == LatexTokenKind.Command && Text == command;
}

/// <summary>Cuts an answer, LaTeX or plain, into tokens; what only shapes the print (spaces, sizes, delimiters, dollars, percent signs, degrees) leaves none.</summary>
internal sealed class LatexTokens
{
    /// <summary>Longer answers are compared as texts alone.</summary>
    private const int MaximumTokens = 1500;

    /// <summary>In characters.</summary>
    public const int LongestAnswer = 4 * MaximumTokens;

    private static readonly HashSet<string> Silent = new(StringComparer.Ordinal)
    {
        "left", "right", "big", "Big", "bigg", "Bigg", "bigl", "bigr", "Bigl", "Bigr", "displaystyle", "textstyle", "limits", "quad", "qquad",
        "degree", "circ", "hfill", "hspace", "vspace", "phantom", "par", "newline", "hline", "dots", "ldots", "mathstrut", "rm", "bf", "it",
    };

    private static readonly Dictionary<string, string> Synonyms = new(StringComparer.Ordinal)
    {
        ["dfrac"] = "frac",
        ["tfrac"] = "frac",
        ["cfrac"] = "frac",
        ["dbinom"] = "binom",
        ["tbinom"] = "binom",
        ["leq"] = "le",
        ["leqslant"] = "le",
        ["geq"] = "ge",
        ["geqslant"] = "ge",
        ["lt"] = "<",
        ["gt"] = ">",
        ["ne"] = "neq",
        ["cdot"] = "*",
        ["times"] = "*",
        ["ast"] = "*",
        ["div"] = "/",
        ["lbrace"] = "{",
        ["rbrace"] = "}",
        ["lvert"] = "|",
        ["rvert"] = "|",
        ["vert"] = "|",
        ["mid"] = "|",
        ["lbrack"] = "[",
        ["rbrack"] = "]",
        ["approxeq"] = "approx",
        ["simeq"] = "approx",
        ["thickapprox"] = "approx",
        ["colon"] = ":",
        ["arcsin"] = "asin",
        ["arccos"] = "acos",
        ["arctan"] = "atan",
        ["log"] = "log",
        ["varnothing"] = "emptyset",
        ["land"] = "wedge",
        ["lor"] = "vee",
        ["leftarrow"] = "to",
        ["rightarrow"] = "to",
    };

    private static readonly HashSet<string> TextCommands = new(StringComparer.Ordinal) { "text", "mbox", "textbf", "textit", "textrm", "textnormal", "mathrm", "mathbf", "mathit", "mathsf", "operatorname", "hbox", "textsf", "bold", "boldsymbol" };

    /// <summary>Names that are no product of letters.</summary>
    private static readonly HashSet<string> KnownNames = new(StringComparer.Ordinal)
    {
        "sqrt", "sin", "cos", "tan", "sec", "csc", "cot", "asin", "acos", "atan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "log", "ln", "exp", "pi", "inf", "infty", "infinity", "oo",
    };

    private static readonly SearchValues<char> Arithmetic = SearchValues.Create("0123456789.,+-*/^() ");

    private readonly string text;
    private readonly List<LatexToken> tokens = [];
    private int at;

    private LatexTokens(string text) => this.text = text;

    /// <returns>Null where the answer is too long to be taken apart.</returns>
    public static List<LatexToken>? Of(string answer)
    {
        if (answer.Length > LongestAnswer)
            return null;
        var reader = new LatexTokens(OneBackslash(answer));
        while (reader.at < reader.text.Length && reader.tokens.Count < MaximumTokens)
            reader.Next();
        return reader.tokens.Count < MaximumTokens ? reader.tokens : null;
    }

    /// <summary>Texts that went through one escaping too many have two backslashes where one is meant; in matrices two are a new row.</summary>
    internal static string OneBackslash(string text)
    {
        if (!text.Contains(@"\\", StringComparison.Ordinal))
            return text;
        var matrix = text.Contains(@"\begin", StringComparison.Ordinal) && !text.Contains(@"\\begin", StringComparison.Ordinal);
        if (matrix)
            return text;
        var single = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 2 < text.Length && text[i + 1] == '\\' && (char.IsAsciiLetter(text[i + 2]) || text[i + 2] is '{' or '}' or '(' or ')' or '[' or ']' or '%' or '$' or ',' or '!' or '\\'))
                continue;
            single.Append(text[i]);
        }
        return single.ToString();
    }

    private void Next()
    {
        var c = text[at];
        if (char.IsAsciiDigit(c) || (c == '.' && at + 1 < text.Length && char.IsAsciiDigit(text[at + 1])))
            ReadNumber();
        else if (c == '\\')
            ReadCommand();
        else if (char.IsLetter(c))
            ReadLetters();
        else
            ReadSymbol(c);
    }

    private void ReadNumber()
    {
        var digits = new StringBuilder();
        var point = false;
        while (at < text.Length)
        {
            if (char.IsAsciiDigit(text[at]))
                digits.Append(text[at++]);
            else if (text[at] == '.' && !point && at + 1 < text.Length && char.IsAsciiDigit(text[at + 1]))
            {
                point = true;
                digits.Append(text[at++]);
            }
            else if (!point && ThousandsSeparator() is > 0 and var length)
                at += length;
            else
                break;
        }
        Add(LatexTokenKind.Number, digits.ToString());
    }

    /// <summary>Length of <c>,</c>, <c>{,}</c>, <c>,\!</c> or <c>\,</c> where exactly three digits follow: 1,234 is one number, (1,23) and (1, 234) are pairs.</summary>
    private int ThousandsSeparator()
    {
        foreach (var separator in (ReadOnlySpan<string>)["{,}", @",\!\!", @",\! ", @",\!", @"\,", ","])
        {
            if (string.CompareOrdinal(text, at, separator, 0, separator.Length) != 0)
                continue;
            var group = at + separator.Length;
            var follows = group + 3 <= text.Length && text.AsSpan(group, 3).IndexOfAnyExceptInRange('0', '9') < 0 && (group + 3 == text.Length || !char.IsAsciiDigit(text[group + 3]));
            return follows ? separator.Length : 0;
        }
        return 0;
    }

    private void ReadCommand()
    {
        at++;
        if (at == text.Length)
            return;     // a stray backslash at the end
        if (!char.IsAsciiLetter(text[at]))
        {
            var c = text[at++];
            if (c is '{' or '}')
                Add(LatexTokenKind.Command, c.ToString());
            else if (c == '\\')
                Add(LatexTokenKind.Command, "row");
            else if (c is '|')
                Add(LatexTokenKind.Symbol, "|");
            return;     // spaces, dollars, percent signs and formula delimiters
        }
        var start = at;
        while (at < text.Length && char.IsAsciiLetter(text[at]))
            at++;
        var name = text[start..at];
        if (name.StartsWith("quad", StringComparison.Ordinal))      // \quadx is a slip for \quad x
            at = start + 4;
        if (TextCommands.Contains(name))
            ReadWords();
        else if (name is "begin" or "end")
            ReadEnvironment(name);
        else if (name.StartsWith("quad", StringComparison.Ordinal) || Silent.Contains(name))
            DropDegree(name);
        else if (Synonyms.TryGetValue(name, out var same) && same.Length == 1 && !char.IsAsciiLetter(same[0]))
            Add(same is "{" or "}" ? LatexTokenKind.Command : LatexTokenKind.Symbol, same);
        else
            Add(LatexTokenKind.Command, same ?? name);
    }

    /// <summary><c>^\circ</c> and <c>^{\circ}</c>: the hat and the braces go with the circle.</summary>
    private void DropDegree(string name)
    {
        if (name is not ("circ" or "degree"))
            return;
        var braced = tokens.Count > 1 && tokens[^1].IsSymbol('{') && tokens[^2].IsSymbol('^');
        if (braced)
        {
            tokens.RemoveRange(tokens.Count - 2, 2);
            while (at < text.Length && text[at] == ' ')
                at++;
            if (at < text.Length && text[at] == '}')
                at++;
        }
        else if (tokens.Count > 0 && tokens[^1].IsSymbol('^'))
        {
            tokens.RemoveAt(tokens.Count - 1);
        }
    }

    private void ReadWords()
    {
        while (at < text.Length && text[at] == ' ')
            at++;
        if (at >= text.Length || text[at] != '{')
            return;
        var (start, depth) = (++at, 1);
        while (at < text.Length)
        {
            if (text[at] == '{')
                depth++;
            else if (text[at] == '}' && --depth == 0)
                break;
            at++;
        }
        AddWords(text[start..at]);
        at++;
    }

    private void AddWords(string words)
    {
        var trimmed = words.Replace("$", "", StringComparison.Ordinal).Trim();
        if (trimmed.Length == 0)
            return;
        if (trimmed is "and" or "or" or ", and" or ", or" or "&")
            Add(LatexTokenKind.Symbol, ",");
        else if (!trimmed.AsSpan().ContainsAnyExcept(Arithmetic))
            foreach (var token in Of(trimmed) ?? [])
                tokens.Add(token);
        else
            Add(LatexTokenKind.Words, trimmed);
    }

    private void ReadEnvironment(string which)
    {
        var open = text.IndexOf('{', at);
        var close = open < 0 ? -1 : text.IndexOf('}', open);
        if (close < 0)
        {
            at = text.Length;
            return;
        }
        var name = text[(open + 1)..close];
        at = close + 1;
        if (name is "array" && which == "begin" && at < text.Length && text[at] == '{' && text.IndexOf('}', at) is > 0 and var columns)
            at = columns + 1;
        if (name.Contains("matrix", StringComparison.Ordinal) || name is "array" or "cases")
            Add(LatexTokenKind.Command, which);
    }

    private void ReadLetters()
    {
        var start = at;
        while (at < text.Length && char.IsLetter(text[at]))
            at++;
        var run = text[start..at];
        if (run is "pct" or "percent")
            return;
        if (run is "and" or "or")
        {
            Add(LatexTokenKind.Symbol, ",");
            return;
        }
        if (KnownNames.Contains(run.ToLowerInvariant()))
        {
            AddKnown(run.ToLowerInvariant());
            return;
        }
        var glued = start > 0 && char.IsAsciiDigit(text[start - 1]) && run.StartsWith("or", StringComparison.Ordinal);
        if (glued)      // "x=1orx=2"
        {
            Add(LatexTokenKind.Symbol, ",");
            at = start + 2;
            return;
        }
        // Up to three letters are a product (abc); more are a word, unless none of them is a small vowel-bearing word.
        if (run.Length <= 3)
        {
            foreach (var letter in run)
                Add(LatexTokenKind.Name, letter.ToString());
            return;
        }
        if (tokens.Count > 0 && tokens[^1].Kind == LatexTokenKind.Words)
            tokens[^1] = new LatexToken(LatexTokenKind.Words, $"{tokens[^1].Text} {run}");
        else
            Add(LatexTokenKind.Words, run);
    }

    private void AddKnown(string name)
    {
        var command = name switch
        {
            "arcsin" => "asin",
            "arccos" => "acos",
            "arctan" => "atan",
            "inf" or "infinity" or "oo" => "infty",
            _ => name,
        };
        Add(LatexTokenKind.Command, command);
    }

    private void ReadSymbol(char c)
    {
        at++;
        switch (c)
        {
            case '$' or '%' or ' ' or '\n' or '\t' or '\r' or '~' or '\u00A0' or '\u00B0' or '"' or '`' or '\u200B' or '?':
                break;
            case '\u2212' or '\u2013':
                Add(LatexTokenKind.Symbol, "-");
                break;
            case '\u00D7' or '\u00B7' or '\u22C5':
                Add(LatexTokenKind.Symbol, "*");
                break;
            case '\u00F7':
                Add(LatexTokenKind.Symbol, "/");
                break;
            case '\u2264':
                Add(LatexTokenKind.Command, "le");
                break;
            case '\u2265':
                Add(LatexTokenKind.Command, "ge");
                break;
            case '\u2248':
                Add(LatexTokenKind.Command, "approx");
                break;
            case '\u221E':
                Add(LatexTokenKind.Command, "infty");
                break;
            case '\u221A':
                Add(LatexTokenKind.Command, "sqrt");
                break;
            case '\u222A':
                Add(LatexTokenKind.Command, "cup");
                break;
            case '<' or '>' when at < text.Length && text[at] == '=':
                at++;
                Add(LatexTokenKind.Command, c == '<' ? "le" : "ge");
                break;
            case '*' when at < text.Length && text[at] == '*':
                at++;
                Add(LatexTokenKind.Symbol, "^");
                break;
            case ';':
                Add(LatexTokenKind.Symbol, ",");
                break;
            default:
                Add(LatexTokenKind.Symbol, c.ToString());
                break;
        }
    }

    private void Add(LatexTokenKind kind, string value) => tokens.Add(new LatexToken(kind, value));
}
