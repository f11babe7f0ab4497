namespace Agora.Benchmarks;

/// <summary>Reads equations, names of what follows (<c>x = 5</c>), inequalities as the intervals they are, and <c>x ≠ 1</c>.</summary>
internal static class MathRelation
{
    private static readonly HashSet<string> Signs = new(StringComparer.Ordinal) { "le", "ge", "neq", "approx", "in", "to", "equiv" };

    /// <summary>Marks of geometry that stand before or over names: they name, and compute nothing.</summary>
    private static readonly HashSet<string> Marks = new(StringComparer.Ordinal) { "angle", "measuredangle", "triangle", "overline", "overrightarrow", "vec", "hat", "bar", "tilde", "square", "odot", "widearc", "overarc" };

    public static MathStatement? Read(ReadOnlySpan<LatexToken> tokens, int depth)
    {
        var signs = LatexGroups.TopLevel(tokens, static token => token.IsSymbol('=') || token.IsSymbol('<') || token.IsSymbol('>') || (token.Kind == LatexTokenKind.Command && Signs.Contains(token.Text)));
        if (signs.Count == 0)
            return null;
        var orders = 0;
        foreach (var sign in signs)
            orders += IsOrder(tokens[sign]) ? 1 : 0;
        if (orders == signs.Count)
            return Inequality(tokens, signs, depth);
        // f(x) = y > 0: which of the signs is meant cannot be told. For P = x ≥ 3, P only names.
        if (orders > 0)
            return tokens[signs[0]].IsSymbol('=') && NameOf(tokens[..signs[0]]) is not null ? Read(tokens[(signs[0] + 1)..], depth) : null;
        var left = tokens[..signs[0]];
        // x = 1/3 ≈ 0.33 says 1/3; x ≈ 0.33 says 0.33; t = s + 5 = 8 says 8.
        var last = signs.Count - 1;
        if (last > 0 && tokens[signs[last]].IsCommand("approx"))
            last--;
        else if (last == 0 && !left.IsEmpty && tokens[signs[0]].IsCommand("approx") && NameOf(left) is null)
            return MathStatementReader.Read(left, depth + 1);
        var end = last + 1 < signs.Count ? signs[last + 1] : tokens.Length;
        var right = tokens[(signs[last] + 1)..end];
        if (right.IsEmpty || left.IsEmpty)
            return left.IsEmpty && !right.IsEmpty ? MathStatementReader.Read(right, depth + 1) : null;
        var name = NameOf(left);
        if (tokens[signs[last]].IsCommand("neq"))
            return name is null ? null : new MathStatement.AllBut(MathStatementReader.PartsOf(MathStatementReader.Read(right, depth + 1)));
        if (name is null && signs.Count == 1 && tokens[signs[0]].IsSymbol('=') && NameOf(right) is { } turned)
            return new MathStatement.Equation(MathStatementReader.Read(right, depth + 1), MathStatementReader.Read(left, depth + 1), turned);
        if (name is null && tokens[signs[last]].IsCommand("in"))
            name = "";
        return new MathStatement.Equation(MathStatementReader.Read(left, depth + 1), MathStatementReader.Read(right, depth + 1), name);
    }

    private static bool IsOrder(LatexToken token) => token.IsSymbol('<') || token.IsSymbol('>') || token.IsCommand("le") || token.IsCommand("ge");

    /// <summary>An inequality of one variable and a bound is the interval of its values.</summary>
    private static MathStatement? Inequality(ReadOnlySpan<LatexToken> tokens, List<int> signs, int depth)
    {
        var (below, strict) = Sign(tokens[signs[0]]);
        var left = tokens[..signs[0]];
        if (signs.Count == 1)
        {
            var right = tokens[(signs[0] + 1)..];
            if (left.IsEmpty || right.IsEmpty)
                return null;
            var (leftNames, rightNames) = (NameOf(left) is not null, NameOf(right) is not null);
            var (first, second) = (MathStatementReader.Read(left, depth + 1), MathStatementReader.Read(right, depth + 1));
            var (ofRight, ofLeft) = (new MathDistance.Limit(first, strict), new MathDistance.Limit(second, strict));
            if ((MathDistance.Read(left, below ? null : ofLeft, below ? ofLeft : null) ?? MathDistance.Read(right, below ? ofRight : null, below ? null : ofRight)) is { } distance)
                return distance;
            var bound = rightNames ? first : second;
            if (leftNames == rightNames || (bound is MathStatement.Value(var limit, _) && limit.HasVariables))
                return below ? new MathStatement.Order(first, second, strict) : new MathStatement.Order(second, first, strict);
            if (rightNames)
                (below, second) = (!below, first);
            var infinity = new MathExpression.Constant(double.PositiveInfinity);
            return below
                ? new MathStatement.Bracketed('(', strict ? ')' : ']', [new MathStatement.Value(new MathExpression.Negative(infinity)), second], IsInequality: true)
                : new MathStatement.Bracketed(strict ? '(' : '[', ')', [second, new MathStatement.Value(infinity)], IsInequality: true);
        }
        if (signs.Count != 2)
            return null;
        var middle = tokens[(signs[0] + 1)..signs[1]];
        var (secondBelow, secondStrict) = Sign(tokens[signs[1]]);
        if (below != secondBelow)
            return null;
        var (low, high) = (MathStatementReader.Read(left, depth + 1), MathStatementReader.Read(tokens[(signs[1] + 1)..], depth + 1));
        var (start, end) = (new MathDistance.Limit(low, strict), new MathDistance.Limit(high, secondStrict));
        if (MathDistance.Read(middle, below ? start : end, below ? end : start) is { } ring)
            return ring;
        if (NameOf(middle) is null)
            return null;
        return below
            ? new MathStatement.Bracketed(strict ? '(' : '[', secondStrict ? ')' : ']', [low, high], IsInequality: true)
            : new MathStatement.Bracketed(secondStrict ? '(' : '[', strict ? ')' : ']', [high, low], IsInequality: true);
    }

    private static (bool Below, bool Strict) Sign(LatexToken sign) =>
        (sign.IsSymbol('<') || sign.IsCommand("le"), sign.Kind == LatexTokenKind.Symbol);

    /// <summary>
    /// The text of tokens that only name something, null for others: a letter with or without subscript, f(x), f(2), f^{-1}(x), (p, q), words, A : B, sides and angles
    /// (<c>AB</c>, <c>|AB|</c>, <c>\angle ABC</c>, <c>[ABC]</c>). Two small letters side by side are a product.
    /// </summary>
    public static string? NameOf(ReadOnlySpan<LatexToken> tokens)
    {
        tokens = LatexGroups.Trimmed(tokens);
        return !tokens.IsEmpty && (IsApplication(tokens) || IsGeometric(tokens) || IsPlainName(tokens)) ? Text(tokens) : null;
    }

    private static string Text(ReadOnlySpan<LatexToken> tokens)
    {
        var text = "";
        foreach (var token in tokens)
            if (!token.IsSymbol('{') && !token.IsSymbol('}'))
                text += token.Text;
        return text;
    }

    private static bool IsPlainName(ReadOnlySpan<LatexToken> tokens)
    {
        var letters = 0;
        for (var i = 0; i < tokens.Length; i++)
        {
            var token = tokens[i];
            if (token.Kind is LatexTokenKind.Name or LatexTokenKind.Words || IsGreek(token))
            {
                letters++;
            }
            else if (token.IsSymbol('_'))
            {
                i++;        // the subscript's only token, or the first of a group
                if (i < tokens.Length && tokens[i].IsSymbol('{'))
                    i = LatexGroups.Closing(tokens, i) ?? tokens.Length;
            }
            else if (!(token.IsSymbol('(') || token.IsSymbol(')') || token.IsSymbol(',') || token.IsSymbol(':') || token.IsSymbol('\'')))
            {
                return false;
            }
        }
        return letters == 1 || (letters > 1 && (tokens[0].IsSymbol('(') || tokens[^1].IsSymbol(')') || tokens.Contains(new LatexToken(LatexTokenKind.Symbol, ":")) || tokens[0].Kind == LatexTokenKind.Words));
    }

    /// <summary>A letter, with primes, a subscript or an inverse's exponent, and brackets that reach to the end. x(x + 1) is a product.</summary>
    private static bool IsApplication(ReadOnlySpan<LatexToken> tokens)
    {
        if (tokens[0].Kind != LatexTokenKind.Name && !IsGreek(tokens[0]) && !tokens[0].IsCommand("log") && !tokens[0].IsCommand("ln"))
            return false;
        var at = 1;
        while (at < tokens.Length && (tokens[at].IsSymbol('\'') || tokens[at].IsSymbol('_') || tokens[at].IsSymbol('^')))
        {
            at += tokens[at].IsSymbol('\'') ? 1 : 2;
            if (at <= tokens.Length && tokens[at - 1].IsSymbol('{'))
                at = (LatexGroups.Closing(tokens, at - 1) ?? tokens.Length) + 1;
        }
        if (at >= tokens.Length || !tokens[at].IsSymbol('(') || LatexGroups.Closing(tokens, at) != tokens.Length - 1)
            return false;
        return tokens[0].Text is not ("x" or "y" or "z") || tokens.Length - at == 3;
    }

    private static bool IsGeometric(ReadOnlySpan<LatexToken> tokens)
    {
        var (points, marks) = (0, 0);
        foreach (var token in tokens)
        {
            if (token.Kind == LatexTokenKind.Name && (char.IsUpper(token.Text[0]) || (token.Text == "m" && tokens.Length > 2)))
                points++;
            else if (token.Kind == LatexTokenKind.Command && Marks.Contains(token.Text))
                marks++;
            else if (!(token.IsSymbol('|') || token.IsSymbol('[') || token.IsSymbol(']') || token.IsSymbol('{') || token.IsSymbol('}') || token.IsSymbol('\'') || token.Kind == LatexTokenKind.Words || (marks > 0 && (IsGreek(token) || token.Kind == LatexTokenKind.Name))))
                return false;
        }
        return points > 0 || marks > 0;
    }

    private static bool IsGreek(LatexToken token) => token.Kind == LatexTokenKind.Command && token.Text.Length > 1 && MathExpressionReader.Read([token]) is MathExpression.Variable;
}
