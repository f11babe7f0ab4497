using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace Agora.Benchmarks;

/// <summary>Reads tokens as the structure of an answer, from the outside in: lists, relations, sets, matrices, brackets, and at last one expression or words.</summary>
internal static class MathStatementReader
{
    /// <summary>Deeper nesting is read as words.</summary>
    private const int MaximumDepth = 12;

    public static MathStatement Read(List<LatexToken> tokens) => Read(CollectionsMarshal.AsSpan(tokens), 0);

    internal static MathStatement Read(ReadOnlySpan<LatexToken> tokens, int depth)
    {
        tokens = LatexGroups.Trimmed(tokens);
        if (depth > MaximumDepth)
            return MathSingle.AsWords(tokens);
        return List(tokens, depth) ?? MathRelation.Read(tokens, depth) ?? Unions(tokens, depth) ?? Difference(tokens, depth) ?? Reals(tokens, depth) ?? MatrixOf(tokens, depth) ?? Brackets(tokens, depth)
            ?? PlusMinus(tokens, depth) ?? Ratio(tokens, depth) ?? MathSingle.Read(tokens);
    }

    private static MathStatement? List(ReadOnlySpan<LatexToken> tokens, int depth)
    {
        var parts = LatexGroups.Split(tokens, static token => token.IsSymbol(','));
        if (parts.Count < 2)
            return null;
        var list = ImmutableArray.CreateBuilder<MathStatement>();
        foreach (var range in parts)
        {
            var part = Read(tokens[range], depth + 1);
            if (part is MathStatement.Several several)
                list.AddRange(several.Parts);
            else if (part is MathStatement.Equation { IsName: true, Right: MathStatement.Several values } equation)       // x = ±1, ±3
                list.AddRange(values.Parts.Select(value => equation with { Right = value }));
            else if (part is not MathStatement.Words { Text: "" })
                list.Add(part);
        }
        if (list.Count > 1 && list[0] is MathStatement.Words { Text: "yes" or "no" or "true" or "false" } verdict && list.Skip(1).All(part => part is MathStatement.Words { Text: not ("yes" or "no" or "true" or "false") }))
            return verdict;     // "Yes, it is"
        if (list.Count(part => part is not MathStatement.AllBut) == 1 && list.Single(part => part is not MathStatement.AllBut) is MathStatement.Value { Expression.HasVariables: true } formula)
            return formula;     // where it is defined: (x + 1)/(x - 2), x ≠ 2
        return list.Count == 1 ? list[0] : new MathStatement.Several(list.ToImmutable());
    }

    /// <summary>[-2, 3] \ {1}, ℝ \ [-3, 1].</summary>
    private static MathStatement.Without? Difference(ReadOnlySpan<LatexToken> tokens, int depth)
    {
        var sign = LatexGroups.TopLevel(tokens, static token => token.IsCommand("setminus")).FirstOrDefault(-1);
        if (sign <= 0 || sign + 1 >= tokens.Length)
            return null;
        var (whole, taken) = (Read(tokens[..sign], depth + 1), Read(tokens[(sign + 1)..], depth + 1));
        return taken is MathStatement.Bracketed or MathStatement.Union || whole is not MathStatement.AllBut ? new MathStatement.Without(whole, taken) : null;
    }

    private static MathStatement.Union? Unions(ReadOnlySpan<LatexToken> tokens, int depth)
    {
        var parts = LatexGroups.Split(tokens, static token => token.IsCommand("cup"));
        return parts.Count < 2 ? null : new MathStatement.Union(ReadAll(tokens, parts, depth));
    }

    /// <summary>ℝ, and ℝ without some numbers.</summary>
    private static MathStatement.AllBut? Reals(ReadOnlySpan<LatexToken> tokens, int depth)
    {
        if (tokens.IsEmpty || !tokens[0].IsCommand("R"))
            return null;
        if (tokens.Length == 1)
            return new MathStatement.AllBut([]);
        if (tokens.Length < 3 || !(tokens[1].IsCommand("setminus") || tokens[1].IsSymbol('-')))
            return null;
        return new MathStatement.AllBut(PartsOf(Read(tokens[2..], depth + 1)));
    }

    internal static ImmutableArray<MathStatement> PartsOf(MathStatement statement) => statement is MathStatement.Several several ? several.Parts : [statement];

    private static MathStatement.Matrix? MatrixOf(ReadOnlySpan<LatexToken> tokens, int depth)
    {
        var begin = tokens.IndexOf(new LatexToken(LatexTokenKind.Command, "begin"));
        if (begin < 0 || !tokens[^1].IsCommand("end"))
            return null;
        // A factor before the matrix goes into its cells.
        MathExpression? factor = null;
        if (begin > 0 && (factor = MathExpressionReader.Read(tokens[..begin])) is null)
            return null;
        var content = tokens[(begin + 1)..^1];
        var rows = ImmutableArray.CreateBuilder<ImmutableArray<MathStatement>>();
        foreach (var row in LatexGroups.Split(content, static token => token.IsCommand("row")))
        {
            if (content[row].IsEmpty)
                continue;
            var cells = ReadAll(content[row], LatexGroups.Split(content[row], static token => token.IsSymbol('&')), depth);
            rows.Add(factor is null ? cells : [.. cells.Select(cell => cell is MathStatement.Value(var value, _) ? new MathStatement.Value(new MathExpression.Product(factor, value)) : cell)]);
        }
        return new MathStatement.Matrix(rows.ToImmutable());
    }

    private static MathStatement? Brackets(ReadOnlySpan<LatexToken> tokens, int depth)
    {
        // A point may stand before its coordinates: P(1, 2).
        if (tokens.Length > 5 && tokens[0].Kind == LatexTokenKind.Name && char.IsUpper(tokens[0].Text[0]) && tokens[1].IsSymbol('(') && LatexGroups.IsEnclosed(tokens[1..])
            && LatexGroups.TopLevel(tokens[2..^1], static token => token.IsSymbol(',')).Count > 0)
            return Brackets(tokens[1..], depth) is MathStatement.Bracketed point ? point with { Choices = MathExpressionReader.Read(tokens) } : Brackets(tokens[1..], depth);
        if (!LatexGroups.IsEnclosed(tokens) || tokens[0].IsSymbol('{'))
            return null;
        var (open, close) = (tokens[0].Text[0], tokens[^1].Text[0]);
        var inner = tokens[1..^1];
        if (open == '{')
            return inner.IsEmpty ? new MathStatement.Words("emptyset") : Builder(inner, depth) ?? (MathStatement)new MathStatement.Several([.. ReadAll(inner, LatexGroups.Split(inner, static token => token.IsSymbol(',')), depth).SelectMany(part => PartsOf(part))]);
        if (inner.IsEmpty)
            return null;
        var parts = LatexGroups.Split(inner, static token => token.IsSymbol(','));
        if (parts.Count < 2)
            return open == '(' && close == ')' || (inner[0].IsCommand("begin") && inner[^1].IsCommand("end")) ? Read(inner, depth + 1) : null;
        var read = ReadAll(inner, parts, depth);
        // (±1, 2) are two points.
        if (read.Count(part => part is MathStatement.Several) == 1 && read.First(part => part is MathStatement.Several) is MathStatement.Several { Parts.Length: 2 } either)
            return new MathStatement.Several([.. either.Parts.Select(one => new MathStatement.Bracketed(open, close, read.Replace(either, one)))]);
        return new MathStatement.Bracketed(open, close, read);
    }

    /// <summary>{x | x &gt; 3}, {x ∈ ℝ : x &gt; 3}: the condition says which numbers.</summary>
    private static MathStatement? Builder(ReadOnlySpan<LatexToken> inner, int depth)
    {
        var bar = LatexGroups.TopLevel(inner, static token => token.IsSymbol('|') || token.IsSymbol(':')).FirstOrDefault(-1);
        if (bar <= 0 || bar + 1 >= inner.Length)
            return null;
        var subject = inner[..bar];
        if (subject.IndexOf(new LatexToken(LatexTokenKind.Command, "in")) is > 0 and var element)
            subject = subject[..element];
        return MathRelation.NameOf(subject) is null ? null : Read(inner[(bar + 1)..], depth + 1);
    }

    /// <summary>a ± b are two answers.</summary>
    private static MathStatement.Several? PlusMinus(ReadOnlySpan<LatexToken> tokens, int depth)
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
        return found ? new MathStatement.Several([Read(plus, depth + 1), Read(minus, depth + 1)]) : null;
    }

    /// <summary>2 : 3 : 4, of which only the proportions count; of two parts it is a quotient.</summary>
    private static MathStatement.Bracketed? Ratio(ReadOnlySpan<LatexToken> tokens, int depth)
    {
        var parts = LatexGroups.Split(tokens, static token => token.IsSymbol(':'));
        if (parts.Count < 3)
            return null;
        var terms = ReadAll(tokens, parts, depth);
        if (terms[0] is not MathStatement.Value(var first, _) || !terms.All(term => term is MathStatement.Value))
            return null;
        return new MathStatement.Bracketed(':', ':', [.. terms.Cast<MathStatement.Value>().Select(term => new MathStatement.Value(new MathExpression.Quotient(term.Expression, first)))]);
    }

    private static ImmutableArray<MathStatement> ReadAll(ReadOnlySpan<LatexToken> tokens, List<Range> parts, int depth)
    {
        var read = ImmutableArray.CreateBuilder<MathStatement>(parts.Count);
        foreach (var range in parts)
            read.Add(Read(tokens[range], depth + 1));
        return read.ToImmutable();
    }
}
