using System.Text.RegularExpressions;

namespace Agora.Benchmarks;

/// <summary>Minerva's way of reading and normalising a MATH answer (arXiv:2206.14858, appendix D.1), as lm-evaluation-harness's task minerva_math does.</summary>
/// <remarks>
/// Only the closing sentence that the few-shot prompt teaches counts; a box without it is no answer. After normalisation, texts are compared, then values
/// by <see cref="MathEquivalence"/> where the harness asks sympy.
/// </remarks>
internal static partial class MinervaMath
{
    public const int Rules = 1;

    private const string Opening = "Final Answer: The final answer is";
    private const string ClosingWords = " I hope it is correct";
    private const string Closing = "I hope it is correct.";

    /// <summary>No answer is longer, and normalising takes a pass over the text for each of some seventy rewrites.</summary>
    private const int LongestAnswer = 4000;

    private static readonly (string From, string To)[] Rewrites =
    [
        ("an ", ""), ("a ", ""), (".$", "$"), ("\\$", ""), ("\\ ", ""), (" ", ""), ("mbox", "text"), (",\\text{and}", ","), ("\\text{and}", ","), ("\\text{m}", "\\text{}"),
    ];

    private static readonly string[] Dropped =
    [
        "square", "ways", "integers", "dollars", "mph", "inches", "ft", "hours", "km", "units", "\\ldots", "sue", "points", "feet", "minutes", "digits", "cents",
        "degrees", "cm", "gm", "pounds", "meters", "meals", "edges", "students", "childrentickets", "multiples", "\\text{s}", "\\text{.}", "\\text{\ns}",
        "\\text{}^2", "\\text{}^3", "\\text{\n}", "\\text{}", "\\mathrm{th}", "^\\circ", "^{\\circ}", "\\;", ",\\!", "{,}", "\"", "\\dots",
    ];

    /// <summary>How an exemplar's solution ends, and so an answer.</summary>
    public static string Ending(string answer) => $"{Opening} ${answer}$. {Closing}";

    public static ItemGrade Grade(string completion, string reference)
    {
        if (Extract(completion) is not { } answer)
            return ItemGrade.Of(null, right: false, "lm-eval-strict; no closing sentence");
        var (expected, given) = (Normalized(reference), Normalized(answer));
        return ItemGrade.Of(answer, expected == given || MathEquivalence.AreEquivalent(expected, given), $"lm-eval-strict; {given} against {expected}");
    }

    /// <returns>Null where the closing sentence is missing, or opens and never ends on its line; the end itself may have been cut off.</returns>
    public static string? Extract(string completion)
    {
        var start = completion.IndexOf(Opening, StringComparison.Ordinal);
        while (start >= 0)
        {
            // One line, up to any character, the closing words and any character; the closing is appended to what the model wrote.
            var from = start + Opening.Length;
            var lineEnd = completion.IndexOf('\n', from);
            var line = lineEnd < 0 ? completion[from..] + Closing : completion[from..lineEnd];
            var end = line.IndexOf(ClosingWords, Math.Min(1, line.Length), StringComparison.Ordinal);
            if (end > 0 && end + ClosingWords.Length < line.Length)
                return line[..(end - 1)].Trim();
            // What closes no sentence here closes none that opens later on the line.
            start = lineEnd < 0 ? -1 : completion.IndexOf(Opening, lineEnd, StringComparison.Ordinal);
        }
        return null;
    }

    public static string Normalized(string answer)
    {
        if (answer.Length > LongestAnswer)
            return answer;
        var text = answer[(answer.LastIndexOf('=') + 1)..];
        foreach (var (from, to) in Rewrites)
            text = text.Replace(from, to, StringComparison.Ordinal);
        foreach (var expression in Dropped)
            text = text.Replace(expression, "", StringComparison.Ordinal);
        if (text.IndexOf('$') is var first and >= 0 && text.IndexOf('$', first + 1) is var second and >= 0 && !text.Contains('\n'))
            text = text[first..(second + 1)];
        foreach (var command in (ReadOnlySpan<string>)["\\text{", "\\textbf{", "\\overline{"])
            text = Unwrapped(text, command, last: false);
        text = Unwrapped(text, "\\boxed{", last: true);
        text = BareFraction().Replace(text, "frac{$1}{$2}");
        text = BareRoot().Replace(text, "sqrt{$1}");
        text = text.Replace("$", "", StringComparison.Ordinal);
        var digits = text.Replace(",", "", StringComparison.Ordinal);
        return digits.Length > 0 && !digits.AsSpan().ContainsAnyExceptInRange('0', '9') ? digits : text;
    }

    /// <summary>Drops a command and the brace that ends it: the first one after it, or the line's last.</summary>
    private static string Unwrapped(string text, string command, bool last)
    {
        var from = 0;
        while (text.IndexOf(command, from, StringComparison.Ordinal) is var start and >= 0)
        {
            var inner = start + command.Length;
            var line = text.IndexOf('\n', inner) is var lineEnd and >= 0 ? lineEnd : text.Length;
            var end = last ? text.LastIndexOf('}', line - 1, line - inner) : text.IndexOf('}', inner, line - inner);
            if (end < 0)
                break;
            text = string.Concat(text.AsSpan(0, start), text.AsSpan(inner, end - inner), text.AsSpan(end + 1));
            from = end - command.Length;
        }
        return text;
    }

    [GeneratedRegex(@"frac([^{])(.)", RegexOptions.CultureInvariant)]
    private static partial Regex BareFraction();

    [GeneratedRegex(@"sqrt([^{])", RegexOptions.CultureInvariant)]
    private static partial Regex BareRoot();
}
