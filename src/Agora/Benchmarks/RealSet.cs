using System.Collections.Immutable;

namespace Agora.Benchmarks;

/// <summary>A set of real numbers as disjoint intervals in order, so that [1, 2] ∪ [2, 3] is [1, 3] and ℝ without 1 two rays.</summary>
internal sealed class RealSet
{
    /// <summary>Ends nearer than this, relative to their size, are one.</summary>
    private const double Tolerance = 1e-9;

    private readonly record struct Interval(double Low, bool LowClosed, double High, bool HighClosed);

    private readonly ImmutableArray<Interval> intervals;

    private RealSet(IEnumerable<Interval> parts)
    {
        var merged = new List<Interval>();
        foreach (var part in parts.OrderBy(part => part.Low).ThenByDescending(part => part.LowClosed))
        {
            if (merged.Count > 0 && Joins(merged[^1], part))
                merged[^1] = merged[^1] with { High = Math.Max(merged[^1].High, part.High), HighClosed = part.High > merged[^1].High ? part.HighClosed : merged[^1].HighClosed || (Near(part.High, merged[^1].High) && part.HighClosed) };
            else
                merged.Add(part);
        }
        intervals = [.. merged];
    }

    private static bool Joins(Interval first, Interval second) => Near(second.Low, first.High) ? first.HighClosed || second.LowClosed : second.Low < first.High;

    private static bool Near(double a, double b) => a.Equals(b) || (double.IsFinite(a - b) && Math.Abs(a - b) <= Tolerance * Math.Max(1e-3, Math.Max(Math.Abs(a), Math.Abs(b))));

    public bool IsSame(RealSet other) => intervals.Length == other.intervals.Length && intervals.Zip(other.intervals).All(pair =>
        Near(pair.First.Low, pair.Second.Low) && Near(pair.First.High, pair.Second.High) && pair.First.LowClosed == pair.Second.LowClosed && pair.First.HighClosed == pair.Second.HighClosed);

    /// <summary>Whether a statement can only be meant as a set of numbers; (1, 2) may be a point, and 1, 2 a list.</summary>
    public static bool IsMeant(MathStatement statement) => statement switch
    {
        MathStatement.Union or MathStatement.AllBut or MathStatement.Without or MathStatement.Bracketed { IsInequality: true } => true,
        MathStatement.Bracketed { Parts: [var low, var high], Open: var open, Close: var close } => (open == '[') != (close == ']') || IsInfinite(low) || IsInfinite(high),
        MathStatement.Several several => several.Parts.Any(IsMeant),
        MathStatement.Equation { IsName: true } equation => IsMeant(equation.Right),
        _ => false,
    };

    private static bool IsInfinite(MathStatement statement) => Constant(statement) is { } value && double.IsInfinity(value);

    /// <returns>Null where an end is no real number, or the statement no set.</returns>
    public static RealSet? Of(MathStatement statement) => Parts(statement) is { } parts ? new RealSet(parts) : null;

    private static IEnumerable<Interval>? Parts(MathStatement statement)
    {
        switch (statement)
        {
            case MathStatement.Equation { IsName: true } equation:
                return Parts(equation.Right);
            case MathStatement.Bracketed { Parts: [var low, var high], Open: '(' or '[', Close: ')' or ']' } bracketed:
                return Constant(low) is { } from && Constant(high) is { } to && from <= to ? [new Interval(from, bracketed.Open == '[', to, bracketed.Close == ']')] : null;
            case MathStatement.Union union:
                return All(union.Parts);
            case MathStatement.AllBut allBut:
                return Without(allBut.Parts);
            case MathStatement.Several several when several.Parts.Length > 0 && several.Parts.All(part => part is MathStatement.AllBut):
                return Without([.. several.Parts.SelectMany(part => ((MathStatement.AllBut)part).Parts)]);
            case MathStatement.Without(var whole, var taken):
                return Parts(whole) is { } all && Parts(taken) is { } part ? Difference(all, part) : null;
            case MathStatement.Several several when several.Parts.Any(part => part is MathStatement.AllBut) && several.Parts.Any(IsInterval):      // -2 ≤ x ≤ 3, x ≠ 1
                return Parts(new MathStatement.Several([.. several.Parts.Where(part => part is not MathStatement.AllBut)])) is { } rest
                    && All([.. several.Parts.OfType<MathStatement.AllBut>().SelectMany(part => part.Parts)]) is { } excepted ? Difference(rest, excepted) : null;
            case MathStatement.Several { Parts: [MathStatement.Bracketed { IsInequality: true } a, MathStatement.Bracketed { IsInequality: true } b] } several when Common(a, b) is { } common:
                return [common];
            case MathStatement.Several several:
                return All(several.Parts);
            default:
                return Constant(statement) is { } point && double.IsFinite(point) ? [new Interval(point, true, point, true)] : null;
        }
    }

    private static bool IsInterval(MathStatement statement) => statement is MathStatement.Bracketed or MathStatement.Union || (statement is MathStatement.Equation { IsName: true } equation && IsInterval(equation.Right));

    private static List<Interval> Difference(IEnumerable<Interval> whole, IEnumerable<Interval> taken)
    {
        var left = whole.ToList();
        foreach (var hole in taken)
        {
            var next = new List<Interval>();
            foreach (var part in left)
            {
                if (hole.Low > part.High || hole.High < part.Low)
                {
                    next.Add(part);
                    continue;
                }
                if (hole.Low > part.Low || (hole.Low == part.Low && part.LowClosed && !hole.LowClosed))
                    next.Add(new Interval(part.Low, part.LowClosed, hole.Low, !hole.LowClosed && (hole.Low < part.High || part.HighClosed)));
                if (hole.High < part.High || (hole.High == part.High && part.HighClosed && !hole.HighClosed))
                    next.Add(new Interval(hole.High, !hole.HighClosed && (hole.High > part.Low || part.LowClosed), part.High, part.HighClosed));
            }
            left = next;
        }
        return left;
    }

    private static List<Interval>? All(ImmutableArray<MathStatement> statements)
    {
        var all = new List<Interval>();
        foreach (var statement in statements)
        {
            if (Parts(statement) is not { } parts)
                return null;
            all.AddRange(parts);
        }
        return all;
    }

    /// <summary>x &gt; 0, x &lt; 4 is what both say; x &lt; 0, x &gt; 4 can only be meant as either.</summary>
    private static Interval? Common(MathStatement.Bracketed a, MathStatement.Bracketed b)
    {
        if (Parts(a)?.Single() is not { } first || Parts(b)?.Single() is not { } second)
            return null;
        if (first.Low > second.Low)
            (first, second) = (second, first);
        return double.IsNegativeInfinity(first.Low) && double.IsPositiveInfinity(second.High) && second.Low < first.High
            ? new Interval(second.Low, second.LowClosed, first.High, first.HighClosed) : null;
    }

    private static List<Interval>? Without(ImmutableArray<MathStatement> statements)
    {
        var points = new SortedSet<double>();
        foreach (var statement in statements)
        {
            if (Constant(statement) is not { } point || !double.IsFinite(point))
                return null;
            points.Add(point);
        }
        var parts = new List<Interval>();
        var low = double.NegativeInfinity;
        foreach (var point in points)
        {
            parts.Add(new Interval(low, false, point, false));
            low = point;
        }
        parts.Add(new Interval(low, false, double.PositiveInfinity, false));
        return parts;
    }

    private static double? Constant(MathStatement statement)
    {
        if (statement is not MathStatement.Value(var expression, _))
            return null;
        var names = new SortedSet<string>(StringComparer.Ordinal);
        expression.CollectVariables(names);
        if (names.Count > 0)
            return null;
        var value = expression.Evaluate(_ => double.NaN, Math.E);
        // -1 times infinity has an imaginary part that is not a number.
        return double.IsNaN(value.Real) || (value.Imaginary != 0 && !double.IsInfinity(value.Real)) ? null : value.Real;
    }
}
