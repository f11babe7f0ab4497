using System.Text;
using System.Text.RegularExpressions;
using Agora.Experiments;
using Lingua;

namespace Agora.DataGeneration.Filters;

/// <summary>Tells in which language a text is written, by the frequencies of its runs of three letters (the library Lingua). Safe for concurrent use.</summary>
/// <remarks>
/// Code between fences, formulas and commands of LaTeX are left out, and nothing is said of fewer than <see cref="FewestLetters"/> letters or where the library is not sure. It is always asked among all of <see cref="WrittenLanguage"/>,
/// so that a verdict does not depend on which languages an experiment allows; one that is not among them is taken for its nearest relative or not told. Its low-accuracy mode is used: from about 120 letters on it looks at the same runs
/// as the other one, which would take 2 GB of memory.
/// </remarks>
public static partial class TextLanguages
{
    /// <summary>Fewer letters are not enough to tell by; of ideographs a tenth is.</summary>
    public const int FewestLetters = 40;

    // Texts that are mostly formulas come out below it, as another language.
    private const double LeastConfidence = 0.8;
    private const int MostCharacters = 10_000;

    private static readonly Lazy<LanguageDetector> Detector = new(() => LanguageDetectorBuilder
        .FromLanguages([.. Enum.GetNames<WrittenLanguage>().Select(Enum.Parse<Language>)])
        .WithLowAccuracyMode()
        .WithLanguageModelsDirectory(Path.Combine(AppContext.BaseDirectory, "languages"))
        .Build());

    /// <returns>Null where the text is too short to tell, or the library is not sure.</returns>
    public static WrittenLanguage? Of(string text)
    {
        var prose = NoProse().Replace(text, " ");
        if (prose.Length > MostCharacters)
            prose = prose[..MostCharacters];
        var weight = 0;
        foreach (var rune in prose.EnumerateRunes())
            if (Rune.IsLetter(rune))
                weight += WritingScripts.Of(rune) is WritingScript.Han or WritingScript.Kana or WritingScript.Hangul ? 10 : 1;
        if (weight < FewestLetters)
            return null;
        var best = Detector.Value.ComputeLanguageConfidenceValues(prose).MaxBy(one => one.Value);
        return best.Value >= LeastConfidence && Enum.TryParse<WrittenLanguage>(best.Key.ToString(), out var language) ? language : null;
    }

    // Fenced code, code in a line, formulas between dollars or in LaTeX's brackets, commands of LaTeX, addresses.
    [GeneratedRegex(@"```.*?(```|\z)|`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]*\$|\\\[.*?\\\]|\\\(.*?\\\)|\{/?eq\}|\\[A-Za-z]+(\{[^{}]*\})*|https?://\S+", RegexOptions.Singleline)]
    private static partial Regex NoProse();
}
