namespace Agora.Benchmarks;

/// <summary>A box drawn around an answer: <c>\boxed{...}</c>, <c>\fbox{...}</c> or <c>\boxed 5</c>.</summary>
/// <param name="Start">Of the backslash.</param>
/// <param name="End">Behind the box.</param>
internal readonly record struct MathBox(int Start, int End, string Content)
{
    private static readonly string[] Commands = ["\\boxed", "\\fbox", "\\framebox"];

    /// <summary>The outermost boxes, in order; one that the token limit cut off reaches to the end.</summary>
    public static IReadOnlyList<MathBox> Find(string text)
    {
        var boxes = new List<MathBox>();
        if (!text.Contains("box", StringComparison.Ordinal))
            return boxes;
        var closing = ClosingBraces(text);
        var at = 0;
        while ((at = text.IndexOf('\\', at)) >= 0)
        {
            if (Read(text, at, closing) is { } box)
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

    private static MathBox? Read(string text, int at, Dictionary<int, int> closing)
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
            return closing.TryGetValue(open, out var close) ? new MathBox(at, close + 1, text[(open + 1)..close]) : new MathBox(at, text.Length, text[(open + 1)..]);
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

    /// <summary>Where each brace closes, found in one pass, so that deep nesting costs no more than flat text.</summary>
    private static Dictionary<int, int> ClosingBraces(string text)
    {
        var closing = new Dictionary<int, int>();
        var open = new Stack<int>();
        for (var i = 0; i < text.Length; i++)
        {
            switch (text[i])
            {
                case '\\' when i + 1 < text.Length && text[i + 1] is '{' or '}' or '\\':
                    i++;
                    break;
                case '{':
                    open.Push(i);
                    break;
                case '}' when open.Count > 0:
                    closing[open.Pop()] = i;
                    break;
            }
        }
        return closing;
    }
}
