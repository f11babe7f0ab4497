namespace Agora.Benchmarks;

/// <summary>By which mark the final answer was found; the order is the order in which they are looked for.</summary>
public enum AnswerMark
{
    /// <summary><c>[RESULT] 12 [/RESULT]</c>, which AgoraBench's training data teach.</summary>
    ResultTags,
    /// <summary><c>\boxed{12}</c> or <c>\fbox{12}</c>.</summary>
    Box,
    /// <summary><c>#### 12</c>, the form of GSM8K's own solutions.</summary>
    Hashes,
    /// <summary>"The answer is 12", "Final answer: 12", "A: 12".</summary>
    AnswerPhrase,
    /// <summary>The last <c>$...$</c>, <c>\(...\)</c> or <c>\[...\]</c>.</summary>
    LastFormula,
    LastNumber,
    /// <summary>A text that is nothing but an answer.</summary>
    WholeText,
}

/// <summary>What may count as the final answer where nothing marks it.</summary>
public enum AnswerPolicy
{
    /// <summary>Answers are numbers (GSM8K, nano): the last number of the text.</summary>
    Number,
    /// <summary>Answers are formulas (MATH): the whole text if it is one, else the last formula, else the last number.</summary>
    Expression,
}

/// <summary>The final answer that a worked solution arrives at, as written.</summary>
/// <remarks>
/// Only what follows a closing <c>&lt;/think&gt;</c> counts, and only what precedes the first end-of-turn marker: a base model that
/// runs on into the next question must not have that question's numbers taken for its answer.
/// </remarks>
public sealed record MathAnswer(string Text, AnswerMark Mark)
{
    /// <summary>An answer stands near the end; what lies further back than this is not looked at, however long the text.</summary>
    private const int LongestTail = 1 << 16;

    /// <summary>A sentence that may be an answer in words, in characters.</summary>
    private const int LongestSentence = 100;

    private static readonly string[] EndOfTurn = ["<|im_start|>", "<|im_end|>", "<|eot_id|>", "<|endoftext|>", "<|end_of_text|>", "</s>"];

    /// <summary>In order of weight: among phrases of one rank the last one counts.</summary>
    private static readonly string[][] Phrases =
    [
        ["final answer is", "final answer:", "final answer**:", "final answer:**"],
        ["answer is", "answer:", "answer**:", "answer:**", "answers are", "answer to the question is"],
    ];

    /// <returns>Null where the text gives no answer under the policy.</returns>
    public static MathAnswer? Extract(string completion, AnswerPolicy policy)
    {
        var text = SpokenPart(completion);
        return InResultTags(text) ?? InBox(text) ?? AfterHashes(text) ?? AfterPhrase(text, policy) ?? Unmarked(text, policy);
    }

    private static string SpokenPart(string completion)
    {
        var thought = completion.LastIndexOf("</think>", StringComparison.Ordinal);
        var text = thought >= 0 ? completion[(thought + "</think>".Length)..] : completion;
        if (text.Contains("<think>", StringComparison.Ordinal))
            return "";   // it never stopped thinking
        var end = text.Length;
        foreach (var marker in EndOfTurn)
            if (text.IndexOf(marker, 0, end, StringComparison.Ordinal) is var found and > 0)
                end = found;
        return LatexTokens.OneBackslash(text[Math.Max(0, end - LongestTail)..end]);
    }

    private static MathAnswer? InResultTags(string text)
    {
        const string open = "[RESULT]", close = "[/RESULT]";
        for (var end = text.LastIndexOf(close, StringComparison.OrdinalIgnoreCase); end >= 0;)
        {
            var start = end == 0 ? -1 : text.LastIndexOf(open, end - 1, StringComparison.OrdinalIgnoreCase);
            if (start < 0)
                return null;
            // Of several closing tags behind one opening tag the first one closes it.
            var from = start + open.Length;
            var content = text[from..text.IndexOf(close, from, StringComparison.OrdinalIgnoreCase)].Trim();
            if (content.Length > 0)
                return new MathAnswer(content, AnswerMark.ResultTags);
            end = start == 0 ? -1 : text.LastIndexOf(close, start - 1, StringComparison.OrdinalIgnoreCase);
        }
        return null;
    }

    /// <summary>The last box, or all boxes of the last sentence where only list words stand between them: an answer in parts.</summary>
    private static MathAnswer? InBox(string text)
    {
        var boxes = MathBox.Find(text);
        if (boxes.Count == 0)
            return null;
        var first = boxes.Count - 1;
        while (first > 0 && MathBox.AreOneList(text, boxes[first - 1], boxes[first]))
            first--;
        var content = string.Join(", ", boxes.Skip(first).Select(b => b.Content.Trim()));
        return content.Length == 0 ? null : new MathAnswer(content, AnswerMark.Box);
    }

    private static MathAnswer? AfterHashes(string text)
    {
        var start = text.LastIndexOf("####", StringComparison.Ordinal);
        if (start < 0)
            return null;
        var content = Line(text, start + 4).Trim();
        // A heading of the fourth level holds words; an answer holds a digit or is short.
        return content.Length > 0 && (content.AsSpan().ContainsAnyInRange('0', '9') || content.Length <= 20) ? new MathAnswer(content, AnswerMark.Hashes) : null;
    }

    private static MathAnswer? AfterPhrase(string text, AnswerPolicy policy)
    {
        foreach (var rank in Phrases)
        {
            var (start, end) = (-1, -1);
            foreach (var phrase in rank)
                if (text.LastIndexOf(phrase, StringComparison.OrdinalIgnoreCase) is var found && found > start)
                    (start, end) = (found, found + phrase.Length);
            if (start >= 0 && Clause(text, end) is { Length: > 0 } content && (policy == AnswerPolicy.Expression || content.AsSpan().ContainsAnyInRange('0', '9')))
                return new MathAnswer(WithoutProse(content), AnswerMark.AnswerPhrase);
        }
        return null;
    }

    /// <summary>"Final answer: Jane left 3 hours ago" answers with a number, which the sentence around it would hide.</summary>
    private static string WithoutProse(string clause) =>
        MathFormula.IsWholeAnswer(clause) ? clause
        : MathFormula.Last(clause) ?? (WrittenNumber.TryFindFirst(clause, out _, out var number) ? number : clause);

    private static MathAnswer? Unmarked(string text, AnswerPolicy policy)
    {
        if (policy == AnswerPolicy.Expression)
        {
            if (MathFormula.IsWholeAnswer(text))
                return new MathAnswer(text.Trim(), AnswerMark.WholeText);
            if (Conclusion(text) is { } conclusion && (AnswerSentence.SetOff(conclusion) ?? WithoutProse(conclusion)) is var concluded && concluded != conclusion)
                return new MathAnswer(concluded, concluded.AsSpan().ContainsAny('$', '\\') ? AnswerMark.LastFormula : concluded.AsSpan().ContainsAnyInRange('0', '9') ? AnswerMark.LastNumber : AnswerMark.WholeText);
            if (MathFormula.Last(text) is { } formula)
                return new MathAnswer(formula, AnswerMark.LastFormula);
        }
        if (policy == AnswerPolicy.Expression && text.TrimEnd() is var body && body[(body.LastIndexOf('\n') + 1)..].Trim() is var last && last.Contains('\\') && MathFormula.IsWholeAnswer(last))
            return new MathAnswer(last, AnswerMark.LastFormula);        // LaTeX without dollars
        if (WrittenNumber.TryFindLast(text, out _, out var written))
            return new MathAnswer(written, AnswerMark.LastNumber);
        return policy == AnswerPolicy.Expression && (WithoutConclusion(Conclusion(text)) ?? text.Trim()) is { Length: > 0 and <= LongestSentence } sentence && !sentence.Contains('\n')
            ? new MathAnswer(sentence, AnswerMark.WholeText) : null;
    }

    /// <summary>The last sentence that says it draws the conclusion.</summary>
    private static string? Conclusion(string text)
    {
        var start = -1;
        foreach (var word in (ReadOnlySpan<string>)["Therefore", "Thus", "Hence", "So "])
            start = Math.Max(start, text.LastIndexOf(word, StringComparison.Ordinal));
        return start < 0 ? null : Sentence(text, start);
    }

    private static string? WithoutConclusion(string? sentence) => sentence?[(sentence.IndexOf(' ') + 1)..].TrimStart(' ', ',');

    private static string Line(string text, int start)
    {
        var end = text.IndexOf('\n', start);
        return end < 0 ? text[start..] : text[start..end];
    }

    /// <summary>From after the phrase to the end of its sentence or line; an answer on the next line counts where this line is empty.</summary>
    private static string Clause(string text, int start)
    {
        while (start < text.Length && (char.IsWhiteSpace(text[start]) || text[start] is ':' or '*'))
            start++;
        if (start < text.Length && MathFormula.SpanAt(text, start) is { } end)
            return ContinuesAsFormula(text, end) ? Sentence(text, start) : text[start..end];
        return WithoutReason(Sentence(text, start));
    }

    /// <summary>"4, since 2 + 2 = 4" answers 4.</summary>
    private static string WithoutReason(string clause)
    {
        var end = clause.Length;
        foreach (var word in (ReadOnlySpan<string>)[" because ", " since ", ", as "])
            if (clause.IndexOf(word, StringComparison.Ordinal) is > 0 and var found)
                end = Math.Min(end, found);
        return clause[..end].TrimEnd(' ', ',');
    }

    /// <summary>"$3$ and $4$", "$12$ cm": what follows a formula may belong to the answer.</summary>
    private static bool ContinuesAsFormula(string text, int end) => end < text.Length && text[end] is ' ' or ',' && Sentence(text, end).Length > 1;

    private static string Sentence(string text, int start)
    {
        var line = Line(text, start);
        for (var i = 0; i < line.Length; i++)
            if (line[i] is '.' or '!' or '?' && (i + 1 == line.Length || char.IsWhiteSpace(line[i + 1]) || line[i + 1] == '*') && !(line[i] == '!' && i > 0 && char.IsAsciiDigit(line[i - 1]) && i + 1 < line.Length))
                return line[..i].Trim().TrimEnd('*').Trim();
        return line.Trim().TrimEnd('*').Trim();
    }
}
