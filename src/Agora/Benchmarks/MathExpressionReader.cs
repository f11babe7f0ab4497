using System.Numerics;

namespace Agora.Benchmarks;

/// <summary>Reads tokens as one expression by recursive descent; what it cannot read in full is no expression.</summary>
internal ref partial struct MathExpressionReader
{
    /// <summary>Deeper nesting is no answer but an attack on the stack.</summary>
    private const int MaximumDepth = 60;

    private static readonly HashSet<string> Functions = new(StringComparer.Ordinal)
    {
        "sin", "cos", "tan", "sec", "csc", "cot", "asin", "acos", "atan", "sinh", "cosh", "tanh", "ln", "log", "lg", "exp", "abs", "cis",
    };

    /// <summary>Functions of an angle, where 30° is a sixth of π; elsewhere a degree sign is a unit.</summary>
    private static readonly HashSet<string> OfAngles = new(StringComparer.Ordinal) { "sin", "cos", "tan", "sec", "csc", "cot", "cis" };

    private static readonly HashSet<string> Greek = new(StringComparer.Ordinal)
    {
        "alpha", "beta", "gamma", "delta", "epsilon", "varepsilon", "zeta", "eta", "theta", "vartheta", "iota", "kappa", "lambda", "mu", "nu", "xi", "rho",
        "sigma", "tau", "upsilon", "phi", "varphi", "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Phi", "Psi", "Omega", "ell",
    };

    private readonly ReadOnlySpan<LatexToken> tokens;
    private int at;
    private int depth;

    private MathExpressionReader(ReadOnlySpan<LatexToken> tokens) => this.tokens = tokens;

    /// <returns>Null where the tokens are not one expression from first to last.</returns>
    public static MathExpression? Read(ReadOnlySpan<LatexToken> tokens)
    {
        if (tokens.IsEmpty)
            return null;
        var reader = new MathExpressionReader(tokens);
        var expression = reader.Group();
        return reader.at == tokens.Length ? expression : null;
    }

    /// <summary>A sum, or TeX's <c>a \over b</c> and <c>n \choose k</c>, which part a whole group.</summary>
    private MathExpression? Group()
    {
        var upper = Sum();
        if (upper is null || at >= tokens.Length || !(tokens[at].IsCommand("over") || tokens[at].IsCommand("choose")))
            return upper;
        var isFraction = tokens[at++].IsCommand("over");
        return Sum() is not { } lower ? null : isFraction ? new MathExpression.Quotient(upper, lower) : new MathExpression.Binomial(upper, lower);
    }

    private MathExpression? Sum()
    {
        if (++depth > MaximumDepth)
            return null;
        var left = Product();
        while (left is not null && at < tokens.Length && (tokens[at].IsSymbol('+') || tokens[at].IsSymbol('-')))
        {
            var minus = tokens[at++].IsSymbol('-');
            var right = Product();
            left = right is null ? null : new MathExpression.Sum(left, minus ? new MathExpression.Negative(right) : right);
        }
        depth--;
        return left;
    }

    private MathExpression? Product()
    {
        var left = Signed();
        while (left is not null && at < tokens.Length)
        {
            if (tokens[at].IsSymbol('*'))
            {
                at++;
                left = Signed() is { } right ? new MathExpression.Product(left, right) : null;
            }
            else if (tokens[at].IsSymbol('/') || tokens[at].IsSymbol(':'))
            {
                at++;
                left = Signed() is { } right ? new MathExpression.Quotient(left, right) : null;
            }
            else if (StartsFactor())
            {
                // Two numbers side by side are no product.
                var afterNumber = tokens[at].Kind == LatexTokenKind.Number && tokens[at - 1].Kind == LatexTokenKind.Number;
                left = !afterNumber && Power() is { } right ? new MathExpression.Product(left, right) : null;
            }
            else
            {
                break;
            }
        }
        return left;
    }

    /// <summary>2 \frac{1}{3} and 2 1/3 are two and a third, as MATH writes mixed numbers; 2 \frac{x}{3} is a product.</summary>
    private MathExpression? Mixed(MathExpression whole)
    {
        if (at >= tokens.Length || tokens[at - 1].Kind != LatexTokenKind.Number || whole is not MathExpression.Number { FractionDigits: 0 })
            return whole;
        if (at + 2 < tokens.Length && tokens[at + 1].IsSymbol('/') && tokens[at].Kind == LatexTokenKind.Number && tokens[at + 2].Kind == LatexTokenKind.Number
            && new MathExpression.Quotient(Literal(tokens[at].Text)!, Literal(tokens[at + 2].Text)!) is var slashed && IsProperFraction(slashed))
        {
            at += 3;
            return new MathExpression.Sum(whole, slashed);
        }
        if (!tokens[at].IsCommand("frac"))
            return whole;
        var before = at;
        if (Atom() is { } fraction && IsProperFraction(fraction))
            return new MathExpression.Sum(whole, fraction);
        at = before;
        return whole;
    }

    private static bool IsProperFraction(MathExpression expression) =>
        expression is MathExpression.Quotient(MathExpression.Number { FractionDigits: 0 } n, MathExpression.Number { FractionDigits: 0 } d)
        && n.Value.Numerator < d.Value.Numerator;

    private MathExpression? Signed()
    {
        var negative = false;
        while (at < tokens.Length && (tokens[at].IsSymbol('-') || tokens[at].IsSymbol('+')))
            negative ^= tokens[at++].IsSymbol('-');
        var operand = Power();
        return operand is not null && negative ? new MathExpression.Negative(operand) : operand;
    }

    private MathExpression? Power()
    {
        var root = Atom();
        if (root is not null)
            root = Mixed(root);
        while (root is not null && at < tokens.Length)
        {
            if (tokens[at].IsSymbol('°'))
            {
                at++;
                if (angles > 0)
                    root = new MathExpression.Product(root, Degree);
                continue;
            }
            if (tokens[at].IsSymbol('!'))
            {
                at++;
                root = new MathExpression.Function("factorial", root);
            }
            else if (tokens[at].IsSymbol('^'))
            {
                at++;
                root = Script() is { } exponent ? new MathExpression.Power(root, exponent) : null;
            }
            else
            {
                break;
            }
        }
        return root;
    }

    /// <summary>What follows ^ or a command that takes one argument: a group, or a single sign. <c>x^12</c> is read as people mean it, not as TeX does.</summary>
    private MathExpression? Script()
    {
        if (at >= tokens.Length)
            return null;
        if (tokens[at].IsSymbol('-'))
        {
            at++;
            return Script() is { } operand ? new MathExpression.Negative(operand) : null;
        }
        return Atom();
    }

    /// <summary>An argument of \frac: <c>\frac12</c> is a half, so an unbraced number gives one digit away.</summary>
    private MathExpression? Argument(ref string? pendingDigits)
    {
        if (pendingDigits is { Length: > 0 })
        {
            var digit = pendingDigits[..1];
            pendingDigits = pendingDigits[1..];
            return Literal(digit);
        }
        if (at < tokens.Length && tokens[at].Kind == LatexTokenKind.Number && tokens[at].Text.Length > 1 && !tokens[at].Text.Contains('.'))
        {
            pendingDigits = tokens[at++].Text;
            return Argument(ref pendingDigits);
        }
        return Script();
    }

    private readonly bool StartsFactor()
    {
        var token = tokens[at];
        return token.Kind switch
        {
            LatexTokenKind.Number or LatexTokenKind.Name => true,
            LatexTokenKind.Command => token.Text is not ("le" or "ge" or "neq" or "approx" or "in" or "cup" or "cap" or "pm" or "mp" or "to" or "row" or "end" or "}" or "rfloor" or "rceil" or "equiv" or "sim" or "over" or "choose" or "setminus" or "R"),
            LatexTokenKind.Symbol => token.Text[0] is '(' or '[' or '{' || (token.Text[0] == '|' && barsOpen == 0),
            _ => false,
        };
    }

    private static readonly MathExpression One = new MathExpression.Number(new ExactNumber(1, 1), 0);
    private static readonly MathExpression Degree = new MathExpression.Constant(Math.PI / 180);

    private int barsOpen;
    private int angles;

    private MathExpression? Atom()
    {
        if (at >= tokens.Length || ++depth > MaximumDepth)
            return null;
        var token = tokens[at++];
        var atom = token.Kind switch
        {
            LatexTokenKind.Number => ChosenFrom(token.Text) ?? Literal(token.Text),
            LatexTokenKind.Name => Called(token.Text) ?? Name(token.Text),
            LatexTokenKind.Symbol when token.IsSymbol('_') || token.IsSymbol('^') => Chosen(),
            LatexTokenKind.Symbol when token.IsSymbol('{') && at < tokens.Length && tokens[at].IsSymbol('}') => AfterNothing(),
            LatexTokenKind.Symbol => Bracketed(token.Text[0]),
            LatexTokenKind.Command => Command(token.Text),
            _ => null,
        };
        depth--;
        return atom;
    }

    private static MathExpression.Number? Literal(string digits)
    {
        if (digits.EndsWith(')'))
            return Repeating(digits);
        return ExactNumber.TryParseDecimal(digits, out var value) ? new MathExpression.Number(value, digits.IndexOf('.') is >= 0 and var point ? digits.Length - point - 1 : 0) : null;
    }

    /// <summary>0.1(6) is 16 ninetieths less one ninetieth.</summary>
    private static MathExpression.Number? Repeating(string digits)
    {
        var open = digits.IndexOf('(');
        var repeated = digits[(open + 1)..^1];
        if (!ExactNumber.TryParseDecimal(digits[..open] + repeated, out var longer) || !ExactNumber.TryParseDecimal(digits[..open].TrimEnd('.') is { Length: > 0 } fixedPart ? fixedPart : "0", out var shorter))
            return null;
        // Both scaled so that the repetition begins at the point, the longer one a period further.
        var period = new ExactNumber(BigInteger.Pow(10, repeated.Length), 1);
        var value = (longer * period + -shorter) / (period + new ExactNumber(-1, 1));
        return new MathExpression.Number(value, 0);
    }

    private MathExpression? Name(string name)
    {
        var subscript = Subscript();
        if (subscript is null && name == "e")
            return new MathExpression.Constant(Math.E);
        if (subscript is null && name == "i")
            return new MathExpression.Constant(Complex.ImaginaryOne);
        return new MathExpression.Variable(subscript is null ? name : $"{name}_{subscript}");
    }

    /// <summary>The tokens of a subscript, run together; a number's subscript is its base, which is left for the caller to fail on.</summary>
    private string? Subscript()
    {
        if (at >= tokens.Length || !tokens[at].IsSymbol('_'))
            return null;
        at++;
        if (at >= tokens.Length)
            return null;
        if (!tokens[at].IsSymbol('{'))
            return tokens[at++].Text;
        var text = "";
        for (at++; at < tokens.Length && !tokens[at].IsSymbol('}'); at++)
            text += tokens[at].Text;
        at++;
        return text;
    }

    private MathExpression? Bracketed(char open)
    {
        if (open == '|')
        {
            barsOpen++;
            var absolute = Closed(Sum(), '|') is { } content ? new MathExpression.Function("abs", content) : null;
            barsOpen--;
            return absolute;
        }
        var close = open switch { '(' => ')', '[' => ']', '{' => '}', _ => '\0' };
        if (close == '\0')
            return null;
        var outerBars = barsOpen;
        barsOpen = 0;
        var inner = Closed(Group(), close);
        barsOpen = outerBars;
        return inner;
    }

    private MathExpression? Closed(MathExpression? inner, char close)
    {
        if (inner is null || at >= tokens.Length || !tokens[at].IsSymbol(close))
            return null;
        at++;
        return inner;
    }

    private MathExpression? Command(string command)
    {
        string? pending = null;
        switch (command)
        {
            case "pi":
                return new MathExpression.Constant(Math.PI);
            case "infty":
                return new MathExpression.Constant(double.PositiveInfinity);
            case "frac":
                var numerator = Argument(ref pending);
                var denominator = numerator is null ? null : Argument(ref pending);
                if (denominator is null)
                    return null;
                MathExpression fraction = new MathExpression.Quotient(numerator!, denominator);
                return pending is { Length: > 0 } ? new MathExpression.Product(fraction, Literal(pending)!) : fraction;     // \frac123 is half of three
            case "binom":
                var upper = Argument(ref pending);
                var lower = upper is null ? null : Argument(ref pending);
                return lower is null ? null : new MathExpression.Binomial(upper!, lower);
            case "sqrt":
                return Radical();
            case "lfloor":
                return Delimited("floor", "rfloor");
            case "lceil":
                return Delimited("ceil", "rceil");
            case "overline" or "bar" when Script() is { } conjugated:
                return new MathExpression.Function("conjugate", conjugated);
            case "{":       // a set is no expression
                return null;
        }
        if (Functions.Contains(command))
            return Applied(command);
        return Greek.Contains(command) ? Name(command) : null;
    }

    private MathExpression? Radical()
    {
        string? pending = null;
        if (at >= tokens.Length || !tokens[at].IsSymbol('['))
            return Argument(ref pending) is { } radicand ? WithRest(new MathExpression.Function("sqrt", radicand), pending) : null;
        at++;
        var index = Closed(Sum(), ']');
        if (index is null || Argument(ref pending) is not { } content)
            return null;
        return WithRest(new MathExpression.Power(content, new MathExpression.Quotient(One, index)), pending);
    }

    private static MathExpression WithRest(MathExpression first, string? rest) =>
        rest is { Length: > 0 } ? new MathExpression.Product(first, Literal(rest)!) : first;

    private MathExpression.Function? Delimited(string function, string close)
    {
        var inner = Sum();
        if (inner is null || at >= tokens.Length || !tokens[at].IsCommand(close))
            return null;
        at++;
        return new MathExpression.Function(function, inner);
    }

    /// <summary><c>\sin^2 x</c>, <c>\log_2 8</c>, <c>\sin 2x</c>: without brackets, the argument reaches over the product that follows.</summary>
    private MathExpression? Applied(string function)
    {
        MathExpression? root = null, exponent = null;
        if (at < tokens.Length && tokens[at].IsSymbol('_'))
        {
            at++;
            if ((root = Script()) is null)
                return null;
        }
        if (at < tokens.Length && tokens[at].IsSymbol('^'))
        {
            at++;
            if ((exponent = Script()) is null)
                return null;
        }
        var bracketed = at < tokens.Length && (tokens[at].IsSymbol('(') || tokens[at].IsSymbol('{') || tokens[at].IsSymbol('['));
        var ofAngle = OfAngles.Contains(function);
        angles += ofAngle ? 1 : 0;
        var argument = bracketed ? Atom() : Unbracketed();
        angles -= ofAngle ? 1 : 0;
        if (argument is null)
            return null;
        MathExpression value = new MathExpression.Function(function, argument);
        if (root is not null)       // one logarithm for both, so that its own base does not count
            value = new MathExpression.Quotient(new MathExpression.Function("ln", argument), new MathExpression.Function("ln", root));
        if (exponent is not null)
            value = exponent is MathExpression.Negative(MathExpression.Number { Value.Numerator.IsOne: true }) && function is "sin" or "cos" or "tan"
                ? new MathExpression.Function("a" + function, argument)
                : new MathExpression.Power(value, exponent);
        return value;
    }

    private MathExpression? Unbracketed()
    {
        var argument = Signed();
        while (argument is not null && at < tokens.Length && StartsFactor() && !(tokens[at].Kind == LatexTokenKind.Command && Functions.Contains(tokens[at].Text)))
            argument = Power() is { } factor ? new MathExpression.Product(argument, factor) : null;
        return argument;
    }
}
