using System.Text.RegularExpressions;

namespace Agora.Benchmarks.Judged;

/// <summary>Whose reading of Arena-Hard's judgments: the scorer of v0.1, or its rewrite of April 2025 applied to the same data.</summary>
public enum ArenaRules { V01, Head2025 }

/// <summary>Labels in the words of an Arena-Hard judge, and what they are worth.</summary>
internal static partial class ArenaVerdicts
{
    public const string MuchBetterA = "A>>B", BetterA = "A>B", Tie = "A=B", BetterB = "B>A", MuchBetterB = "B>>A";

    /// <summary>Reads a judgment by the rule of v0.1: one distinct label is the verdict, none may be asked for again, several make the game void.</summary>
    /// <returns>The label, which may be none of the five and then counts for nothing; null where there is none or several.</returns>
    public static (string? Label, bool AskAgain) ReadV01(string words)
    {
        string? label = null;
        foreach (var match in DoubleBrackets().EnumerateMatches(words))
        {
            var found = words.AsSpan(match.Index + 2, match.Length - 4);
            if (label is not null && !found.SequenceEqual(label))
                return (null, false);
            label ??= found.ToString();
        }
        return (label, label is null);
    }

    /// <summary>Reads a judgment by the rule of the 2025 scorer: upper case, the last label counts, and single brackets do where there are no double ones.</summary>
    public static string? ReadHead2025(string words)
    {
        var text = words.ToUpperInvariant();
        return Last(DoubleBrackets(), 2) ?? Last(SingleBrackets(), 1);

        string? Last(Regex pattern, int brackets)
        {
            string? label = null;
            foreach (var match in pattern.EnumerateMatches(text))
                label = text.Substring(match.Index + brackets, match.Length - 2 * brackets);
            return label;
        }
    }

    /// <returns>For the first answer: battles won, or 0.5 for a tie, of how many battles; null where the label counts for nothing.</returns>
    public static (double Won, int Battles)? Worth(string? label, ArenaRules rules) => (label, rules) switch
    {
        (MuchBetterA, _) => (3, 3),
        (BetterA, _) => (1, 1),
        (Tie, _) => (0.5, 1),
        (BetterB, _) => (0, 1),
        (MuchBetterB, _) => (0, 3),
        ("B<<A", ArenaRules.Head2025) => (3, 3),
        ("B<A", ArenaRules.Head2025) => (1, 1),
        ("B=A", ArenaRules.Head2025) => (0.5, 1),
        ("A<B", ArenaRules.Head2025) => (0, 1),
        ("A<<B", ArenaRules.Head2025) => (0, 3),
        _ => null,
    };

    [GeneratedRegex(@"\[\[[AB<>=]+\]\]", RegexOptions.NonBacktracking)]
    private static partial Regex DoubleBrackets();

    [GeneratedRegex(@"\[[AB<>=]+\]", RegexOptions.NonBacktracking)]
    private static partial Regex SingleBrackets();
}
