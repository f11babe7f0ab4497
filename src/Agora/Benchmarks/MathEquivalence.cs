using System.Collections.Immutable;
using System.Numerics;
using Agora.Experiments;

namespace Agora.Benchmarks;

/// <summary>Whether two final answers say the same: by exact rationals where both are numbers, else by numeric evaluation at many seeded points.</summary>
/// <remarks>
/// Policies, where graders differ: percent signs, degrees and units are dropped on both sides, but 3.04 is not 0.0304; lists without brackets are unordered,
/// tuples ordered; bracket kinds count; 1,234 is a thousand and (1,23) a pair; an inequality is its interval; names before = are dropped, but f(x) is not
/// f(y); words compare without case. A decimal of six places or more may stand for the number that rounds to it, a shorter one only for itself.
/// </remarks>
internal static class MathEquivalence
{
    /// <summary>From so many places on, a decimal is taken for the rounding of a number that has no end.</summary>
    private const int PlacesOfARounding = 6;
    private const double RelativeTolerance = 1e-9;
    private const int Points = 12;
    private const int PointsNeeded = 4;
    /// <summary>A cell of a matrix or a part of a list may be compared with every other one: this many comparisons are enough for any honest answer.</summary>
    private const int MaximumComparisons = 3000;

    /// <param name="decimals">Places to which both sides are rounded where one of them is a decimal; as written where absent.</param>
    public static bool AreEquivalent(string reference, string answer, int? decimals = null)
    {
        if (Math.Max(reference.Length, answer.Length) > LatexTokens.LongestAnswer)
            return reference.AsSpan().Trim().SequenceEqual(answer.AsSpan().Trim());     // no answer but a text; its blanks are not worth a copy
        if (Plain(reference) == Plain(answer))
            return Plain(reference).Length > 0;
        if (LatexTokens.Of(reference) is not { Count: > 0 } expected || LatexTokens.Of(answer) is not { Count: > 0 } given)
            return false;
        return new Comparison(decimals).Same(MathStatement.Read(expected), MathStatement.Read(given));
    }

    /// <summary>The exact value of an answer that is a rational number, with or without a name before it and a unit behind it.</summary>
    public static bool TryEvaluate(string text, out ExactNumber number)
    {
        number = default;
        if (LatexTokens.Of(text) is not { Count: > 0 } tokens)
            return false;
        var statement = MathStatement.Read(tokens);
        if (statement is MathStatement.Equation { IsName: true } equation)
            statement = equation.Right;
        if (statement is not MathStatement.Value(var expression) || expression.Exact() is not { } exact)
            return false;
        number = exact;
        return true;
    }

    private static string Plain(string text) => text.AsSpan().Trim(" \n\t$.").ToString().Replace(" ", "", StringComparison.Ordinal);

    private sealed class Comparison(int? decimals)
    {
        private int comparisons;

        public bool Same(MathStatement expected, MathStatement given)
        {
            if (++comparisons > MaximumComparisons)
                return false;
            return (expected, given) switch
            {
                (MathStatement.Value(var a), MathStatement.Value(var b)) => SameValue(a, b),
                (MathStatement.Words(var a), MathStatement.Words(var b)) => a == b && a.Length > 0,
                (MathStatement.Words(var a), MathStatement.Value(MathExpression.Variable(var b))) => a.Equals(b, StringComparison.OrdinalIgnoreCase),
                (MathStatement.Value(MathExpression.Variable(var a)), MathStatement.Words(var b)) => a.Equals(b, StringComparison.OrdinalIgnoreCase),
                (MathStatement.Equation a, MathStatement.Equation b) => (a.IsName && b.IsName && Same(a.Right, b.Right)) || SameEquation(a, b),
                (MathStatement.Equation { IsName: true } a, _) => Same(a.Right, given),
                (_, MathStatement.Equation { IsName: true } b) => Same(expected, b.Right),
                (MathStatement.Several a, MathStatement.Several b) => SameSet(a.Parts, b.Parts),
                (MathStatement.Union a, MathStatement.Union b) => SameSet(a.Parts, b.Parts),
                (MathStatement.Bracketed a, MathStatement.Bracketed b) => a.Open == b.Open && a.Close == b.Close && SameOrder(a.Parts, b.Parts),
                (MathStatement.Matrix a, MathStatement.Matrix b) => a.Rows.Length == b.Rows.Length && a.Rows.Zip(b.Rows).All(rows => SameOrder(rows.First, rows.Second)),
                (MathStatement.Several, MathStatement.Bracketed { Open: '(', Close: ')' }) => SameOrder(Leaves(expected), Leaves(given)),
                (MathStatement.Bracketed { Open: '(', Close: ')' }, MathStatement.Several) => SameOrder(Leaves(expected), Leaves(given)),
                (MathStatement.Several a, _) => a.Parts.All(part => Same(part, given)),
                (_, MathStatement.Several b) => b.Parts.All(part => Same(expected, part)),
                _ => false,
            }
            || (expected is MathStatement.Several c && given is MathStatement.Several d && c.Parts.Concat(d.Parts).Any(p => p is MathStatement.Bracketed or MathStatement.Equation)
                && SameOrder(Leaves(expected), Leaves(given)));
        }

        /// <summary>Each part has its equal on the other side; repetitions do not count.</summary>
        private bool SameSet(ImmutableArray<MathStatement> expected, ImmutableArray<MathStatement> given) =>
            expected.All(part => given.Any(other => Same(part, other))) && given.All(part => expected.Any(other => Same(other, part)));

        private bool SameOrder(IReadOnlyList<MathStatement> expected, IReadOnlyList<MathStatement> given) =>
            expected.Count == given.Count && expected.Zip(given).All(pair => Same(pair.First, pair.Second));

        /// <summary>p = 5, q = 2 and (5, 2) name the same values in the same order.</summary>
        private static ImmutableArray<MathStatement> Leaves(MathStatement statement) => statement switch
        {
            MathStatement.Several several => [.. several.Parts.SelectMany(part => Leaves(part))],
            MathStatement.Bracketed bracketed => [.. bracketed.Parts.SelectMany(part => Leaves(part))],
            MathStatement.Equation { IsName: true } equation => Leaves(equation.Right),
            _ => [statement],
        };

        /// <summary>Both sides equal, or the whole equation a constant multiple of the other.</summary>
        private bool SameEquation(MathStatement.Equation expected, MathStatement.Equation given)
        {
            if (Same(expected.Left, given.Left) && Same(expected.Right, given.Right))
                return true;
            if ((expected.Left, expected.Right, given.Left, given.Right) is not (MathStatement.Value a, MathStatement.Value b, MathStatement.Value c, MathStatement.Value d))
                return false;
            var first = new MathExpression.Sum(a.Expression, new MathExpression.Negative(b.Expression));
            var second = new MathExpression.Sum(c.Expression, new MathExpression.Negative(d.Expression));
            var ratios = AtPoints(first, second, out _).Select(pair => pair.Second / pair.First).Where(Complex.IsFinite).ToArray();
            return ratios.Length >= PointsNeeded && ratios[0] != 0 && ratios.All(ratio => Close(ratio, ratios[0]));
        }

        private bool SameValue(MathExpression expected, MathExpression given)
        {
            var (a, b) = (expected.Exact(), given.Exact());
            if (a is { } x && b is { } y && x == y)
                return true;
            var places = decimals ?? new[] { expected.DecimalDigits, given.DecimalDigits }.Where(d => d >= PlacesOfARounding).Min();
            if (a is not null && b is not null && places is null)
                return false;
            var pairs = AtPoints(expected, given, out var constant);
            return pairs.Count >= (constant ? 1 : PointsNeeded) && pairs.All(pair => Close(pair.First, pair.Second) || (places is { } digits && RoundToSame(pair.First, pair.Second, digits)));
        }

        private static bool RoundToSame(Complex a, Complex b, int places) =>
            Complex.Abs(a - b) <= 0.5000001 * Math.Pow(10, -Math.Min(places, 15)) + 1e-15 * Complex.Abs(a);

        private static bool Close(Complex a, Complex b)
        {
            if (!Complex.IsFinite(a) || !Complex.IsFinite(b))
                return a.Real.Equals(b.Real);       // infinities of one sign; an undefined value equals nothing
            return Complex.Abs(a - b) <= RelativeTolerance * Math.Max(Complex.Abs(a), Complex.Abs(b)) || (Complex.Abs(a) < 1e-12 && Complex.Abs(b) < 1e-12);
        }

        /// <summary>Both values at points where both are defined; without variables, one point tells all.</summary>
        private static List<(Complex First, Complex Second)> AtPoints(MathExpression first, MathExpression second, out bool constant)
        {
            var names = new SortedSet<string>(StringComparer.Ordinal);
            first.CollectVariables(names);
            second.CollectVariables(names);
            var pairs = new List<(Complex, Complex)>();
            var random = new RandomStreams(271828).For("evaluation points");
            constant = names.Count == 0;
            for (var point = 0; point < (constant ? 1 : Points); point++)
            {
                // Two thirds above 1, where roots and logarithms are real; the others of either sign, where x and |x| differ.
                var values = names.ToDictionary(name => name, _ => new Complex(point % 3 < 2 ? 1.1 + 2 * random.NextDouble() : 3 * (random.NextDouble() - 0.5), 0), StringComparer.Ordinal);
                var (a, b) = (first.Evaluate(name => values[name]), second.Evaluate(name => values[name]));
                if (!(double.IsNaN(a.Real) || double.IsNaN(a.Imaginary) || double.IsNaN(b.Real) || double.IsNaN(b.Imaginary)))
                    pairs.Add((a, b));
            }
            return pairs;
        }
    }
}
