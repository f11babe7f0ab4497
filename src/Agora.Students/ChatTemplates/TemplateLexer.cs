using System.Globalization;
using System.Text;

namespace Agora.Students.ChatTemplates;

internal enum TokenKind { Data, VariableBegin, VariableEnd, BlockBegin, BlockEnd, Name, Text, Integer, Float, Operator, End }

/// <param name="Value">Of a string literal its content, of a number its digits.</param>
internal readonly record struct TemplateToken(TokenKind Kind, string Value, int Line)
{
    public bool Is(TokenKind kind, string value) => Kind == kind && Value == value;
}

/// <summary>Cuts a Jinja template into tokens, with trim_blocks and lstrip_blocks on as for every chat template.</summary>
/// <remarks>https://jinja.palletsprojects.com/en/stable/templates/#whitespace-control</remarks>
internal sealed class TemplateLexer
{
    private static readonly string[] Operators =
        ["//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";"];

    private readonly string source;
    private readonly List<TemplateToken> tokens = [];
    private int at;
    private int line = 1;
    private bool atLineStart = true;    // the text before the next tag begins a line

    private TemplateLexer(string source) => this.source = source;

    public static List<TemplateToken> Read(string template)
    {
        // As Jinja does: one kind of line break, and one final line break dropped.
        var source = template.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        var lexer = new TemplateLexer(source.EndsWith('\n') ? source[..^1] : source);
        lexer.ReadAll();
        return lexer.tokens;
    }

    private void ReadAll()
    {
        while (at < source.Length)
        {
            var tag = NextTag();
            if (tag < 0)
            {
                AddData(source[at..]);
                at = source.Length;
                break;
            }
            var opening = source[tag + 1];
            var control = tag + 2 < source.Length && source[tag + 2] is '-' or '+' ? source[tag + 2] : '\0';
            AddData(BeforeTag(source[at..tag], control, isVariable: opening == '{'));
            CountLines(at, tag);
            at = tag + (control == '\0' ? 2 : 3);
            atLineStart = false;
            if (opening == '#')
                SkipComment();
            else if (opening == '{')
                ReadTag(TokenKind.VariableBegin, TokenKind.VariableEnd, "}}");
            else if (!TryReadRaw())
                ReadTag(TokenKind.BlockBegin, TokenKind.BlockEnd, "%}");
        }
        tokens.Add(new TemplateToken(TokenKind.End, "", line));
    }

    private int NextTag()
    {
        for (var brace = source.IndexOf('{', at); brace >= 0 && brace + 1 < source.Length; brace = source.IndexOf('{', brace + 1))
            if (source[brace + 1] is '{' or '%' or '#')
                return brace;
        return -1;
    }

    private string BeforeTag(string text, char control, bool isVariable)
    {
        if (control == '-')
            return text.TrimEnd();
        if (control == '+' || isVariable)
            return text;
        var lineStart = text.LastIndexOf('\n') + 1;
        return (lineStart > 0 || atLineStart) && string.IsNullOrWhiteSpace(text[lineStart..]) ? text[..lineStart] : text;
    }

    private void AddData(string text)
    {
        if (text.Length > 0)
            tokens.Add(new TemplateToken(TokenKind.Data, text, line));
    }

    private void SkipComment()
    {
        var end = source.IndexOf("#}", at, StringComparison.Ordinal);
        if (end < 0)
            throw new TemplateFault("a comment {# is not closed", line);
        CountLines(at, end);
        var control = end > at && source[end - 1] is '-' or '+' ? source[end - 1] : '\0';
        at = end + 2;
        AfterTag(control, isVariable: false);
    }

    private bool TryReadRaw()
    {
        var word = SkipSpace(at);
        if (string.CompareOrdinal(source, word, "raw", 0, 3) != 0)
            return false;
        var close = SkipSpace(word + 3);
        var trims = close < source.Length && source[close] == '-';
        close += trims ? 1 : 0;
        if (string.CompareOrdinal(source, close, "%}", 0, 2) != 0)
            return false;
        var begin = close + 2;
        if (trims)
            begin = SkipSpace(begin);
        for (var tag = source.IndexOf("{%", begin, StringComparison.Ordinal); tag >= 0; tag = source.IndexOf("{%", tag + 2, StringComparison.Ordinal))
        {
            var name = tag + 2;
            var control = name < source.Length && source[name] is '-' or '+' ? source[name++] : '\0';
            name = SkipSpace(name);
            if (string.CompareOrdinal(source, name, "endraw", 0, 6) != 0)
                continue;
            var end = SkipSpace(name + 6);
            var endControl = end < source.Length && source[end] is '-' or '+' ? source[end++] : '\0';
            if (string.CompareOrdinal(source, end, "%}", 0, 2) != 0)
                continue;
            CountLines(at, begin);
            AddData(BeforeTag(source[begin..tag], control, isVariable: false));
            CountLines(begin, end);
            at = end + 2;
            AfterTag(endControl, isVariable: false);
            return true;
        }
        throw new TemplateFault("a {% raw %} block is not closed", line);
    }

    private int SkipSpace(int from)
    {
        while (from < source.Length && char.IsWhiteSpace(source[from]))
            from++;
        return from;
    }

    /// <summary>White space after a tag that goes with it.</summary>
    private void AfterTag(char control, bool isVariable)
    {
        var from = at;
        if (control == '-')
            at = SkipSpace(at);
        else if (control != '+' && !isVariable && at < source.Length && source[at] == '\n')
            at++;
        atLineStart = at > from && source[at - 1] == '\n';
        CountLines(from, at);
    }

    private void CountLines(int from, int to) => line += source.AsSpan(from, to - from).Count('\n');

    private void ReadTag(TokenKind begin, TokenKind end, string closing)
    {
        tokens.Add(new TemplateToken(begin, "", line));
        var open = new Stack<char>();
        while (true)
        {
            var from = at;
            at = SkipSpace(at);
            CountLines(from, at);
            if (at >= source.Length)
                throw new TemplateFault($"a tag is not closed with {closing}", line);
            if (open.Count == 0 && ClosingAt(closing, begin == TokenKind.BlockBegin) is { } control)
            {
                tokens.Add(new TemplateToken(end, "", line));
                at += closing.Length + (control == '\0' ? 0 : 1);
                AfterTag(control, isVariable: begin == TokenKind.VariableBegin);
                return;
            }
            ReadToken(open);
        }
    }

    /// <returns>The white space control before the closing, or a zero character; null where the tag goes on.</returns>
    private char? ClosingAt(string closing, bool allowsPlus)
    {
        if (string.CompareOrdinal(source, at, closing, 0, 2) == 0)
            return '\0';
        return (source[at] == '-' || (allowsPlus && source[at] == '+')) && string.CompareOrdinal(source, at + 1, closing, 0, 2) == 0 ? source[at] : null;
    }

    private void ReadToken(Stack<char> open)
    {
        var first = source[at];
        if (first is '\'' or '"')
            ReadText(first);
        else if (char.IsAsciiDigit(first))
            ReadNumber();
        else if (first == '_' || char.IsLetter(first))
        {
            var start = at;
            while (at < source.Length && (source[at] == '_' || char.IsLetterOrDigit(source[at])))
                at++;
            tokens.Add(new TemplateToken(TokenKind.Name, source[start..at], line));
        }
        else
            ReadOperator(open);
    }

    private void ReadOperator(Stack<char> open)
    {
        var found = Array.Find(Operators, candidate => string.CompareOrdinal(source, at, candidate, 0, candidate.Length) == 0)
            ?? throw new TemplateFault($"unexpected character {source[at]}", line);
        if (found is "(" or "[" or "{")
            open.Push(found[0] switch { '(' => ')', '[' => ']', _ => '}' });
        else if (found is ")" or "]" or "}" && (!open.TryPop(out var expected) || expected != found[0]))
            throw new TemplateFault($"unexpected {found}", line);
        tokens.Add(new TemplateToken(TokenKind.Operator, found, line));
        at += found.Length;
    }

    private void ReadNumber()
    {
        var start = at;
        if (source[at] == '0' && at + 1 < source.Length && char.ToLowerInvariant(source[at + 1]) is 'x' or 'o' or 'b')
        {
            ReadPrefixedInteger();
            return;
        }
        SkipDigits();
        var isFloat = false;
        if (at + 1 < source.Length && source[at] == '.' && char.IsAsciiDigit(source[at + 1]))
        {
            isFloat = true;
            at++;
            SkipDigits();
        }
        if (at < source.Length && source[at] is 'e' or 'E')
        {
            var digits = at + 1 < source.Length && source[at + 1] is '+' or '-' ? at + 2 : at + 1;
            if (digits < source.Length && char.IsAsciiDigit(source[digits]))
            {
                isFloat = true;
                at = digits;
                SkipDigits();
            }
        }
        tokens.Add(new TemplateToken(isFloat ? TokenKind.Float : TokenKind.Integer, source[start..at].Replace("_", "", StringComparison.Ordinal), line));
    }

    private void SkipDigits()
    {
        while (at < source.Length && (char.IsAsciiDigit(source[at]) || (source[at] == '_' && at + 1 < source.Length && char.IsAsciiDigit(source[at + 1]))))
            at++;
    }

    private void ReadPrefixedInteger()
    {
        var radix = char.ToLowerInvariant(source[at + 1]) switch { 'x' => 16, 'o' => 8, _ => 2 };
        var start = at += 2;
        while (at < source.Length && (char.IsAsciiHexDigit(source[at]) || source[at] == '_'))
            at++;
        try
        {
            var value = Convert.ToInt64(source[start..at].Replace("_", "", StringComparison.Ordinal), radix);
            tokens.Add(new TemplateToken(TokenKind.Integer, value.ToString(CultureInfo.InvariantCulture), line));
        }
        catch (Exception exception) when (exception is FormatException or OverflowException or ArgumentException)
        {
            throw new TemplateFault($"{source[(start - 2)..at]} is not an integer of 64 bits", line);
        }
    }

    private void ReadText(char quote)
    {
        var startLine = line;
        var text = new StringBuilder();
        for (at++; ;)
        {
            if (at >= source.Length)
                throw new TemplateFault("a string is not closed", startLine);
            var character = source[at++];
            if (character == quote)
                break;
            if (character == '\n')
                line++;
            if (character == '\\')
                ReadEscape(text, startLine);
            else
                text.Append(character);
        }
        tokens.Add(new TemplateToken(TokenKind.Text, text.ToString(), startLine));
    }

    /// <summary>Python's escapes; one that Python does not know stays as it is written.</summary>
    private void ReadEscape(StringBuilder text, int startLine)
    {
        if (at >= source.Length)
            throw new TemplateFault("a string is not closed", startLine);
        var kind = source[at++];
        switch (kind)
        {
            case '\n': line++; break;
            case '\\' or '\'' or '"': text.Append(kind); break;
            case 'a': text.Append('\a'); break;
            case 'b': text.Append('\b'); break;
            case 'f': text.Append('\f'); break;
            case 'n': text.Append('\n'); break;
            case 'r': text.Append('\r'); break;
            case 't': text.Append('\t'); break;
            case 'v': text.Append('\v'); break;
            case 'x': text.Append(CodePoint(2)); break;
            case 'u': text.Append(CodePoint(4)); break;
            case 'U': text.Append(CodePoint(8)); break;
            case >= '0' and <= '7':
                var value = kind - '0';
                for (var digits = 1; digits < 3 && at < source.Length && source[at] is >= '0' and <= '7'; digits++)
                    value = 8 * value + (source[at++] - '0');
                text.Append((char)value);
                break;
            default: text.Append('\\').Append(kind); break;
        }
    }

    private string CodePoint(int digits)
    {
        if (at + digits <= source.Length && int.TryParse(source.AsSpan(at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value) && value is >= 0 and <= 0x10FFFF)
        {
            at += digits;
            return value is >= 0xD800 and <= 0xDFFF ? ((char)value).ToString() : char.ConvertFromUtf32(value);
        }
        throw new TemplateFault($"an escape in a string needs {digits} hexadecimal digits", line);
    }
}
