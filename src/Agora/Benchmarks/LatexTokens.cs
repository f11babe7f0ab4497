using System.Buffers;
using System.Text;

namespace Agora.Benchmarks;

internal enum LatexTokenKind
{
    /// <summary>Digits, with a decimal point or without, thousands separators gone; digits that repeat stand in brackets: <c>0.1(6)</c>.</summary>
    Number,
    /// <summary>One letter.</summary>
    Name,
    /// <summary>A LaTeX command without its backslash, spellings of one thing made one: <c>dfrac</c> is <c>frac</c>. Functions and constants written without a backslash are commands, too.</summary>
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

/// <summary>Cuts an answer, LaTeX or plain, into tokens; what only shapes the print (spaces, sizes, delimiters, dollars, percent signs) leaves none.</summary>
internal sealed partial class LatexTokens
{
    /// <summary>Longer answers are compared as texts alone.</summary>
    private const int MaximumTokens = 1500;

    /// <summary>In characters.</summary>
    public const int LongestAnswer = 4 * MaximumTokens;

    /// <summary>Texts within texts beyond this are left as words.</summary>
    private const int MaximumDepth = 20;

    private static readonly SearchValues<char> Arithmetic = SearchValues.Create("0123456789.,+-*/^():<>= ");

    private readonly string text;
    private readonly int depth;
    private readonly List<LatexToken> tokens = [];
    private int at;

    private LatexTokens(string text, int depth) => (this.text, this.depth) = (text, depth);

    /// <returns>Null where the answer is too long to be taken apart.</returns>
    public static List<LatexToken>? Of(string answer) => answer.Length > LongestAnswer ? null : Of(OneBackslash(LatexSpellings.Ascii(answer)), 0);

    private static List<LatexToken>? Of(string text, int depth)
    {
        var reader = new LatexTokens(text, depth);
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
        if (char.IsAsciiDigit(c) || (c == '.' && at + 1 < text.Length && (char.IsAsciiDigit(text[at + 1]) || RepeatedDigits(at + 1, out _) is not null)))
            ReadNumber();
        else if (c == '\\')
            ReadCommand();
        else if (char.IsLetter(c))
            ReadLetters();
        else
            ReadSymbol(c);
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
                ReadRowEnd();
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
        if (LatexSpellings.Text.Contains(name))
            AddWords(Argument());
        else if (LatexSpellings.Fonts.Contains(name))
            AddFormula(Argument());
        else if (name is "mathbb" or "Bbb")
            Add(LatexTokenKind.Command, Argument().Trim());
        else if (name is "begin" or "end")
            ReadEnvironment(name);
        else if (LatexSpellings.SilentWithArgument.Contains(name))
            Argument();
        else if (name is "mod" or "bmod")
            DropModulus();
        else if (!name.StartsWith("quad", StringComparison.Ordinal) && !LatexSpellings.Silent.Contains(name))
            AddSpelled(LatexSpellings.Synonyms.GetValueOrDefault(name, name));
    }

    private void AddSpelled(string name)
    {
        if (name == "°")
            AddDegree();
        else if (name.Length > 1 || name == "R")
            Add(LatexTokenKind.Command, name);
        else if (name is "{" or "}")
            Add(LatexTokenKind.Command, name);
        else
            Add(char.IsAsciiLetter(name[0]) ? LatexTokenKind.Name : LatexTokenKind.Symbol, name);
    }

    /// <summary>A new row, and the space below it: <c>\\[4pt]</c>.</summary>
    private void ReadRowEnd()
    {
        Add(LatexTokenKind.Command, "row");
        if (at + 1 < text.Length && text[at] == '[' && (char.IsAsciiDigit(text[at + 1]) || text[at + 1] is '-' or '.') && text.IndexOf(']', at) is var close and > 0
            && char.IsAsciiLetter(text[close - 1]))
            at = close + 1;
    }

    /// <summary><c>^\circ</c> and <c>^{\circ}</c>: the hat and the braces go with the circle.</summary>
    private void AddDegree()
    {
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
        Add(LatexTokenKind.Symbol, "°");
    }

    /// <summary><c>9 \mod 11</c> says 9.</summary>
    private void DropModulus()
    {
        while (at < text.Length && text[at] == ' ')
            at++;
        if (at < text.Length && text[at] == '{')
            Argument();
        while (at < text.Length && char.IsAsciiDigit(text[at]))
            at++;
    }

    /// <summary>What the braces behind a command hold; empty where none open.</summary>
    private string Argument()
    {
        while (at < text.Length && text[at] == ' ')
            at++;
        if (at >= text.Length || text[at] != '{')
            return "";
        var (start, open) = (++at, 1);
        while (at < text.Length)
        {
            if (text[at] == '{')
                open++;
            else if (text[at] == '}' && --open == 0)
                break;
            at++;
        }
        var content = text[start..at];
        at = Math.Min(text.Length, at + 1);
        return content;
    }

    private void AddFormula(string content)
    {
        if (depth < MaximumDepth)
            tokens.AddRange(Of(content, depth + 1) ?? []);
        else
            Add(LatexTokenKind.Words, content);
    }

    private void AddWords(string words)
    {
        var trimmed = words.Replace(@"\$", "", StringComparison.Ordinal).Replace("$", "", StringComparison.Ordinal).Trim(' ', '~', '\t', '\n');
        if (trimmed.Length == 0)
            return;
        var isScript = tokens.Count > 0 && tokens[^1].IsSymbol('^');
        var isUnit = tokens.Count > 0 && tokens[^1].Kind == LatexTokenKind.Number && char.IsAsciiLetter(trimmed[0]) && !trimmed.Contains('\\');
        if (trimmed is "and" or "or" or ", and" or ", or" or "&")
            Add(LatexTokenKind.Symbol, ",");
        else if (isScript && trimmed is "o")
            AddDegree();
        else if (OpensScriptOfNumber() is { } raised && IsOrdinal(raised, trimmed))
            DropScript();
        else if (LatexSpellings.Names.TryGetValue(trimmed, out var command))
            Add(LatexTokenKind.Command, command);
        else if (trimmed is "i" or "e" && tokens.Count + text.Length - at > 0)
            Add(LatexTokenKind.Name, trimmed);
        else if (depth < MaximumDepth && (!trimmed.AsSpan().ContainsAnyExcept(Arithmetic) || trimmed.Contains('\\') || (trimmed.Contains('^') && !isUnit)))
            AddFormula(trimmed);
        else
            AddList(trimmed);
    }

    /// <summary>"Alice and Bob", "A, B, C" are several answers; a sentence with a bracket or a full stop is one.</summary>
    private void AddList(string words)
    {
        var parts = words.Replace(" and ", ",", StringComparison.Ordinal).Replace(" or ", ",", StringComparison.Ordinal).Split(',');
        if (words.AsSpan().ContainsAny('(', '.') && !IsListOfChoices(parts))
        {
            Add(LatexTokenKind.Words, words);
            return;
        }
        for (var part = 0; part < parts.Length; part++)
        {
            if (part > 0)
                Add(LatexTokenKind.Symbol, ",");
            var trimmed = parts[part].Trim();
            if (trimmed.StartsWith("and ", StringComparison.Ordinal))
                trimmed = trimmed[4..];
            if (trimmed.Length > 0 && (char.IsAsciiDigit(trimmed[0]) || !trimmed.AsSpan().ContainsAnyExcept(Arithmetic)))
                AddFormula(trimmed);
            else if (trimmed.Length > 0)
                Add(LatexTokenKind.Words, trimmed);
        }
    }

    /// <summary>"(A), (B), and (D)".</summary>
    private static bool IsListOfChoices(string[] parts) =>
        parts.Length > 1 && parts.All(part => part.Trim() is var choice && (choice.StartsWith("and ", StringComparison.Ordinal) ? choice[4..] : choice) is ['(', >= 'A' and <= 'Z', ')'] or "");

    /// <summary>1st, 2nd, 3rd, 4th, 11th; 6st is a product.</summary>
    private static bool IsOrdinal(string digits, string letters) => letters == digits switch
    {
        [.., '1', '1' or '2' or '3'] => "th",
        [.., '1'] => "st",
        [.., '2'] => "nd",
        [.., '3'] => "rd",
        _ => "th",
    };

    /// <summary>The digits whose exponent begins here; null where none does.</summary>
    private string? OpensScriptOfNumber() => tokens switch
    {
        [.., { Kind: LatexTokenKind.Number, Text: var digits }, var hat] when hat.IsSymbol('^') => digits,
        [.., { Kind: LatexTokenKind.Number, Text: var digits }, var hat, var brace] when hat.IsSymbol('^') && brace.IsSymbol('{') => digits,
        _ => null,
    };

    /// <summary>Of 12^{th}: the hat and the braces go with the letters.</summary>
    private void DropScript()
    {
        if (tokens[^1].IsSymbol('{'))
        {
            tokens.RemoveAt(tokens.Count - 1);
            while (at < text.Length && text[at] == ' ')
                at++;
            if (at < text.Length && text[at] == '}')
                at++;
        }
        tokens.RemoveAt(tokens.Count - 1);
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
        if (name is "vmatrix" or "Vmatrix")     // a determinant is no matrix
            Add(LatexTokenKind.Symbol, "|");
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
        if (run is "mod" && tokens.Count > 0 && tokens[^1].IsSymbol('(') && text.IndexOf(')', at) is >= 0 and var close)     // "9 (mod 11)" says 9
        {
            tokens.RemoveAt(tokens.Count - 1);
            at = close + 1;
            return;
        }
        if (tokens.Count > 0 && tokens[^1] is { Kind: LatexTokenKind.Number, Text: var digits } && char.IsAsciiDigit(text[start - 1]) && IsOrdinal(digits, run) && !(at < text.Length && text[at] is '^' or '_' or '+' or '-'))
            return;     // 12th
        if (OpensScriptOfNumber() is { } raised && IsOrdinal(raised, run))
        {
            DropScript();
            return;
        }
        if (LatexSpellings.Names.TryGetValue(run, out var command))
        {
            Add(LatexTokenKind.Command, command);
            return;
        }
        if (run.Length > 2 && run[..2] is "ln" && run.Length == 3)      // "lnx"
        {
            Add(LatexTokenKind.Command, "ln");
            at = start + 2;
            return;
        }
        var behindNumber = tokens.Count > 0 && (tokens[^1].Kind == LatexTokenKind.Number || tokens[^1].IsSymbol('}') || tokens[^1].IsCommand("pi"));
        if (behindNumber && run.Length > 1 && run.StartsWith("or", StringComparison.Ordinal) && char.IsAsciiDigit(text[start - 1]))      // "x=1orx=2"
        {
            Add(LatexTokenKind.Symbol, ",");
            at = start + 2;
            return;
        }
        if (behindNumber && run is "x" && NextIsDigit())
        {
            Add(LatexTokenKind.Symbol, "*");        // 1.5 x 10^6
            return;
        }
        if (run is "o" && tokens.Count > 1 && tokens[^1].IsSymbol('^') && tokens[^2].Kind == LatexTokenKind.Number)
        {
            AddDegree();        // 60^o
            return;
        }
        if (behindNumber && run is "m" && string.CompareOrdinal(text, at, "/s", 0, 2) == 0)
        {
            AddRun("m/s");
            at += 2;
            return;
        }
        // Up to three letters are a product (abc), unless they are a word or a name (Bob); more are a word.
        var isWord = run.Length > 3 || LatexSpellings.ShortWords.Contains(run) || (behindNumber && LatexSpellings.Units.Contains(run))
            || (run.Length == 3 && char.IsUpper(run[0]) && char.IsLower(run[1]) && char.IsLower(run[2]));
        if (isWord)
            AddRun(run);
        else
            foreach (var letter in run)
                Add(LatexTokenKind.Name, letter.ToString());
    }

    private void AddRun(string run)
    {
        if (tokens.Count > 0 && tokens[^1].Kind == LatexTokenKind.Words)
            tokens[^1] = new LatexToken(LatexTokenKind.Words, $"{tokens[^1].Text} {run}");
        else
            Add(LatexTokenKind.Words, run);
    }

    private bool NextIsDigit()
    {
        var next = at;
        while (next < text.Length && text[next] == ' ')
            next++;
        return next < text.Length && char.IsAsciiDigit(text[next]);
    }

    private void ReadSymbol(char c)
    {
        at++;
        switch (c)
        {
            case '$' or '%' or ' ' or '\n' or '\t' or '\r' or '~' or '"' or '`' or '?':
                break;
            case '<' or '>' when at < text.Length && text[at] == '=':
                at++;
                Add(LatexTokenKind.Command, c == '<' ? "le" : "ge");
                break;
            case '*' when at < text.Length && text[at] == '*':
                at++;
                if (at < text.Length && tokens.Count > 0 && !tokens[^1].IsSymbol('*'))      // 2**3 is a power; **5** is only bold
                    Add(LatexTokenKind.Symbol, "^");
                break;
            case '*' when tokens.Count == 0:
                break;
            case '&' when tokens.FindLastIndex(token => token.IsCommand("begin")) <= tokens.FindLastIndex(token => token.IsCommand("end")):
                break;      // lines up the rows of aligned equations
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
