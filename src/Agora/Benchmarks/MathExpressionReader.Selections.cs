namespace Agora.Benchmarks;

/// <summary>Numbers of ways to choose: 10C3, C(10, 3), _{10}C_3 and their like, and the same with P for selections in an order.</summary>
internal ref partial struct MathExpressionReader
{
    /// <summary>10C3 and 10P3.</summary>
    private MathExpression? ChosenFrom(string digits)
    {
        if (at + 1 >= tokens.Length || tokens[at] is not { Kind: LatexTokenKind.Name or LatexTokenKind.Words, Text: "C" or "P" } letter || tokens[at + 1].Kind != LatexTokenKind.Number
            || Literal(digits) is not { Value.IsInteger: true } of || Literal(tokens[at + 1].Text) is not { Value.IsInteger: true } some)
            return null;
        at += 2;
        return Selections(letter.Text, of, some);
    }

    /// <summary>C(10, 3) and P(10, 3); null where the letter means something else.</summary>
    private MathExpression? Called(string name)
    {
        if (name is not ("C" or "P") || at >= tokens.Length || !tokens[at].IsSymbol('('))
            return null;
        var before = at++;
        var outerBars = barsOpen;
        barsOpen = 0;
        if (Sum() is { } of && at < tokens.Length && tokens[at++].IsSymbol(',') && Closed(Sum(), ')') is { } some)
        {
            barsOpen = outerBars;
            return Selections(name, of, some);
        }
        (at, barsOpen) = (before, outerBars);
        return null;
    }

    /// <summary>Behind the first sign of _{10}C_3, ^{10}P_3 and {}_{10}C_3.</summary>
    private MathExpression? Chosen()
    {
        var of = Script();
        if (of is null || at + 1 >= tokens.Length || tokens[at] is not { Kind: LatexTokenKind.Name or LatexTokenKind.Words, Text: "C" or "P" } letter || !tokens[at + 1].IsSymbol('_'))
            return null;
        at += 2;
        return Script() is { } some ? Selections(letter.Text, of, some) : null;
    }

    /// <summary>{} holds the place of the sign that the subscript behind it belongs to.</summary>
    private MathExpression? AfterNothing()
    {
        at++;
        return at < tokens.Length && (tokens[at].IsSymbol('_') || tokens[at].IsSymbol('^')) ? Atom() : null;
    }

    private static MathExpression Selections(string letter, MathExpression of, MathExpression some)
    {
        var choices = new MathExpression.Binomial(of, some);
        return letter == "C" ? choices : new MathExpression.Product(choices, new MathExpression.Function("factorial", some));
    }
}
