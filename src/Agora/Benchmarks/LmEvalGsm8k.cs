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
        AnswerGrader.LmEvalLlamaStrict => Last(TheFinalAnswerIs(), completion, group: 1),
        AnswerGrader.LmEvalFlexible => Last(NumberLike(), completion, group: 0),
        _ => throw new ArgumentOutOfRangeException(nameof(grader), grader, null),
    };

    /// <summary>Both texts without commas, dollar signs, all up to the last <c>#### </c> and one final full stop; case does not count.</summary>
    public static bool Matches(string extracted, string reference) => Stripped(extracted).Equals(Stripped(reference), StringComparison.Ordinal);

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

    private static string Last(Regex filter, string text, int group)
    {
        var last = Nothing;
        for (var match = filter.Match(text); match.Success; match = match.NextMatch())
            last = match.Groups[group].Value.Trim();
        return last;
    }

    [GeneratedRegex(@"#### (-?[0-9.,]+)", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant)]
    private static partial Regex Hashes();

    [GeneratedRegex(@"The answer is (-?[0-9.,]+).", RegexOptions.CultureInvariant)]
    private static partial Regex TheAnswerIs();

    [GeneratedRegex(@"The final answer is (-?[$0-9.,]{2,}|-?[0-9]+)", RegexOptions.CultureInvariant)]
    private static partial Regex TheFinalAnswerIs();

    [GeneratedRegex(@"-?[$0-9.,]{2,}|-?[0-9]+", RegexOptions.CultureInvariant)]
    private static partial Regex NumberLike();
}
