using System.Collections.Frozen;
using System.Text.RegularExpressions;

namespace Agora.Benchmarks;

/// <summary>What a sentence answers: "The function is odd." says odd, "It will be a Monday" Monday.</summary>
/// <remarks>A sentence that denies or leaves open is left as it stands, so that "it is not true that f is odd" never says odd.</remarks>
internal static partial class AnswerSentence
{
    private static readonly FrozenSet<string> Copulas = new[] { "is", "are", "was", "were", "be" }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>Before a copula, these keep what follows from being said.</summary>
    private static readonly FrozenSet<string> Doubts = new[]
    {
        "not", "no", "never", "none", "nobody", "false", "neither", "nor", "cannot", "if", "unless", "whether", "when", "or", "either", "than", "incorrect", "wrong", "untrue", "unknown", "almost", "but",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenSet<string> Leads = new[] { "a", "an", "the", "on" }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>Nouns that only say of what kind the thing is: an odd function is odd.</summary>
    private static readonly FrozenSet<string> Kinds = new[] { "function", "functions", "triangle", "triangles", "number", "numbers", "solution", "solutions", "angle", "angles", "series", "sequence", "system" }
        .ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenSet<string> Verdicts = new[] { "yes", "no", "true", "false" }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    [GeneratedRegex(@"^no (?:(?:real|integer|integral|valid|such|possible) )*(?:solutions?|roots?)(?: exists?)?$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex NoSolution { get; }

    [GeneratedRegex(@"\b(?:is|are)\s+(?:an?\s+)?(?:\*\*|\\textbf\s*\{|\\text\s*\{|\\emph\s*\{)([A-Za-z][A-Za-z -]{1,30})(?:\*\*|\})?\.?$", RegexOptions.CultureInvariant)]
    private static partial Regex EmphasisAtEnd { get; }

    [GeneratedRegex(@"^([A-Z][a-z]{2,}) (?:has|had|is|was|will|wins|won) [^A-Z]*$", RegexOptions.CultureInvariant)]
    private static partial Regex OfSomebody { get; }

    /// <param name="sentence">Words with single spaces between them.</param>
    /// <returns>The answer's words; the sentence itself where it only is an answer.</returns>
    public static string Said(string sentence)
    {
        var words = sentence.TrimEnd('.', '!').Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length < 2)
            return sentence;
        if (Verdicts.Contains(words[0].TrimEnd(',')) && words[0].EndsWith(',') && !words.Skip(1).Any(word => Verdicts.Contains(word.Trim(','))))
            return words[0][..^1];
        var said = Predicate(words);
        if (said[0].Equals("neither", StringComparison.OrdinalIgnoreCase) && said.Contains("nor", StringComparer.OrdinalIgnoreCase))
            return said[0];
        var text = string.Join(' ', said);
        if (IsNoSolution(text))
            return text;
        while (said.Length > 1 && Leads.Contains(said[0]))
            said = said[1..];
        return said.Length > 1 && Kinds.Contains(said[^1]) && !said.Contains("real", StringComparer.OrdinalIgnoreCase) ? string.Join(' ', said[..^1]) : string.Join(' ', said);
    }

    public static bool IsNoSolution(string text) => NoSolution.IsMatch(text);

    private static string[] Predicate(string[] words)
    {
        for (var i = words.Length - 2; i >= 0; i--)
        {
            var isCopula = Copulas.Contains(words[i]) || (words[i] is "has" or "have" && words[i + 1].Equals("no", StringComparison.OrdinalIgnoreCase));
            if (isCopula)
                return words.Take(i).Any(word => Doubts.Contains(word.Trim(',')) || word.Contains('\'')) ? words : words[(i + 1)..];
        }
        return words;
    }

    /// <summary>The last words of a sentence where they alone are set off: "Therefore $f$ is **odd**" says odd, not f.</summary>
    public static string? SetOff(string sentence) => EmphasisAtEnd.Match(sentence) is { Success: true } match ? match.Groups[1].Value : null;

    /// <summary>Whether a sentence is about a name that alone is the answer: "Evelyn has the greatest average speed" tells who has it.</summary>
    public static bool IsAbout(string sentence, string name) =>
        OfSomebody.Match(sentence.TrimEnd('.')) is { Success: true } match && match.Groups[1].Value == name && !sentence.Split(' ').Any(word => Doubts.Contains(word) || word.Contains('\''));
}
