using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace Agora.Benchmarks;

/// <summary>The structure of an answer: what is a list, a tuple, an interval, a matrix, a relation, words or one expression.</summary>
internal abstract record MathStatement
{
    /// <summary>Deeper nesting is read as words.</summary>
    private const int MaximumDepth = 12;

    private MathStatement() { }

    /// <summary>Several answers, without order.</summary>
    public sealed record Several(ImmutableArray<MathStatement> Parts) : MathStatement;

    /// <summary>Parts in order between brackets, whose kinds count: (0, 1) is not [0, 1).</summary>
    public sealed record Bracketed(char Open, char Close, ImmutableArray<MathStatement> Parts) : MathStatement;

    public sealed record Union(ImmutableArray<MathStatement> Parts) : MathStatement;

    public sealed record Matrix(ImmutableArray<ImmutableArray<MathStatement>> Rows) : MathStatement;

    /// <param name="IsName">Whether the left side only names what the right side is: <c>x</c>, <c>f(x)</c>, <c>(p, q)</c>, <c>A : B</c>.</param>
    public sealed record Equation(MathStatement Left, MathStatement Right, bool IsName) : MathStatement;

    public sealed record Value(MathExpression Expression) : MathStatement;

    /// <param name="Text">Without spaces, brackets around the whole, and case.</param>
    public sealed record Words(string Text) : MathStatement;

    public static MathStatement Read(List<LatexToken> tokens) => Read(CollectionsMarshal.AsSpan(tokens), 0);

    private static MathStatement Read(ReadOnlySpan<LatexToken> tokens, int depth)
    {
        tokens = Trimmed(tokens);
        if (depth > MaximumDepth)
            return AsWords(tokens);
        return List(tokens, depth) ?? Relation(tokens, depth) ?? Unions(tokens, depth) ?? MatrixOf(tokens, depth) ?? Brackets(tokens, depth)
            ?? PlusMinus(tokens, depth) ?? (MathStatement?)Single(tokens) ?? AsWords(tokens);
    }

    /// <summary>Without a final full stop or comma, and braces around the whole that only group.</summary>
    private static ReadOnlySpan<LatexToken> Trimmed(ReadOnlySpan<LatexToken> tokens)
    {
        while (!tokens.IsEmpty && (tokens[^1].IsSymbol('.') || tokens[^1].IsSymbol(',') || tokens[^1].IsCommand("row")))
            tokens = tokens[..^1];
        while (!tokens.IsEmpty && (tokens[0].IsSymbol(',') || tokens[0].IsSymbol(':')))
            tokens = tokens[1..];
        while (tokens.Length > 2 && tokens[0].IsSymbol('{') && Closing(tokens, 0) == tokens.Length - 1)
            tokens = tokens[1..^1];
        return tokens;
    }

    private static MathStatement? List(ReadOnlySpan<LatexToken> tokens, int depth)
    {
        var parts = Split(tokens, static token => token.IsSymbol(','));
        if (parts.Count < 2)
            return null;
        var list = ImmutableArray.CreateBuilder<MathStatement>();
        foreach (var range in parts)
        {
            var part = Read(tokens[range], depth + 1);
            if (part is Several several)
                list.AddRange(several.Parts);
            else if (part is not Words { Text: "" })
                list.Add(part);
        }
        return list.Count == 1 ? list[0] : new Several(list.ToImmutable());
    }

    private static MathStatement? Relation(ReadOnlySpan<LatexToken> tokens, int depth)
    {
        var signs = TopLevel(tokens, static token => token.IsSymbol('=') || token.IsSymbol('<') || token.IsSymbol('>')
            || (token.Kind == LatexTokenKind.Command && token.Text is "le" or "ge" or "approx" or "in" or "to" or "equiv"));
        if (signs.Count == 0)
            return null;
        if (signs.TrueForAll(IsOrder(tokens)))
            return Inequality(tokens, signs, depth);
        var left = tokens[..signs[0]];
        // x = 1/3 ≈ 0.33 says 1/3; x ≈ 0.33 says 0.33; t = s + 5 = 8 says 8.
        var last = signs.Count - 1;
        if (last > 0 && tokens[signs[last]].IsCommand("approx"))
            last--;
        else if (last == 0 && tokens[signs[0]].IsCommand("approx") && !Names(left))
            return Read(left, depth + 1);
        var end = last + 1 < signs.Count ? signs[last + 1] : tokens.Length;
        var right = tokens[(signs[last] + 1)..end];
        if (right.IsEmpty || left.IsEmpty)
            return left.IsEmpty && !right.IsEmpty ? Read(right, depth + 1) : null;
        return new Equation(Read(left, depth + 1), Read(right, depth + 1), Names(left) || tokens[signs[last]].IsCommand("in"));
    }

    private static Predicate<int> IsOrder(ReadOnlySpan<LatexToken> tokens)
    {
        var orders = new HashSet<int>();
        for (var i = 0; i < tokens.Length; i++)
            if (tokens[i].IsSymbol('<') || tokens[i].IsSymbol('>') || tokens[i].IsCommand("le") || tokens[i].IsCommand("ge"))
                orders.Add(i);
        return orders.Contains;
    }

    /// <summary>An inequality of one variable is the interval of its values.</summary>
    private static Bracketed? Inequality(ReadOnlySpan<LatexToken> tokens, List<int> signs, int depth)
    {
        var infinity = new Value(new MathExpression.Constant(double.PositiveInfinity));
        var minusInfinity = new Value(new MathExpression.Negative(infinity.Expression));
        if (signs.Count == 1)
        {
            var left = tokens[..signs[0]];
            var right = tokens[(signs[0] + 1)..];
            var (below, strict) = Sign(tokens[signs[0]]);
            if (!Names(left))
            {
                if (!Names(right))
                    return null;
                var swapped = left;
                left = right;
                right = swapped;
                below = !below;
            }
            var bound = Read(right, depth + 1);
            return below
                ? new Bracketed('(', strict ? ')' : ']', [minusInfinity, bound])
                : new Bracketed(strict ? '(' : '[', ')', [bound, infinity]);
        }
        if (signs.Count != 2 || !Names(tokens[(signs[0] + 1)..signs[1]]))
            return null;
        var (firstBelow, firstStrict) = Sign(tokens[signs[0]]);
        var (secondBelow, secondStrict) = Sign(tokens[signs[1]]);
        if (firstBelow != secondBelow)
            return null;
        var (low, high) = (Read(tokens[..signs[0]], depth + 1), Read(tokens[(signs[1] + 1)..], depth + 1));
        return firstBelow
            ? new Bracketed(firstStrict ? '(' : '[', secondStrict ? ')' : ']', [low, high])
            : new Bracketed(secondStrict ? '(' : '[', firstStrict ? ')' : ']', [high, low]);
    }

    private static (bool Below, bool Strict) Sign(LatexToken sign) =>
        (sign.IsSymbol('<') || sign.IsCommand("le"), sign.Kind == LatexTokenKind.Symbol);

    /// <summary>Whether tokens only name something: a letter with or without subscript, f(x), (p, q), words, A : B.</summary>
    private static bool Names(ReadOnlySpan<LatexToken> tokens)
    {
        tokens = Trimmed(tokens);
        if (tokens.IsEmpty)
            return false;
        var letters = 0;
        for (var i = 0; i < tokens.Length; i++)
        {
            var token = tokens[i];
            if (token.Kind is LatexTokenKind.Name or LatexTokenKind.Words)
            {
                letters++;
            }
            else if (token.IsSymbol('_'))
            {
                i++;        // the subscript's only token, or the first of a group that is skipped below
                if (i < tokens.Length && tokens[i].IsSymbol('{'))
                    i = Closing(tokens, i) ?? tokens.Length;
            }
            else if (token.Kind == LatexTokenKind.Number || !(token.IsSymbol('(') || token.IsSymbol(')') || token.IsSymbol(',') || token.IsSymbol(':') || token.IsSymbol('\'') || IsGreek(token)))
            {
                return false;
            }
            else if (IsGreek(token))
            {
                letters++;
            }
        }
        // Two letters side by side are a product, unless brackets or commas tell a function or a tuple.
        return letters == 1 || (letters > 1 && (tokens[0].IsSymbol('(') || tokens[^1].IsSymbol(')') || tokens.Contains(new LatexToken(LatexTokenKind.Symbol, ":")) || tokens[0].Kind == LatexTokenKind.Words));
    }

    private static bool IsGreek(LatexToken token) => token.Kind == LatexTokenKind.Command && token.Text.Length > 2 && MathExpressionReader.Read([token]) is MathExpression.Variable;

    private static Union? Unions(ReadOnlySpan<LatexToken> tokens, int depth)
    {
        var parts = Split(tokens, static token => token.IsCommand("cup"));
        if (parts.Count < 2)
            return null;
        var pieces = ImmutableArray.CreateBuilder<MathStatement>();
        foreach (var range in parts)
            pieces.Add(Read(tokens[range], depth + 1));
        return new Union(pieces.ToImmutable());
    }

    private static Matrix? MatrixOf(ReadOnlySpan<LatexToken> tokens, int depth)
    {
        if (tokens.Length < 3 || !tokens[0].IsCommand("begin") || !tokens[^1].IsCommand("end"))
            return null;
        var content = tokens[1..^1];
        var rows = ImmutableArray.CreateBuilder<ImmutableArray<MathStatement>>();
        foreach (var row in Split(content, static token => token.IsCommand("row")))
        {
            if (content[row].IsEmpty)
                continue;
            var cells = ImmutableArray.CreateBuilder<MathStatement>();
            foreach (var cell in Split(content[row], static token => token.IsSymbol('&')))
                cells.Add(Read(content[row][cell], depth + 1));
            rows.Add(cells.ToImmutable());
        }
        return new Matrix(rows.ToImmutable());
    }

    private static MathStatement? Brackets(ReadOnlySpan<LatexToken> tokens, int depth)
    {
        if (tokens.Length < 3 || !IsOpen(tokens[0]) || tokens[0].IsSymbol('{') || Closing(tokens, 0) != tokens.Length - 1)
            return null;
        var (open, close) = (tokens[0].Text[0], tokens[^1].Text[0]);
        var inner = tokens[1..^1];
        var parts = Split(inner, static token => token.IsSymbol(','));
        if (open == '{')
        {
            var set = ImmutableArray.CreateBuilder<MathStatement>();
            foreach (var range in parts)
                set.Add(Read(inner[range], depth + 1));
            return new Several(set.ToImmutable());
        }
        if (parts.Count < 2)
            return open == '(' && close == ')' ? Read(inner, depth + 1) : null;
        var tuple = ImmutableArray.CreateBuilder<MathStatement>();
        foreach (var range in parts)
            tuple.Add(Read(inner[range], depth + 1));
        return new Bracketed(open, close, tuple.ToImmutable());
    }

    /// <summary>a ± b are two answers.</summary>
    private static Several? PlusMinus(ReadOnlySpan<LatexToken> tokens, int depth)
    {
        LatexToken[] plus = [.. tokens], minus = [.. tokens];
        var found = false;
        for (var i = 0; i < tokens.Length; i++)
        {
            if (tokens[i].Kind == LatexTokenKind.Command && tokens[i].Text is "pm" or "mp")
            {
                found = true;
                var upper = tokens[i].Text == "pm" ? "+" : "-";
                plus[i] = new LatexToken(LatexTokenKind.Symbol, upper);
                minus[i] = new LatexToken(LatexTokenKind.Symbol, upper == "+" ? "-" : "+");
            }
        }
        return found ? new Several([Read(plus, depth + 1), Read(minus, depth + 1)]) : null;
    }

    private static Value? Single(ReadOnlySpan<LatexToken> tokens)
    {
        if (MathExpressionReader.Read(tokens) is { } whole)
            return new Value(whole);
        return WithoutUnit(tokens) is { IsEmpty: false } bare && bare.Length < tokens.Length && MathExpressionReader.Read(bare) is { } number ? new Value(number) : null;
    }

    /// <summary>Words behind a number are its unit ("125 miles", "15 cm^2"), and words before it say of what ("is 5").</summary>
    private static ReadOnlySpan<LatexToken> WithoutUnit(ReadOnlySpan<LatexToken> tokens)
    {
        var end = tokens.Length;
        while (end > 0 && tokens[end - 1].Kind != LatexTokenKind.Words)
            end--;
        // A power, a slash or short unit names may follow the words: cm^2, miles per hour.
        var tail = tokens[end..];
        var endsInUnit = end > 0 && (tail.IsEmpty || tail[0].IsSymbol('^') || tail[0].IsSymbol('/') || tail[0].IsSymbol('.'));
        if (endsInUnit)
        {
            var start = 0;
            while (start < end && tokens[start].Kind != LatexTokenKind.Words)
                start++;
            if (start > 0)
                return start > 1 && tokens[start - 1].IsSymbol('/') ? tokens[..(start - 1)] : tokens[..start];
        }
        var lead = 0;
        while (lead < tokens.Length && tokens[lead].Kind == LatexTokenKind.Words)
            lead++;
        if (lead > 0)
            return tokens[lead..];
        // A short unit without \text: "12 cm", "5 kg". One letter would be a variable.
        var letters = tokens.Length;
        while (letters > 0 && tokens[letters - 1].Kind == LatexTokenKind.Name)
            letters--;
        return letters > 0 && tokens.Length - letters is 2 or 3 && tokens[letters - 1].Kind == LatexTokenKind.Number && letters == 1 ? tokens[..letters] : default;
    }

    private static Words AsWords(ReadOnlySpan<LatexToken> tokens)
    {
        var text = "";
        foreach (var token in tokens)
            if (!token.IsSymbol('{') && !token.IsSymbol('}'))      // they group, and say nothing
                text += token.Text;
        text = text.Replace(" ", "", StringComparison.Ordinal).Replace("\\", "", StringComparison.Ordinal).ToLowerInvariant().TrimEnd('.', ',');
        while (text.Length > 2 && text[0] == '(' && text[^1] == ')')
            text = text[1..^1];
        return new Words(text);
    }

    private static bool IsOpen(LatexToken token) => token.IsSymbol('(') || token.IsSymbol('[') || token.IsSymbol('{') || token.IsCommand("{");

    private static bool IsClose(LatexToken token) => token.IsSymbol(')') || token.IsSymbol(']') || token.IsSymbol('}') || token.IsCommand("}");

    /// <summary>Where the bracket that opens here closes; kinds may differ, as those of [0, 1) do.</summary>
    private static int? Closing(ReadOnlySpan<LatexToken> tokens, int open)
    {
        var depth = 0;
        for (var i = open; i < tokens.Length; i++)
        {
            if (IsOpen(tokens[i]))
                depth++;
            else if (IsClose(tokens[i]) && --depth == 0)
                return i;
        }
        return null;
    }

    private static List<int> TopLevel(ReadOnlySpan<LatexToken> tokens, Predicate<LatexToken> wanted)
    {
        var found = new List<int>();
        var depth = 0;
        for (var i = 0; i < tokens.Length; i++)
        {
            if (IsOpen(tokens[i]) || tokens[i].IsCommand("begin"))
                depth++;
            else if (IsClose(tokens[i]) || tokens[i].IsCommand("end"))
                depth--;
            else if (depth == 0 && wanted(tokens[i]))
                found.Add(i);
        }
        return found;
    }

    private static List<Range> Split(ReadOnlySpan<LatexToken> tokens, Predicate<LatexToken> separator)
    {
        var parts = new List<Range>();
        var start = 0;
        foreach (var at in TopLevel(tokens, separator))
        {
            parts.Add(start..at);
            start = at + 1;
        }
        parts.Add(start..tokens.Length);
        return parts;
    }
}
