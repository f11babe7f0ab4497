using System.Numerics;

namespace Agora.Benchmarks;

/// <summary>An expression that can be evaluated: exactly where it is rational arithmetic on numbers, else numerically at given values of its variables.</summary>
internal abstract record MathExpression
{
    /// <summary>Exact powers beyond this are left to floating point.</summary>
    private const int LargestExactExponent = 64;
    private const long LargestExactBits = 4096;

    /// <summary>Factorials up to this are multiplied out in a field.</summary>
    private const int LargestFactorial = 1000;

    /// <summary>Bits of an exponent in a field.</summary>
    private const int LargestExponentBits = 256;

    private MathExpression() { }

    /// <param name="FractionDigits">Digits behind the decimal point, as written.</param>
    public sealed record Number(ExactNumber Value, int FractionDigits) : MathExpression;

    public sealed record Variable(string Name) : MathExpression;

    /// <summary>π, e, i or ∞.</summary>
    public sealed record Constant(Complex Value) : MathExpression;

    public sealed record Negative(MathExpression Operand) : MathExpression;

    public sealed record Sum(MathExpression Left, MathExpression Right) : MathExpression;

    public sealed record Product(MathExpression Left, MathExpression Right) : MathExpression;

    public sealed record Quotient(MathExpression Left, MathExpression Right) : MathExpression;

    public sealed record Power(MathExpression Base, MathExpression Exponent) : MathExpression;

    public sealed record Function(string Name, MathExpression Argument) : MathExpression;

    /// <summary>C(n, k).</summary>
    public sealed record Binomial(MathExpression Upper, MathExpression Lower) : MathExpression;

    /// <summary>The value as a rational number; null where there is none, or it would take too long to say.</summary>
    public ExactNumber? Exact()
    {
        switch (this)
        {
            case Number number:
                return number.Value;
            case Negative(var operand):
                return -operand.Exact();
            case Sum(var left, var right):
                return left.Exact() is { } a && right.Exact() is { } b ? Small(a + b) : null;
            case Product(var left, var right):
                return left.Exact() is { } c && right.Exact() is { } d ? Small(c * d) : null;
            case Quotient(var left, var right):
                return left.Exact() is { } n && right.Exact() is { } m && !m.Numerator.IsZero ? Small(n / m) : null;
            case Power(var root, var exponent):
                return root.Exact() is { } x && exponent.Exact() is { } e ? ExactPower(x, e) : null;
            case Function("factorial", var argument):
                return argument.Exact() is { } f && f.IsInteger && f.Numerator.Sign >= 0 && f.Numerator <= 200 ? Factorial((int)f.Numerator) : null;
            case Function("abs", var argument):
                return argument.Exact() is { } v ? (v.Numerator.Sign < 0 ? -v : v) : null;
            case Function("sqrt", var argument):
                return argument.Exact() is { } radicand ? Root(radicand) : null;
            default:
                return null;
        }
    }

    /// <summary>The value of rational arithmetic on numbers of any size (7^{2023} - 1) in the field of a prime's remainders; null where the expression is something else.</summary>
    /// <remarks>Equal values have equal remainders; different ones differ for all but a vanishing share of primes of 61 bits.</remarks>
    public BigInteger? Remainder(BigInteger prime)
    {
        switch (this)
        {
            case Number number:
                return Divided(number.Value.Numerator, number.Value.Denominator, prime);
            case Negative(var operand):
                return operand.Remainder(prime) is { } o ? (prime - o) % prime : null;
            case Sum(var left, var right):
                return left.Remainder(prime) is { } a && right.Remainder(prime) is { } b ? (a + b) % prime : null;
            case Product(var left, var right):
                return left.Remainder(prime) is { } c && right.Remainder(prime) is { } d ? c * d % prime : null;
            case Quotient(var left, var right):
                return left.Remainder(prime) is { } n && right.Remainder(prime) is { } m ? Divided(n, m, prime) : null;
            case Power(var root, var exponent):
                if (exponent.Exact() is not { IsInteger: true } e || e.Numerator.GetBitLength() > LargestExponentBits || root.Remainder(prime) is not { } x)
                    return null;
                var power = BigInteger.ModPow(x, BigInteger.Abs(e.Numerator), prime);
                return e.Numerator.Sign < 0 ? Divided(1, power, prime) : power;
            case Function("factorial", var argument):
                if (argument.Exact() is not { IsInteger: true } f || f.Numerator.Sign < 0 || f.Numerator > LargestFactorial)
                    return null;
                var (product, modulus) = (UInt128.One, (UInt128)prime);
                for (var i = 2u; i <= f.Numerator; i++)
                    product = product * i % modulus;
                return product;
            default:
                return null;
        }
    }

    private static BigInteger? Divided(BigInteger numerator, BigInteger denominator, BigInteger prime)
    {
        var inverse = BigInteger.ModPow(denominator, prime - 2, prime);
        return inverse.IsZero ? null : ((numerator % prime + prime) * inverse) % prime;
    }

    /// <summary>The value in floating point; not finite where it is undefined there, or out of a double's range.</summary>
    /// <param name="variable">The variables' values.</param>
    /// <param name="logBase">Base of <c>\log</c> without one: some write the natural logarithm so, some the decimal one.</param>
    public Complex Evaluate(Func<string, Complex> variable, double logBase) => this switch
    {
        Number number => number.Value.ToDouble(),
        Variable(var name) => variable(name),
        Constant(var value) => value,
        Negative(var operand) => -operand.Evaluate(variable, logBase),
        Sum(var left, var right) => left.Evaluate(variable, logBase) + right.Evaluate(variable, logBase),
        Product(var left, var right) => left.Evaluate(variable, logBase) * right.Evaluate(variable, logBase),
        Quotient(var left, var right) => left.Evaluate(variable, logBase) / right.Evaluate(variable, logBase),
        Power(var root, var exponent) => PowerOf(root.Evaluate(variable, logBase), exponent, variable, logBase),
        Binomial(var upper, var lower) => Choose(upper.Evaluate(variable, logBase), lower.Evaluate(variable, logBase)),
        Function("log", var argument) => Complex.Log(argument.Evaluate(variable, logBase)) / Math.Log(logBase),
        Function(var name, var argument) => Apply(name, argument.Evaluate(variable, logBase)),
        _ => throw new InvalidOperationException($"no evaluation of {GetType().Name}"),
    };

    /// <summary>Digits behind the point of the only decimal number in the expression; null where there are none or several.</summary>
    public int? DecimalDigits => this switch
    {
        Number number => number.FractionDigits > 0 ? number.FractionDigits : null,
        Negative(var operand) => operand.DecimalDigits,
        _ => null,
    };

    /// <summary>Whether a logarithm stands somewhere without its base.</summary>
    public bool HasPlainLog => this switch
    {
        Function("log", _) => true,
        Function(_, var argument) => argument.HasPlainLog,
        Negative(var operand) => operand.HasPlainLog,
        Sum(var left, var right) => left.HasPlainLog || right.HasPlainLog,
        Product(var left, var right) => left.HasPlainLog || right.HasPlainLog,
        Quotient(var left, var right) => left.HasPlainLog || right.HasPlainLog,
        Power(var left, var right) => left.HasPlainLog || right.HasPlainLog,
        Binomial(var left, var right) => left.HasPlainLog || right.HasPlainLog,
        _ => false,
    };

    public bool HasVariables
    {
        get
        {
            var names = new SortedSet<string>(StringComparer.Ordinal);
            CollectVariables(names);
            return names.Count > 0;
        }
    }

    public void CollectVariables(ISet<string> names)
    {
        switch (this)
        {
            case Variable(var name):
                names.Add(name);
                break;
            case Negative(var operand):
                operand.CollectVariables(names);
                break;
            case Function(_, var argument):
                argument.CollectVariables(names);
                break;
            case Sum(var left, var right):
                left.CollectVariables(names);
                right.CollectVariables(names);
                break;
            case Product(var left, var right):
                left.CollectVariables(names);
                right.CollectVariables(names);
                break;
            case Quotient(var left, var right):
                left.CollectVariables(names);
                right.CollectVariables(names);
                break;
            case Power(var left, var right):
                left.CollectVariables(names);
                right.CollectVariables(names);
                break;
            case Binomial(var left, var right):
                left.CollectVariables(names);
                right.CollectVariables(names);
                break;
        }
    }

    private static ExactNumber? Small(ExactNumber value) =>
        value.Numerator.GetBitLength() + value.Denominator.GetBitLength() <= LargestExactBits ? value : null;

    private static ExactNumber? ExactPower(ExactNumber root, ExactNumber exponent)
    {
        if (!exponent.IsInteger || BigInteger.Abs(exponent.Numerator) > LargestExactExponent)
            return null;
        var power = (int)exponent.Numerator;
        if (root.Numerator.IsZero)
            return power > 0 ? root : null;
        if ((root.Numerator.GetBitLength() + root.Denominator.GetBitLength()) * Math.Abs(power) > LargestExactBits)
            return null;
        var (up, down) = (BigInteger.Pow(root.Numerator, Math.Abs(power)), BigInteger.Pow(root.Denominator, Math.Abs(power)));
        return power >= 0 ? new ExactNumber(up, down) : new ExactNumber(down, up);
    }

    private static ExactNumber Factorial(int n)
    {
        var product = BigInteger.One;
        for (var i = 2; i <= n; i++)
            product *= i;
        return new ExactNumber(product, 1);
    }

    private static ExactNumber? Root(ExactNumber radicand) =>
        radicand.Numerator.Sign >= 0 && Root(radicand.Numerator) is { } up && Root(radicand.Denominator) is { } down ? new ExactNumber(up, down) : null;

    /// <summary>The whole root of a perfect square of less than 64 bits.</summary>
    private static BigInteger? Root(BigInteger square)
    {
        if (square.GetBitLength() > 62)
            return null;
        var root = (BigInteger)Math.Round(Math.Sqrt((double)square));
        return root * root == square ? root : null;
    }

    /// <summary>Real where there is a real value: the cube root of -8 is -2, as school has it, not the principal one.</summary>
    private static Complex PowerOf(Complex root, MathExpression power, Func<string, Complex> variable, double logBase)
    {
        if (root.Imaginary == 0 && root.Real < 0 && power.Exact() is { IsInteger: false } fraction && !fraction.Denominator.IsEven)
        {
            var size = Math.Pow(-root.Real, fraction.ToDouble());
            return fraction.Numerator.IsEven ? size : -size;
        }
        return PowerOf(root, power.Evaluate(variable, logBase));
    }

    private static Complex PowerOf(Complex root, Complex exponent)
    {
        // Whole powers by multiplication: the logarithm that general powers go through would leave an imaginary speck.
        if (exponent.Imaginary == 0 && exponent.Real == Math.Floor(exponent.Real) && Math.Abs(exponent.Real) <= LargestExactExponent)
        {
            var product = Complex.One;
            for (var i = 0; i < Math.Abs(exponent.Real); i++)
                product *= root;
            return exponent.Real < 0 ? 1 / product : product;
        }
        return root.Imaginary == 0 && exponent.Imaginary == 0 && root.Real >= 0 ? Math.Pow(root.Real, exponent.Real) : Complex.Pow(root, exponent);
    }

    private static Complex Choose(Complex upper, Complex lower)
    {
        if (lower.Imaginary != 0 || lower.Real < 0 || lower.Real > 1000 || lower.Real != Math.Floor(lower.Real))
            return Complex.NaN;
        var result = Complex.One;
        for (var i = 0; i < lower.Real; i++)
            result *= (upper - i) / (lower.Real - i);
        return result;
    }

    private static Complex Apply(string function, Complex x) => function switch
    {
        "sqrt" => Complex.Sqrt(x),
        "abs" => Complex.Abs(x),
        "sin" => Complex.Sin(x),
        "cos" => Complex.Cos(x),
        "tan" => Complex.Tan(x),
        "sec" => 1 / Complex.Cos(x),
        "csc" => 1 / Complex.Sin(x),
        "cot" => 1 / Complex.Tan(x),
        "asin" => Complex.Asin(x),
        "acos" => Complex.Acos(x),
        "atan" => Complex.Atan(x),
        "sinh" => Complex.Sinh(x),
        "cosh" => Complex.Cosh(x),
        "tanh" => Complex.Tanh(x),
        "ln" => Complex.Log(x),
        "lg" => Complex.Log(x) / Math.Log(10),
        "cis" => Complex.Exp(Complex.ImaginaryOne * x),
        "exp" => Complex.Exp(x),
        "floor" => x.Imaginary == 0 ? Math.Floor(x.Real) : Complex.NaN,
        "ceil" => x.Imaginary == 0 ? Math.Ceiling(x.Real) : Complex.NaN,
        "factorial" => x.Imaginary == 0 && x.Real is >= 0 and <= 170 && x.Real == Math.Floor(x.Real) ? Factorial((int)x.Real).ToDouble() : Complex.NaN,
        "conjugate" => Complex.Conjugate(x),
        _ => throw new InvalidOperationException($"no function {function}"),
    };
}
