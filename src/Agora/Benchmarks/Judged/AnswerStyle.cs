using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;
using Agora.Experiments;

namespace Agora.Benchmarks.Judged;

/// <summary>What an answer looks like, whatever it says.</summary>
/// <param name="Length">In tokens of cl100k_base in official files; only ratios matter, but both answers must be counted in one unit.</param>
/// <param name="Headers">Lines of 1 to 6 number signs and white space.</param>
/// <param name="Lists">Items, numbered and not.</param>
/// <param name="Bolds">Spans in bold face.</param>
public readonly partial record struct AnswerStyle(double Length, double Headers, double Lists, double Bolds)
{
    /// <summary>Longest answer whose Markdown is counted, in UTF-16 units; ten times what a judged answer may hold.</summary>
    public const int LongestAnswer = 200_000;

    /// <summary>Counts the Markdown of an answer as the official script does.</summary>
    /// <remarks>First the text inside every fence is deleted wherever it occurs, the fences themselves stay; so a block that holds a line break alone deletes every line break.</remarks>
    /// <param name="length">Of the whole answer, code included.</param>
    /// <exception cref="AgoraException">The answer is longer than <see cref="LongestAnswer"/>.</exception>
    public static AnswerStyle Of(string answer, double length)
    {
        if (answer.Length > LongestAnswer)
            throw new AgoraException(string.Create(CultureInfo.InvariantCulture, $"an answer has {answer.Length} characters, more than {LongestAnswer}"), "style control", "shorten or remove the answer") { ExitCode = 2 };
        var text = answer;
        foreach (var block in FencedBlock().Matches(answer).Select(match => match.Groups[1].Value).Where(block => block.Length > 0).Distinct(StringComparer.Ordinal))
            text = text.Replace(block, "", StringComparison.Ordinal);
        return new AnswerStyle(length, Header().Count(text), NumberedItem().Count(text) + Item().Count(text), Stars().Count(text) + Underlines().Count(text));
    }

    internal static ImmutableArray<string> Traits(StyleFeatures which) => which switch
    {
        StyleFeatures.Length => ["length"],
        StyleFeatures.Markdown => ["headers", "lists", "bolds"],
        _ => ["length", "headers", "lists", "bolds"],
    };

    internal ImmutableArray<double> Of(StyleFeatures which) => which switch
    {
        StyleFeatures.Length => [Length],
        StyleFeatures.Markdown => [Headers, Lists, Bolds],
        _ => [Length, Headers, Lists, Bolds],
    };

    [GeneratedRegex("```([^`]*)```", RegexOptions.NonBacktracking)]
    private static partial Regex FencedBlock();

    [GeneratedRegex(@"^#{1,6}\s", RegexOptions.Multiline | RegexOptions.NonBacktracking)]
    private static partial Regex Header();

    [GeneratedRegex(@"^\s*\d+\.\s", RegexOptions.Multiline | RegexOptions.NonBacktracking)]
    private static partial Regex NumberedItem();

    [GeneratedRegex(@"^\s*[-*+]\s", RegexOptions.Multiline | RegexOptions.NonBacktracking)]
    private static partial Regex Item();

    [GeneratedRegex(@"\*\*[^*\n]+\*\*", RegexOptions.NonBacktracking)]
    private static partial Regex Stars();

    [GeneratedRegex(@"__[^_\n]+__", RegexOptions.NonBacktracking)]
    private static partial Regex Underlines();
}
