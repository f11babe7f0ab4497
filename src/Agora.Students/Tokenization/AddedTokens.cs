using System.Buffers;
using System.Globalization;
using System.Text;

namespace Agora.Students.Tokenization;

/// <summary>A token that is cut out of the text before the model sees the rest.</summary>
/// <param name="SingleWord">Only where no word character touches it.</param>
/// <param name="StripLeft">White space before it belongs to it.</param>
/// <param name="StripRight">White space after it belongs to it.</param>
/// <param name="Normalized">Looked for in the normalized text instead of the raw one.</param>
/// <param name="Special">Dropped by a decoder that skips special tokens.</param>
internal sealed record AddedToken(int Id, string Content, bool SingleWord, bool StripLeft, bool StripRight, bool Normalized, bool Special);

/// <summary>A stretch of text, or the added token that was found there.</summary>
internal readonly record struct TextCut(int Start, int Length, AddedToken? Token);

/// <summary>Finds added tokens in a text: the leftmost first, the longest at a place, never overlapping.</summary>
internal sealed class AddedTokens
{
    private readonly SearchValues<string>? contents;
    private readonly Dictionary<char, (string Content, AddedToken Token)[]> byFirstCharacter;

    /// <param name="tokens">With the text to look for, which is the normalized content for normalized tokens.</param>
    public AddedTokens(IEnumerable<(string Content, AddedToken Token)> tokens)
    {
        var wanted = tokens.Where(token => token.Content.Length > 0).ToList();
        contents = wanted.Count == 0 ? null : SearchValues.Create([.. wanted.Select(token => token.Content)], StringComparison.Ordinal);
        byFirstCharacter = wanted
            .GroupBy(token => token.Content[0])
            .ToDictionary(group => group.Key, group => group.OrderByDescending(token => token.Content.Length).ToArray());
    }

    /// <summary>The text in order, as stretches without an added token and the tokens between them; no stretch is empty.</summary>
    public IEnumerable<TextCut> Cut(string text)
    {
        var done = 0;
        var spaceEnd = 0;       // of white space looked at before: tokens of white space that strip more of it would each look at all of it again
        for (var from = 0; contents is not null && from < text.Length;)
        {
            var offset = text.AsSpan(from).IndexOfAny(contents);
            if (offset < 0)
                break;
            var start = from + offset;
            var (content, token) = LongestAt(text, start);
            var end = from = start + content.Length;
            if (token.SingleWord && (IsWordBefore(text, start) || IsWordAfter(text, end)))
                continue;
            if (token.StripLeft)
                while (start > done && char.IsWhiteSpace(text[start - 1]))
                    start--;
            if (token.StripRight)
            {
                end = Math.Max(end, spaceEnd);
                while (end < text.Length && char.IsWhiteSpace(text[end]))
                    end++;
                spaceEnd = end;
            }
            // A token whose right-hand white space holds the start of this one has taken it already.
            start = Math.Max(start, done);
            // One whose left-hand white space is gone with all of itself is nowhere.
            if (token.StripLeft && start >= end)
                continue;
            if (start > done)
                yield return new TextCut(done, start - done, null);
            yield return new TextCut(start, Math.Max(0, end - start), token);
            done = Math.Max(done, end);
        }
        if (done < text.Length)
            yield return new TextCut(done, text.Length - done, null);
    }

    private (string Content, AddedToken Token) LongestAt(string text, int start)
    {
        foreach (var candidate in byFirstCharacter[text[start]])
            if (text.AsSpan(start).StartsWith(candidate.Content, StringComparison.Ordinal))
                return candidate;
        throw new InvalidOperationException("the search found a token that does not stand there");
    }

    private static bool IsWordBefore(string text, int end) =>
        Rune.DecodeLastFromUtf16(text.AsSpan(0, end), out var rune, out _) == OperationStatus.Done && IsWord(rune);

    private static bool IsWordAfter(string text, int start) =>
        Rune.DecodeFromUtf16(text.AsSpan(start), out var rune, out _) == OperationStatus.Done && IsWord(rune);

    /// <summary>Unicode's \w (UTS #18, annex C): alphabetic, marks, decimal digits, connectors and joiners.</summary>
    public static bool IsWord(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
            or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter or UnicodeCategory.LetterNumber
            or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark
            or UnicodeCategory.DecimalDigitNumber or UnicodeCategory.ConnectorPunctuation => true,
        // Circled and squared Latin letters are symbols by category and alphabetic by property.
        UnicodeCategory.OtherSymbol => rune.Value is (>= 0x24B6 and <= 0x24E9) or (>= 0x1F130 and <= 0x1F149) or (>= 0x1F150 and <= 0x1F169) or (>= 0x1F170 and <= 0x1F189),
        _ => rune.Value is 0x200C or 0x200D,
    };
}
