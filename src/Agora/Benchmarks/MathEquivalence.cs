using System.Collections.Immutable;
using System.Numerics;
using System.Runtime.InteropServices;
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

    /// <summary>Of 61 bits: two different numbers leave the same remainder by both with a probability of 10^-36.</summary>
    private static readonly ImmutableArray<BigInteger> Primes = [2305843009213693951, 2305843009213693921];

    /// <param name="decimals">Places to which both sides are rounded where one of them is a decimal; as written where absent.</param>
    public static bool AreEquivalent(string reference, string answer, int? decimals = null)
    {
        if (Math.Max(reference.Length, answer.Length) > LatexTokens.LongestAnswer)
            return reference.AsSpan().Trim().SequenceEqual(answer.AsSpan().Trim());     // no answer but a text; its blanks are not worth a copy
        if (Plain(reference) == Plain(answer) && reference.Contains("..", StringComparison.Ordinal) == answer.Contains("..", StringComparison.Ordinal))     // 0.333 has an end
            return Plain(reference).Length > 0;
        if (LatexTokens.Of(reference) is not { Count: > 0 } expected || LatexTokens.Of(answer) is not { Count: > 0 } given)
            return false;
        return HaveSameTokens(expected, given) || new Comparison(decimals).Same(MathStatementReader.Read(expected), MathStatementReader.Read(given));
    }

    /// <summary>12:00, f', x_{1}: what has no value is equal to itself. Braces around a single token say nothing.</summary>
    private static bool HaveSameTokens(List<LatexToken> expected, List<LatexToken> given) =>
        WithoutIdleBraces(expected).SequenceEqual(WithoutIdleBraces(given)) && expected.Exists(token => token.Kind != LatexTokenKind.Symbol);

    private static List<LatexToken> WithoutIdleBraces(List<LatexToken> tokens)
    {
        var trimmed = LatexGroups.Trimmed(CollectionsMarshal.AsSpan(tokens));
        var bare = new List<LatexToken>(trimmed.Length);
        for (var i = 0; i < trimmed.Length; i++)
        {
            if (i + 2 < trimmed.Length && trimmed[i].IsSymbol('{') && trimmed[i + 2].IsSymbol('}'))
            {
                bare.Add(trimmed[i + 1]);
                i += 2;
            }
            else
            {
                bare.Add(trimmed[i]);
            }
        }
        return bare;
    }

    /// <summary>The exact value of an answer that is a rational number, with or without a name before it and a unit behind it.</summary>
    public static bool TryEvaluate(string text, out ExactNumber number)
    {
        number = default;
        if (LatexTokens.Of(text) is not { Count: > 0 } tokens)
            return false;
        var statement = MathStatementReader.Read(tokens);
        if (statement is MathStatement.Equation { IsName: true } equation)
            statement = equation.Right;
        if (statement is not MathStatement.Value(var expression, _) || expression.Exact() is not { } exact)
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
            return SameForm(expected, given)
                || ((RealSet.IsMeant(expected) || RealSet.IsMeant(given)) && RealSet.Of(expected) is { } set && RealSet.Of(given) is { } other && set.IsSame(other));
        }

        private bool SameForm(MathStatement expected, MathStatement given) => (expected, given) switch
        {
            (MathStatement.Value a, MathStatement.Value b) => SameScaled(a, b),
            (MathStatement.Words a, MathStatement.Words b) => (a.Text == b.Text && a.Text.Length > 0) || AnswerSentence.IsAbout(a.Sentence, b.Sentence) || AnswerSentence.IsAbout(b.Sentence, a.Sentence),
            (MathStatement.Words a, MathStatement.Value { Letters: { } b }) => a.Text.Equals(b, StringComparison.OrdinalIgnoreCase),
            (MathStatement.Value { Letters: { } a }, MathStatement.Words b) => b.Text.Equals(a, StringComparison.OrdinalIgnoreCase),
            (MathStatement.Words { Count: { } a }, MathStatement.Value b) => SameValue(a, b.Expression),
            (MathStatement.Value a, MathStatement.Words { Count: { } b }) => SameValue(a.Expression, b),
            (MathStatement.Equation { Right: MathStatement.Matrix a, Left: not MathStatement.Matrix }, MathStatement.Matrix) => Same(a, given),
            (MathStatement.Matrix, MathStatement.Equation { Right: MathStatement.Matrix b, Left: not MathStatement.Matrix }) => Same(expected, b),
            (MathStatement.Equation { Name: null, Right: MathStatement.Words { IsNumeral: true } a }, MathStatement.Words) => Same(a, given),        // 42 = 52_8
            (MathStatement.Words, MathStatement.Equation { Name: null, Right: MathStatement.Words { IsNumeral: true } b }) => Same(expected, b),
            (MathStatement.Equation a, MathStatement.Equation b) => (a.IsName && b.IsName && Same(a.Right, b.Right)) || SameEquation(a, b),
            (MathStatement.Equation { IsName: true } a, _) => Same(a.Right, given),
            (_, MathStatement.Equation { IsName: true } b) => Same(expected, b.Right),
            (MathStatement.Equation a, MathStatement.Value b) => SameAsResult(a, b),
            (MathStatement.Value a, MathStatement.Equation b) => SameAsResult(b, a) || (SaysOf(b) && !a.Expression.HasVariables && Same(a, b.Right)),
            (MathStatement.Order a, MathStatement.Order b) => a.IsStrict == b.IsStrict && SameOrderRelation(a, b),
            (MathStatement.AllBut a, MathStatement.AllBut b) => SameSet(a.Parts, b.Parts),
            (MathStatement.Several a, MathStatement.Several b) => SameList(a.Parts, b.Parts),
            (MathStatement.Union a, MathStatement.Union b) => SameSet(a.Parts, b.Parts),
            (MathStatement.Bracketed a, MathStatement.Bracketed b) => a.Open == b.Open && a.Close == b.Close && SameOrder(a.Parts, b.Parts),
            (MathStatement.Bracketed { Choices: { } a }, MathStatement.Value b) => SameValue(a, b.Expression),
            (MathStatement.Value a, MathStatement.Bracketed { Choices: { } b }) => SameValue(a.Expression, b),
            (MathStatement.Matrix a, MathStatement.Matrix b) => a.Rows.Length == b.Rows.Length && a.Rows.Zip(b.Rows).All(rows => SameOrder(rows.First, rows.Second)),
            (MathStatement.Several a, MathStatement.Bracketed { Open: '(', Close: ')', IsInequality: false } b) => SameAsTuple(a.Parts, b.Parts),
            (MathStatement.Bracketed { Open: '(', Close: ')', IsInequality: false } a, MathStatement.Several b) => SameAsTuple(b.Parts, a.Parts),
            (MathStatement.Several { Parts.Length: > 0 } a, _) => a.Parts.All(part => Same(part, given)),
            (_, MathStatement.Several { Parts.Length: > 0 } b) => b.Parts.All(part => Same(expected, part)),
            _ => false,
        };

        /// <summary>1, 2 may be the point (1, 2), as p = 1, q = 2 is; a list of points is none.</summary>
        private bool SameAsTuple(ImmutableArray<MathStatement> list, ImmutableArray<MathStatement> tuple) =>
            !list.Any(part => part is MathStatement.Bracketed or MathStatement.Several) && SameOrder([.. list.Select(Named)], tuple);

        private static MathStatement Named(MathStatement statement) => statement is MathStatement.Equation { IsName: true } equation ? equation.Right : statement;

        /// <summary>3 + 4 = 7 says 7, and 3/8 = 0.375 both; of 1/3 = 0.33 the left side counts, too, since the right one is it, rounded.</summary>
        private bool SameAsResult(MathStatement.Equation equation, MathStatement.Value value)
        {
            if ((equation.Left, equation.Right) is not (MathStatement.Value left, MathStatement.Value right) || left.Expression.HasVariables || right.Expression.HasVariables)
                return false;
            return Same(right, value) || (right.Expression.DecimalDigits is { } places && IsRoundedTo(left.Expression, right.Expression, places) && Same(left, value));
        }

        /// <summary>Whether an equation tells a quantity, as a + b = 24 does; 2x = 24 is still to be solved.</summary>
        private static bool SaysOf(MathStatement.Equation equation)
        {
            var names = new SortedSet<string>(StringComparer.Ordinal);
            if (equation.Left is not MathStatement.Value(var left, _))
                return false;
            left.CollectVariables(names);
            return names.Count > 1 || left is MathExpression.Function;
        }

        private static bool IsRoundedTo(MathExpression exact, MathExpression rounded, int places) =>
            RoundToSame(exact.Evaluate(_ => double.NaN, Math.E), rounded.Evaluate(_ => double.NaN, Math.E), places);

        /// <summary>Lists are unordered, but a = 1, b = 2 is not a = 2, b = 1; x_1 = 1, x_2 = 2 are numbered as one likes.</summary>
        private bool SameList(ImmutableArray<MathStatement> expected, ImmutableArray<MathStatement> given)
        {
            if (NamesOf(expected) is { } names && NamesOf(given) is { } others && names.SetEquals(others) && names.Count == expected.Length && others.Count == given.Length)
                return expected.All(part => given.Any(other => ((MathStatement.Equation)part).Name == ((MathStatement.Equation)other).Name && Same(part, other)));
            if (SameSet(expected, given))
                return true;
            // p = 5, q = 2; p = 7, q = 2 are the points (5, 2), (7, 2).
            return NamesOf(expected) is null != NamesOf(given) is null && (expected.Any(part => part is MathStatement.Bracketed) || given.Any(part => part is MathStatement.Bracketed))
                && SameOrder(Leaves(expected), Leaves(given));
        }

        /// <summary>The different names of named parts; null where a part has none, or where they are one letter with numbers.</summary>
        private static HashSet<string>? NamesOf(ImmutableArray<MathStatement> parts)
        {
            var names = new HashSet<string>(StringComparer.Ordinal);
            foreach (var part in parts)
            {
                if (part is not MathStatement.Equation { Name: { } name })
                    return null;
                names.Add(name);
            }
            return names.Count > 1 && names.All(name => name.Contains('_') && name[0] == names.First()[0]) ? [] : names;
        }

        /// <summary>Each part has its equal on the other side; repetitions do not count.</summary>
        private bool SameSet(ImmutableArray<MathStatement> expected, ImmutableArray<MathStatement> given) =>
            expected.All(part => given.Any(other => Same(part, other))) && given.All(part => expected.Any(other => Same(other, part)));

        private bool SameOrder(IReadOnlyList<MathStatement> expected, IReadOnlyList<MathStatement> given) =>
            expected.Count == given.Count && expected.Zip(given).All(pair => Same(pair.First, pair.Second));

        private static ImmutableArray<MathStatement> Leaves(ImmutableArray<MathStatement> parts) => [.. parts.SelectMany(part => part is MathStatement.Bracketed bracketed ? bracketed.Parts : [Named(part)])];

        /// <summary>Both sides equal, or the whole equation a constant multiple of the other.</summary>
        private bool SameEquation(MathStatement.Equation expected, MathStatement.Equation given)
        {
            if (Same(expected.Left, given.Left) && Same(expected.Right, given.Right))
                return true;
            return Ratio(expected.Left, expected.Right, given.Left, given.Right) is { } ratio && ratio != 0;
        }

        private bool SameOrderRelation(MathStatement.Order expected, MathStatement.Order given) =>
            (Same(expected.Smaller, given.Smaller) && Same(expected.Larger, given.Larger))
            || (Ratio(expected.Smaller, expected.Larger, given.Smaller, given.Larger) is { } ratio && ratio.Real > 0 && Math.Abs(ratio.Imaginary) <= RelativeTolerance * ratio.Real);

        /// <summary>By what constant the difference of one pair of sides is the other's multiple; null where by none.</summary>
        private static Complex? Ratio(MathStatement left, MathStatement right, MathStatement otherLeft, MathStatement otherRight)
        {
            if ((left, right, otherLeft, otherRight) is not (MathStatement.Value a, MathStatement.Value b, MathStatement.Value c, MathStatement.Value d))
                return null;
            var first = new MathExpression.Sum(a.Expression, new MathExpression.Negative(b.Expression));
            var second = new MathExpression.Sum(c.Expression, new MathExpression.Negative(d.Expression));
            var ratios = AtPoints(first, second, Math.E, out _).Select(pair => pair.Second / pair.First).Where(Complex.IsFinite).ToArray();
            return ratios.Length >= PointsNeeded && ratios.All(ratio => Close(ratio, ratios[0])) ? ratios[0] : null;
        }

        /// <summary>5 million is 5,000,000; where one side has no scale, the question may have named it.</summary>
        private bool SameScaled(MathStatement.Value expected, MathStatement.Value given) =>
            SameValue(expected.Scaled ?? expected.Expression, given.Scaled ?? given.Expression)
            || (expected.Scaled is null != given.Scaled is null && SameValue(expected.Expression, given.Expression));

        private bool SameValue(MathExpression expected, MathExpression given)
        {
            var (a, b) = (expected.Exact(), given.Exact());
            if (a is { } x && b is { } y && x == y)
                return true;
            var places = decimals ?? new[] { RoundingOf(expected), RoundingOf(given) }.Min();
            if (a is not null && b is not null && places is null)
                return false;
            if (places is null && (a is null || b is null) && SameRemainders(expected, given) is { } same)
                return same;
            return SameAtPoints(expected, given, places, Math.E)
                || ((expected.HasPlainLog || given.HasPlainLog) && SameAtPoints(expected, given, places, 10));
        }

        private static bool SameAtPoints(MathExpression expected, MathExpression given, int? places, double logBase)
        {
            var pairs = AtPoints(expected, given, logBase, out var constant);
            return pairs.Count >= (constant ? 1 : PointsNeeded) && pairs.All(pair => Close(pair.First, pair.Second) || (places is { } digits && RoundToSame(pair.First, pair.Second, digits)));
        }

        /// <summary>Places of a decimal that may be a rounding: six at least, and as many digits that count.</summary>
        private static int? RoundingOf(MathExpression expression) =>
            expression.DecimalDigits is >= PlacesOfARounding and var places && Complex.Abs(expression.Evaluate(_ => double.NaN, Math.E)) * Math.Pow(10, places) >= Math.Pow(10, PlacesOfARounding - 1) ? places : null;

        /// <summary>Numbers too large to write down, compared modulo primes; null where one is more than rational arithmetic.</summary>
        private static bool? SameRemainders(MathExpression expected, MathExpression given)
        {
            foreach (var prime in Primes)
            {
                if (expected.Remainder(prime) is not { } a || given.Remainder(prime) is not { } b)
                    return null;
                if (a != b)
                    return false;
            }
            return true;
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
        private static List<(Complex First, Complex Second)> AtPoints(MathExpression first, MathExpression second, double logBase, out bool constant)
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
                var (a, b) = (first.Evaluate(name => values[name], logBase), second.Evaluate(name => values[name], logBase));
                if (!(double.IsNaN(a.Real) || double.IsNaN(a.Imaginary) || double.IsNaN(b.Real) || double.IsNaN(b.Imaginary)))
                    pairs.Add((a, b));
            }
            return pairs;
        }
    }
}
