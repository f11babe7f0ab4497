namespace Agora.Benchmarks;

/// <summary>Where brackets close and what stands at the outermost level, among the tokens of an answer.</summary>
internal static class LatexGroups
{
    private static bool IsOpen(LatexToken token) => token.IsSymbol('(') || token.IsSymbol('[') || token.IsSymbol('{') || token.IsCommand("{");

    private static bool IsClose(LatexToken token) => token.IsSymbol(')') || token.IsSymbol(']') || token.IsSymbol('}') || token.IsCommand("}");

    /// <summary>Without a final full stop or comma, and braces around the whole that only group.</summary>
    public static ReadOnlySpan<LatexToken> Trimmed(ReadOnlySpan<LatexToken> tokens)
    {
        while (!tokens.IsEmpty && (tokens[^1].IsSymbol('.') || tokens[^1].IsSymbol(',') || tokens[^1].IsCommand("row") || tokens[^1].IsSymbol('*')))
            tokens = tokens[..^1];
        while (!tokens.IsEmpty && (tokens[0].IsSymbol(',') || tokens[0].IsSymbol(':')))
            tokens = tokens[1..];
        while (tokens.Length > 2 && tokens[0].IsSymbol('{') && Closing(tokens, 0) == tokens.Length - 1)
            tokens = tokens[1..^1];
        return tokens;
    }

    /// <summary>Whether a single pair of brackets holds all tokens.</summary>
    public static bool IsEnclosed(ReadOnlySpan<LatexToken> tokens) => tokens.Length >= 2 && IsOpen(tokens[0]) && Closing(tokens, 0) == tokens.Length - 1;

    /// <summary>Where the bracket that opens here closes; kinds may differ, as those of [0, 1) do.</summary>
    public static int? Closing(ReadOnlySpan<LatexToken> tokens, int open)
    {
        var depth = 0;
        for (var i = open; i < tokens.Length; i++)
        {
            if (IsOpen(tokens[i]))
                depth++;
            else if (IsClose(tokens[i]) && --depth == 0)
                return i;
        }
        return null;
    }

    public static List<int> TopLevel(ReadOnlySpan<LatexToken> tokens, Predicate<LatexToken> wanted)
    {
        var found = new List<int>();
        var depth = 0;
        for (var i = 0; i < tokens.Length; i++)
        {
            if (IsOpen(tokens[i]) || tokens[i].IsCommand("begin"))
                depth++;
            else if (IsClose(tokens[i]) || tokens[i].IsCommand("end"))
                depth--;
            else if (depth == 0 && wanted(tokens[i]))
                found.Add(i);
        }
        return found;
    }

    public static List<Range> Split(ReadOnlySpan<LatexToken> tokens, Predicate<LatexToken> separator)
    {
        var parts = new List<Range>();
        var start = 0;
        foreach (var at in TopLevel(tokens, separator))
        {
            parts.Add(start..at);
            start = at + 1;
        }
        parts.Add(start..tokens.Length);
        return parts;
    }
}
