using System.Numerics;

namespace Agora.Benchmarks;

/// <summary><c>|x| &lt; 2</c>, <c>|2x - 1| ≥ 3</c>, <c>0 &lt; |x| &lt; 2</c> as the numbers so near to a middle, or so far from it.</summary>
/// <remarks>Of one real variable in a linear expression; <c>|z|</c> and <c>|w|</c> may be of complex numbers, and of capitals nobody knows.</remarks>
internal static class MathDistance
{
    private const double Tolerance = 1e-12;

    /// <summary>An end of the distances that are meant.</summary>
    public readonly record struct Limit(MathStatement Statement, bool IsStrict)
    {
        public double? Value => Statement is MathStatement.Value(var expression, _) && !expression.HasVariables && expression.Evaluate(_ => double.NaN, Math.E) is { Imaginary: 0 } value && double.IsFinite(value.Real)
            ? value.Real : null;
    }

    /// <summary>A variable times <paramref name="Slope"/> plus <paramref name="Constant"/>.</summary>
    private readonly record struct Linear(double Slope, double Constant);

    /// <param name="bars">What may be an absolute value.</param>
    /// <param name="least">Null where distances begin at 0.</param>
    /// <param name="most">Null where they have no end.</param>
    /// <returns>Null for everything else, and where no distance is in between.</returns>
    public static MathStatement? Read(ReadOnlySpan<LatexToken> bars, Limit? least, Limit? most)
    {
        if (WithinBars(LatexGroups.Trimmed(bars)) is not { } line)
            return null;
        var (low, high) = (0.0, double.PositiveInfinity);
        var (lowStrict, highStrict) = (false, true);
        if (least is { } from)
        {
            if (from.Value is not { } value)
                return null;
            if (value >= 0)
                (low, lowStrict) = (value, from.IsStrict);
        }
        if (most is { } to)
        {
            if (to.Value is not { } value || value < low)
                return null;
            (high, highStrict) = (value, to.IsStrict);
        }
        if (low == 0 && !lowStrict)
            return Interval(line, -high, highStrict, high, highStrict);
        return new MathStatement.Union([Interval(line, -high, highStrict, -low, lowStrict), Interval(line, low, lowStrict, high, highStrict)]);
    }

    private static Linear? WithinBars(ReadOnlySpan<LatexToken> bars)
    {
        if (bars.Length < 3 || !bars[0].IsSymbol('|') || !bars[^1].IsSymbol('|') || bars[1..^1].Contains(new LatexToken(LatexTokenKind.Symbol, "|")) || MathExpressionReader.Read(bars[1..^1]) is not { } content)
            return null;
        var names = new SortedSet<string>(StringComparer.Ordinal);
        content.CollectVariables(names);
        if (names.Count != 1 || names.Min is "z" or "w" || char.IsUpper(names.Min![0]))
            return null;
        Complex At(double value) => content.Evaluate(_ => value, Math.E);
        var (constant, slope) = (At(0), At(1) - At(0));
        foreach (var value in (ReadOnlySpan<double>)[-3.7, 0.3, 2.9])
            if (!(Complex.Abs(At(value) - (slope * value + constant)) <= Tolerance * (1 + Complex.Abs(slope) + Complex.Abs(constant))))
                return null;
        return constant.Imaginary == 0 && slope.Imaginary == 0 && slope.Real != 0 ? new Linear(slope.Real, constant.Real) : null;
    }

    /// <summary>Where the line lies between two values.</summary>
    private static MathStatement.Bracketed Interval(Linear line, double low, bool lowStrict, double high, bool highStrict)
    {
        var (from, to) = ((low - line.Constant) / line.Slope, (high - line.Constant) / line.Slope);
        if (line.Slope < 0)
            (from, to, lowStrict, highStrict) = (to, from, highStrict, lowStrict);
        return new MathStatement.Bracketed(lowStrict ? '(' : '[', highStrict ? ')' : ']', [Value(from), Value(to)], IsInequality: true);
    }

    private static MathStatement.Value Value(double value) => new(new MathExpression.Constant(value));
}
