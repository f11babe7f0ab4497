using System.Buffers;
using System.Text.RegularExpressions;

namespace Agora.Benchmarks;

/// <summary>The filters and the exact match of lm-evaluation-harness's GSM8K tasks, faults included, for figures that compare with published ones.</summary>
/// <remarks>
/// EleutherAI/lm-evaluation-harness, tasks gsm8k, gsm8k_cot and gsm8k_cot_llama, commit 4e7e0d47. The match is one of texts: 42.0 is not 42, and the
/// flexible filter reads "5}$." out of "\boxed{5}$.". Grade with <see cref="AnswerGrader.Agora"/> to know what a student can do.
/// </remarks>
internal static partial class LmEvalGsm8k
{
    public const int Rules = 1;

    /// <summary>What is longer would have to be commas and dollar signs almost throughout to match a number.</summary>
    private const int LongestExtraction = 1 << 16;

    private static readonly SearchValues<char> NumberLetters = SearchValues.Create("0123456789$.,");

    /// <summary>What the harness writes where a filter finds nothing.</summary>
    public const string Nothing = "[invalid]";

    public static ItemGrade Grade(string completion, string reference, AnswerGrader grader)
    {
        var extracted = Extract(completion, grader);
        return ItemGrade.Of(extracted == Nothing ? null : extracted, Matches(extracted, reference), $"{BenchmarkOptions.Name(grader)}; reference {Stripped(reference)}");
    }

    public static string Extract(string completion, AnswerGrader grader) => grader switch
    {
        AnswerGrader.LmEvalStrict => First(Hashes(), completion),
        AnswerGrader.LmEvalCotStrict => First(TheAnswerIs(), completion),
        AnswerGrader.LmEvalLlamaStrict => LastFinalAnswer(completion),
        AnswerGrader.LmEvalFlexible => LastNumberLike(completion),
        _ => throw new ArgumentOutOfRangeException(nameof(grader), grader, null),
    };

    /// <summary>Both texts without commas, dollar signs, all up to the last <c>#### </c> and one final full stop; case does not count.</summary>
    public static bool Matches(string extracted, string reference) => extracted.Length <= LongestExtraction && Stripped(extracted).Equals(Stripped(reference), StringComparison.Ordinal);

    /// <summary>The benchmark's own solution in the words that the filter looks for.</summary>
    public static string Reference(string solution, AnswerGrader grader) => grader switch
    {
        AnswerGrader.LmEvalCotStrict => $"The answer is {Stripped(solution)}.",
        AnswerGrader.LmEvalLlamaStrict => $"The final answer is {Stripped(solution)}",
        _ => solution,
    };

    private static string Stripped(string text)
    {
        var stripped = text.Replace(",", "", StringComparison.Ordinal).Replace("$", "", StringComparison.Ordinal);
        if (stripped.LastIndexOf("#### ", StringComparison.Ordinal) is var marks and >= 0)
            stripped = stripped[(marks + 5)..];
        if (stripped.EndsWith('.'))
            stripped = stripped[..^1];
        else if (stripped.EndsWith(".\n", StringComparison.Ordinal))
            stripped = stripped[..^2] + "\n";       // the harness's "$" matches before a last line end too
        return stripped.ToLowerInvariant();
    }

    private static string First(Regex filter, string text) => filter.Match(text) is { Success: true } match ? match.Groups[1].Value.Trim() : Nothing;

    /// <summary>The last match of <c>The final answer is ((-?[$0-9.,]{2,})|(-?[0-9]+))</c>.</summary>
    private static string LastFinalAnswer(string text)
    {
        const string opening = "The final answer is ";
        for (var start = text.LastIndexOf(opening, StringComparison.Ordinal); start >= 0; start = start == 0 ? -1 : text.LastIndexOf(opening, start - 1, StringComparison.Ordinal))
        {
            var from = start + opening.Length;
            var end = from < text.Length && text[from] == '-' ? from + 1 : from;
            end = text.AsSpan(end).IndexOfAnyExcept(NumberLetters) is var length and >= 0 ? end + length : text.Length;
            if (NumberLike(text, from, end) is { } number)
                return number;
        }
        return Nothing;
    }

    /// <summary>The last match of <c>(-?[$0-9.,]{2,})|(-?[0-9]+)</c>.</summary>
    /// <remarks>A sign can only begin a match, so the last match is the last stretch between signs and other characters that is long enough; five million matches need not be made.</remarks>
    private static string LastNumberLike(string text)
    {
        var letters = text.AsSpan();
        int start;
        for (var end = letters.LastIndexOfAny(NumberLetters) + 1; end > 0; end = letters[..start].LastIndexOfAny(NumberLetters) + 1)
        {
            start = letters[..end].LastIndexOfAnyExcept(NumberLetters) + 1;
            if (NumberLike(text, start > 0 && text[start - 1] == '-' ? start - 1 : start, end) is { } number)
                return number;
        }
        return Nothing;
    }

    /// <summary>Two characters or more of those that numbers are written with, or a single digit, behind a sign or none.</summary>
    private static string? NumberLike(string text, int from, int end)
    {
        var digits = text.AsSpan(from, end - from).TrimStart('-');
        return digits.Length >= 2 || (digits.Length == 1 && char.IsAsciiDigit(digits[0])) ? text[from..end] : null;
    }

    [GeneratedRegex(@"#### (-?[0-9.,]+)", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant)]
    private static partial Regex Hashes();

    [GeneratedRegex(@"The answer is (-?[0-9.,]+).", RegexOptions.CultureInvariant)]
    private static partial Regex TheAnswerIs();
}
