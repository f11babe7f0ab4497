using System.Globalization;
using System.Numerics;

namespace Agora.Students.ChatTemplates;

internal sealed partial class TemplateParser
{
    /// <summary>One expression, or several with commas between them, which make a tuple.</summary>
    private Expression ParseTuple(bool withCondition = true)
    {
        var line = Current.Line;
        var first = withCondition ? ParseExpression() : ParseOr();
        if (!Current.Is(TokenKind.Operator, ","))
            return first;
        var items = new List<Expression> { first };
        while (TakeOperator(","))
        {
            if (EndsTuple())
                break;
            items.Add(withCondition ? ParseExpression() : ParseOr());
        }
        return new ListExpression(items, IsTuple: true, line);
    }

    private bool EndsTuple() => Current.Kind is TokenKind.VariableEnd or TokenKind.BlockEnd || Current.Is(TokenKind.Operator, ")");

    private Expression ParseExpression()
    {
        using var nesting = Nest();
        var line = Current.Line;
        var value = ParseOr();
        while (TakeName("if"))
        {
            var condition = ParseOr();
            value = new ConditionalExpression(condition, value, TakeName("else") ? ParseExpression() : null, line);
        }
        return value;
    }

    private Expression ParseOr()
    {
        var left = ParseAnd();
        while (Current is { Kind: TokenKind.Name, Value: "or", Line: var line })
        {
            Take();
            left = new LogicExpression(IsAnd: false, left, ParseAnd(), line);
        }
        return left;
    }

    private Expression ParseAnd()
    {
        var left = ParseNot();
        while (Current is { Kind: TokenKind.Name, Value: "and", Line: var line })
        {
            Take();
            left = new LogicExpression(IsAnd: true, left, ParseNot(), line);
        }
        return left;
    }

    private Expression ParseNot()
    {
        if (Current is not { Kind: TokenKind.Name, Value: "not", Line: var line })
            return ParseCompare();
        using var nesting = Nest();
        Take();
        return new NotExpression(ParseNot(), line);
    }

    private Expression ParseCompare()
    {
        var line = Current.Line;
        var first = ParseSum();
        var rest = new List<(string, Expression)>();
        while (true)
        {
            if (Current is { Kind: TokenKind.Operator, Value: "==" or "!=" or "<" or "<=" or ">" or ">=" })
                rest.Add((Take().Value, ParseSum()));
            else if (TakeName("in"))
                rest.Add(("in", ParseSum()));
            else if (Current.Is(TokenKind.Name, "not") && tokens[at + 1].Is(TokenKind.Name, "in"))
            {
                at += 2;
                rest.Add(("not in", ParseSum()));
            }
            else
                return rest.Count == 0 ? first : new CompareExpression(first, rest, line);
        }
    }

    private Expression ParseSum() => ParseBinary(ParseConcatenation, "+", "-");

    private Expression ParseConcatenation() => ParseBinary(ParseProduct, "~", "~");

    private Expression ParseProduct()
    {
        var left = ParsePower();
        while (Current is { Kind: TokenKind.Operator, Value: "*" or "/" or "//" or "%" } token)
        {
            Take();
            left = new BinaryExpression(token.Value, left, ParsePower(), token.Line);
        }
        return left;
    }

    private Expression ParsePower() => ParseBinary(() => ParseUnary(withFilters: true), "**", "**");

    private Expression ParseBinary(Func<Expression> operand, string one, string other)
    {
        var left = operand();
        while (Current.Kind == TokenKind.Operator && (Current.Value == one || Current.Value == other))
        {
            var token = Take();
            left = new BinaryExpression(token.Value, left, operand(), token.Line);
        }
        return left;
    }

    private Expression ParseUnary(bool withFilters)
    {
        using var nesting = Nest();
        var line = Current.Line;
        Expression value;
        if (TakeOperator("-"))
            value = new SignExpression(ParseUnary(withFilters: false), Negative: true, line);
        else if (TakeOperator("+"))
            value = new SignExpression(ParseUnary(withFilters: false), Negative: false, line);
        else
            value = ParsePrimary();
        value = ParsePostfix(value);
        return withFilters ? ParseFiltersAndTests(value) : value;
    }

    private Expression ParsePrimary()
    {
        var token = Take();
        switch (token.Kind)
        {
            case TokenKind.Name:
                spoken.Add(token.Value);
                return token.Value switch
                {
                    "true" or "True" => new Literal(true, token.Line),
                    "false" or "False" => new Literal(false, token.Line),
                    "none" or "None" => new Literal(null, token.Line),
                    _ => new Name(token.Value, token.Line),
                };
            case TokenKind.Text:
                var text = token.Value;
                while (Current.Kind == TokenKind.Text)
                    text += Take().Value;
                return new Literal(text, token.Line);
            case TokenKind.Integer:
                return new Literal(TemplateValues.Shorten(BigInteger.Parse(token.Value, CultureInfo.InvariantCulture)), token.Line);
            case TokenKind.Float:
                return new Literal(double.Parse(token.Value, CultureInfo.InvariantCulture), token.Line);
            case TokenKind.Operator when token.Value == "(":
                if (TakeOperator(")"))
                    return new ListExpression([], IsTuple: true, token.Line);
                var inner = ParseTuple();
                ExpectOperator(")");
                return inner;
            case TokenKind.Operator when token.Value == "[":
                return new ListExpression(ParseItems("]", ParseExpression), IsTuple: false, token.Line);
            case TokenKind.Operator when token.Value == "{":
                return new DictExpression(ParseItems("}", ParseEntry), token.Line);
            default:
                throw new TemplateFault($"unexpected {Describe(token)}", token.Line);
        }
    }

    private (Expression Key, Expression Value) ParseEntry()
    {
        var key = ParseExpression();
        ExpectOperator(":");
        return (key, ParseExpression());
    }

    private List<T> ParseItems<T>(string end, Func<T> item)
    {
        var items = new List<T>();
        while (!TakeOperator(end))
        {
            if (items.Count > 0)
            {
                ExpectOperator(",");
                if (TakeOperator(end))
                    break;
            }
            items.Add(item());
        }
        return items;
    }

    private Expression ParsePostfix(Expression value)
    {
        while (true)
        {
            var line = Current.Line;
            if (TakeOperator("."))
            {
                // "foo.0" is an index, as in Jinja.
                value = Current.Kind == TokenKind.Integer
                    ? new IndexExpression(value, ParsePrimary(), line)
                    : new MemberExpression(value, Expect(TokenKind.Name, "a member's name").Value, line);
            }
            else if (TakeOperator("["))
                value = ParseSubscript(value, line);
            else if (Current.Is(TokenKind.Operator, "("))
                value = new CallExpression(value, ParseArguments(), line);
            else
                return value;
        }
    }

    private Expression ParseSubscript(Expression value, int line)
    {
        if (TakeOperator("]"))
            return new IndexExpression(value, new ListExpression([], IsTuple: true, line), line);
        Expression? start = Current.Is(TokenKind.Operator, ":") ? null : ParseExpression();
        if (Current.Is(TokenKind.Operator, ","))
        {
            // Several make a tuple, the key of a mapping at most.
            var parts = new List<Expression> { start! };
            while (!Current.Is(TokenKind.Operator, "]"))
            {
                ExpectOperator(",");
                parts.Add(ParseExpression());
            }
            start = new ListExpression(parts, IsTuple: true, line);
        }
        if (!TakeOperator(":"))
        {
            ExpectOperator("]");
            return new IndexExpression(value, start!, line);
        }
        Expression? Part() => Current is { Kind: TokenKind.Operator, Value: ":" or "]" } ? null : ParseExpression();
        var stop = Part();
        var step = TakeOperator(":") ? Part() : null;
        ExpectOperator("]");
        return new SliceExpression(value, start, stop, step, line);
    }

    private Expression ParseFiltersAndTests(Expression value)
    {
        while (true)
        {
            var line = Current.Line;
            if (TakeOperator("|"))
            {
                var name = Expect(TokenKind.Name, "a filter's name").Value;
                value = new FilterExpression(value, name, Current.Is(TokenKind.Operator, "(") ? ParseArguments() : CallArguments.None, line);
            }
            else if (TakeName("is"))
                value = ParseTest(value, line);
            else if (Current.Is(TokenKind.Operator, "("))
                value = new CallExpression(value, ParseArguments(), line);
            else
                return value;
        }
    }

    private Expression ParseTest(Expression value, int line)
    {
        var negated = TakeName("not");
        var name = Expect(TokenKind.Name, "a test's name").Value;
        var arguments = CallArguments.None;
        if (Current.Is(TokenKind.Operator, "("))
            arguments = ParseArguments();
        else if (BeginsTestArgument())
            arguments = new CallArguments([ParsePostfix(ParsePrimary())], [], null, null);
        var test = new TestExpression(value, name, arguments, line);
        return negated ? new NotExpression(test, line) : test;
    }

    private bool BeginsTestArgument() => Current.Kind switch
    {
        TokenKind.Name => Current.Value is not ("else" or "or" or "and" or "if" or "is" or "in" or "not" or "recursive"),
        TokenKind.Text or TokenKind.Integer or TokenKind.Float => true,
        TokenKind.Operator => Current.Value is "[" or "{",
        _ => false,
    };

    private CallArguments ParseArguments()
    {
        var positional = new List<Expression>();
        var named = new List<(string, Expression)>();
        Expression? listSplat = null, dictSplat = null;
        ExpectOperator("(");
        for (var first = true; !TakeOperator(")"); first = false)
        {
            if (!first)
            {
                ExpectOperator(",");
                if (TakeOperator(")"))
                    break;
            }
            if (TakeOperator("**"))
                dictSplat = ParseExpression();
            else if (TakeOperator("*"))
                listSplat = ParseExpression();
            else if (Current.Kind == TokenKind.Name && tokens[at + 1].Is(TokenKind.Operator, "="))
            {
                var name = Take().Value;
                Take();
                named.Add((name, ParseExpression()));
            }
            else if (named.Count > 0 || dictSplat is not null)
                throw new TemplateFault("an argument without a name follows one with a name", Current.Line);
            else
                positional.Add(ParseExpression());
        }
        return new CallArguments(positional, named, listSplat, dictSplat);
    }
}
