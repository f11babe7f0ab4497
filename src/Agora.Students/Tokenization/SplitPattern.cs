using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Agora.Students.Tokenization;

/// <summary>Finds the matches of a pre-tokenizer's pattern, on code points as the reference does, not on .NET's UTF-16 halves.</summary>
internal abstract class SplitPattern
{
    /// <summary>Appends the matches, in order.</summary>
    public abstract void Match(string text, TextRange within, List<TextRange> matches);

    /// <summary>A scanner where the pattern is one of the public models', else a regular expression.</summary>
    /// <exception cref="ArgumentException">The regular expression uses what .NET's engine does not have.</exception>
    public static SplitPattern FromRegex(string pattern) =>
        (SplitPattern?)WordScanner.TryFor(pattern) ?? new RegexPattern(pattern);

    public static SplitPattern FromText(string text) => new TextPattern(text);

    private sealed class TextPattern(string wanted) : SplitPattern
    {
        public override void Match(string text, TextRange within, List<TextRange> matches)
        {
            for (var from = within.Start; wanted.Length > 0;)
            {
                var offset = text.AsSpan(from, within.End - from).IndexOf(wanted, StringComparison.Ordinal);
                if (offset < 0)
                    return;
                matches.Add(new TextRange(from + offset, from + offset + wanted.Length));
                from += offset + wanted.Length;
            }
        }
    }
}

/// <summary>A stretch of a text in UTF-16 units, end excluded.</summary>
internal readonly record struct TextRange(int Start, int End)
{
    public int Length => End - Start;
}

/// <summary>Any regular expression of which a match can be found in linear time (not always all of them: a+b|a looks to the end of a run for each), on a copy of the text in which each character beyond U+FFFF is one unit.</summary>
/// <remarks>
/// .NET matches UTF-16 units, so that \p{L} and negated classes would see halves of an emoji. In the copy, a character beyond U+FFFF is replaced by one
/// of the same general category that the pattern does not name; patterns that name such characters themselves are refused. The engine is .NET's non-backtracking one, which has no look-around:
/// the one look-ahead that public tokenizers use, <c>\s+(?!\S)|\s+</c>, is done here; others are refused.
/// </remarks>
internal sealed class RegexPattern : SplitPattern
{
    private const string AllButLastSpace = @"\s+(?!\S)";

    private static readonly Regex Named = new(@"(?<from>\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}|[^\\\x00-\x7F])(?:-(?<to>\\u[0-9A-Fa-f]{4}|[^\\\x00-\x7F]))?|.-(?<to>\\u[0-9A-Fa-f]{4}|[^\\\x00-\x7F])",
        RegexOptions.CultureInvariant | RegexOptions.NonBacktracking | RegexOptions.Singleline);

    private readonly Regex regex;
    private readonly char[] standIns;        // by category
    private readonly int spaces = -1;        // the group that stands for the look-ahead, if the pattern has it
    // The group of any character that the pattern does not match, if it may begin with something optional: .NET 10's engine misses matches of \s?\p{L}+ where it has to
    // look for their beginning, and finds all where every place is the beginning of some match.
    private readonly int others = -1;

    public RegexPattern(string pattern)
    {
        if (pattern.Any(char.IsSurrogate))
            throw new ArgumentException("the pattern names characters beyond U+FFFF");
        var written = pattern;
        pattern = OnigurumaPattern.Rewrite(pattern, out var beginsWithOption);
        // All white space, or all but the last before something else; what is left of it then matches again.
        var linear = Regex.Replace(pattern, @"\\s\+\(\?!\\S\)\|\\s\+?(?=$|[|)])", _ => @"(?<agora_spaces>\s+)", RegexOptions.CultureInvariant);
        if (beginsWithOption)
            linear = $@"(?:{linear})|(?<agora_other>[\s\S])";
        try
        {
            regex = new Regex(linear, RegexOptions.CultureInvariant | RegexOptions.NonBacktracking | RegexOptions.Multiline);
        }
        catch (NotSupportedException exception)
        {
            throw new ArgumentException(
                written.Contains(AllButLastSpace, StringComparison.Ordinal) ? @"\s+(?!\S) is supported before |\s+ only" : "look-around, back-references and the like take more than linear time", exception);
        }
        var named = Named.Matches(pattern).Select(NamedBy).ToList();
        standIns = [.. Enum.GetValues<UnicodeCategory>().Select(category => StandIn(category, named))];
        spaces = regex.GroupNumberFromName("agora_spaces");
        others = regex.GroupNumberFromName("agora_other");
    }

    public override void Match(string text, TextRange within, List<TextRange> matches)
    {
        var piece = text.AsSpan(within.Start, within.Length);
        if (piece.IndexOfAnyInRange('\uD800', '\uDFFF') < 0)
        {
            foreach (var match in Matches(text, within))
                matches.Add(new TextRange(within.Start + match.Start, within.Start + match.End));
            return;
        }
        var copy = new StringBuilder(piece.Length);
        var starts = new List<int>(piece.Length + 1);   // of each unit of the copy, in the text
        for (var at = 0; at < piece.Length;)
        {
            var status = Rune.DecodeFromUtf16(piece[at..], out var rune, out var length);
            starts.Add(within.Start + at);
            copy.Append(status == OperationStatus.Done ? rune.IsBmp ? (char)rune.Value : standIns[(int)Rune.GetUnicodeCategory(rune)] : '\uFFFD');
            at += length;
        }
        starts.Add(within.End);
        foreach (var match in Matches(copy.ToString(), new TextRange(0, copy.Length)))
            matches.Add(new TextRange(starts[match.Start], starts[match.End]));
    }

    /// <summary>Ranges counted from the start of the stretch; empty matches are left out.</summary>
    private List<TextRange> Matches(string text, TextRange within)
    {
        var found = new List<TextRange>(within.Length / 4);
        if (spaces < 0 && others < 0)
        {
            foreach (var match in regex.EnumerateMatches(text.AsSpan(within.Start, within.Length)))
                if (match.Length > 0)
                    found.Add(new TextRange(match.Index, match.Index + match.Length));
            return found;
        }
        // Groups cost several times what matches alone do, so the engine is asked for them only where one of these two may have matched: they end in white space, or are one character.
        var piece = within.Length == text.Length ? text : text.Substring(within.Start, within.Length);
        for (var at = 0; at < piece.Length;)
        {
            var from = at;
            at = piece.Length;
            foreach (var match in regex.EnumerateMatches(piece, from))
            {
                var end = match.Index + match.Length;
                if (match.Length == 0)
                    continue;
                if (match.Length == 1 ? others < 0 : spaces < 0 || end == piece.Length || !char.IsWhiteSpace(piece[end - 1]))
                {
                    found.Add(new TextRange(match.Index, end));
                    continue;
                }
                var groups = regex.Match(piece, match.Index).Groups;
                if (others >= 0 && groups[others].Success)
                    continue;
                // Greedy, so that something else follows where the text goes on.
                var isCut = spaces >= 0 && groups[spaces].Success && groups[spaces].Length > 1 && groups[spaces].Index + groups[spaces].Length == end && end < piece.Length;
                found.Add(new TextRange(match.Index, isCut ? end - 1 : end));
                if (!isCut)
                    continue;
                at = end - 1;
                break;
            }
        }
        return found;
    }

    private static (int First, int Last) NamedBy(Match match)
    {
        var first = match.Groups["from"].Success ? Point(match.Groups["from"].Value) : match.Value[0];
        return (first, match.Groups["to"].Success ? Point(match.Groups["to"].Value) : first);

        static int Point(string written) => written[0] == '\\' ? int.Parse(written.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) : written[0];
    }

    // A character that the pattern names by itself or in a range would match for its own sake.
    private static char StandIn(UnicodeCategory category, List<(int First, int Last)> named)
    {
        var usual = UsualStandIn(category);
        var kind = CharUnicodeInfo.GetUnicodeCategory(usual);
        if (IsFree(usual))
            return usual;
        for (var point = 0xFFFF; point > 0x7F; point--)
            if (CharUnicodeInfo.GetUnicodeCategory((char)point) == kind && IsFree(point))
                return (char)point;
        return category switch
        {
            // Seldom asked for by category, and often by its range.
            UnicodeCategory.PrivateUse => StandIn(UnicodeCategory.OtherNotAssigned, named),
            // There are none beyond.
            UnicodeCategory.TitlecaseLetter or UnicodeCategory.EnclosingMark or UnicodeCategory.InitialQuotePunctuation or UnicodeCategory.FinalQuotePunctuation => usual,
            _ => throw new ArgumentException("the pattern names every character of a category up to U+FFFF, and characters beyond are matched through those"),
        };

        bool IsFree(int point) => !named.Exists(range => range.First <= point && point <= range.Last);
    }

    /// <summary>A rare character of the category from the Basic Multilingual Plane.</summary>
    private static char UsualStandIn(UnicodeCategory category) => category switch
    {
        UnicodeCategory.UppercaseLetter => '\uA7AE',
        UnicodeCategory.LowercaseLetter => '\uA7B5',
        UnicodeCategory.TitlecaseLetter => '\u1F88',
        UnicodeCategory.ModifierLetter => '\uA7F8',
        UnicodeCategory.OtherLetter => '\uA7F7',
        UnicodeCategory.NonSpacingMark => '\uA8C4',
        UnicodeCategory.SpacingCombiningMark => '\uA8C3',
        UnicodeCategory.EnclosingMark => '\uA672',
        UnicodeCategory.DecimalDigitNumber => '\uA8D0',
        UnicodeCategory.LetterNumber => '\uA6E6',
        UnicodeCategory.OtherNumber => '\uA830',
        UnicodeCategory.ConnectorPunctuation => '\uFE4D',
        UnicodeCategory.DashPunctuation => '\u2E3A',
        UnicodeCategory.OpenPunctuation => '\u2E42',
        UnicodeCategory.ClosePunctuation => '\uFE18',
        UnicodeCategory.InitialQuotePunctuation => '\u2E02',
        UnicodeCategory.FinalQuotePunctuation => '\u2E03',
        UnicodeCategory.OtherPunctuation => '\uA8CE',
        UnicodeCategory.MathSymbol => '\u27C0',
        UnicodeCategory.CurrencySymbol => '\uA838',
        UnicodeCategory.ModifierSymbol => '\uA700',
        UnicodeCategory.OtherSymbol => '\uA828',
        UnicodeCategory.Format => '\u2060',
        UnicodeCategory.PrivateUse => '\uE000',
        _ => '\uFFFF',   // unassigned
    };
}
