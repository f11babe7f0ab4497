namespace Agora.Benchmarks;

/// <summary>A box drawn around an answer: <c>\boxed{...}</c>, <c>\fbox{...}</c> or <c>\boxed 5</c>.</summary>
/// <param name="Start">Of the backslash.</param>
/// <param name="End">Behind the box.</param>
internal readonly record struct MathBox(int Start, int End, string Content)
{
    private static readonly string[] Commands = ["\\boxed", "\\fbox", "\\framebox"];

    /// <summary>The outermost well-formed boxes, in order.</summary>
    public static IReadOnlyList<MathBox> Find(string text)
    {
        var boxes = new List<MathBox>();
        var at = 0;
        while ((at = text.IndexOf('\\', at)) >= 0)
        {
            if (Read(text, at) is { } box)
            {
                boxes.Add(box);
                at = box.End;
            }
            else
            {
                at++;
            }
        }
        return boxes;
    }

    /// <summary>Whether two boxes are parts of one answer: only separators, list words or "name =" stand between them.</summary>
    public static bool AreOneList(string text, MathBox first, MathBox second)
    {
        var between = text[first.End..second.Start];
        if (between.Length > 60 || between.Contains("\n\n", StringComparison.Ordinal))
            return false;
        var words = between.Replace("\\quad", " ", StringComparison.Ordinal).Replace("\\qquad", " ", StringComparison.Ordinal)
            .Replace("\\text", " ", StringComparison.Ordinal).Replace("\\mbox", " ", StringComparison.Ordinal)
            .Split([' ', '\n', '\t', ',', ';', '$', '{', '}', '(', ')', '\\', '[', ']'], StringSplitOptions.RemoveEmptyEntries);
        return words.All(word => word is "and" or "or" or "&" or "=" || IsName(word) || (word.EndsWith('=') && IsName(word[..^1])));
    }

    /// <summary>A variable: <c>x</c>, <c>y_2</c>.</summary>
    private static bool IsName(string word) =>
        word.Length is 1 or 3 && char.IsAsciiLetter(word[0]) && (word.Length == 1 || (word[1] == '_' && char.IsAsciiLetterOrDigit(word[2])));

    private static MathBox? Read(string text, int at)
    {
        foreach (var command in Commands)
        {
            if (string.CompareOrdinal(text, at, command, 0, command.Length) != 0)
                continue;
            var open = at + command.Length;
            while (open < text.Length && text[open] == ' ')
                open++;
            if (open >= text.Length)
                return null;
            if (text[open] != '{')
                return Bare(text, at, open, spaced: open > at + command.Length);
            return ClosingBrace(text, open) is { } close ? new MathBox(at, close + 1, text[(open + 1)..close]) : null;
        }
        return null;
    }

    /// <summary><c>\boxed 5</c>: TeX would box one character; people mean the whole number or word.</summary>
    private static MathBox? Bare(string text, int at, int open, bool spaced)
    {
        if (!spaced && !char.IsAsciiDigit(text[open]))
            return null;
        var end = open;
        while (end < text.Length && !char.IsWhiteSpace(text[end]) && text[end] is not ('$' or '\\'))
            end++;
        while (end > open && text[end - 1] is '.' or ',' or ';')
            end--;
        return end > open ? new MathBox(at, end, text[open..end]) : null;
    }

    private static int? ClosingBrace(string text, int open)
    {
        var depth = 0;
        for (var i = open; i < text.Length; i++)
        {
            switch (text[i])
            {
                case '\\' when i + 1 < text.Length && text[i + 1] is '{' or '}' or '\\':
                    i++;
                    break;
                case '{':
                    depth++;
                    break;
                case '}' when --depth == 0:
                    return i;
            }
        }
        return null;
    }
}
