using System.Globalization;
using System.Text;

namespace Agora.Students.Tokenization;

/// <summary>A text and the pieces that it has been cut into.</summary>
/// <param name="AtStart">The text begins where the whole input begins.</param>
internal sealed record TextPieces(string Text, List<TextRange> Ranges, bool AtStart)
{
    public static TextPieces Whole(string text, bool atStart) => new(text, [new TextRange(0, text.Length)], atStart);

    /// <summary>Puts a mark before those pieces that want it.</summary>
    public TextPieces Prepend(char mark, Func<ReadOnlySpan<char>, int, bool> isWanted)
    {
        var text = new StringBuilder(Text.Length + Ranges.Count);
        var ranges = new List<TextRange>(Ranges.Count);
        for (var i = 0; i < Ranges.Count; i++)
        {
            var piece = Text.AsSpan(Ranges[i].Start, Ranges[i].Length);
            var start = text.Length;
            if (isWanted(piece, i))
                text.Append(mark);
            text.Append(piece);
            ranges.Add(new TextRange(start, text.Length));
        }
        return new TextPieces(text.ToString(), ranges, BeginsInput(0));
    }

    /// <summary>Whether a piece is the beginning of the whole input.</summary>
    public bool BeginsInput(int piece) => AtStart && piece == 0 && Ranges is [{ Start: 0 }, ..];
}

/// <summary>Cuts a text into the pieces that are encoded each by itself.</summary>
internal abstract class PreTokenizer
{
    public abstract TextPieces Apply(TextPieces pieces);
}

internal sealed class PreTokenizerSequence(IReadOnlyList<PreTokenizer> steps) : PreTokenizer
{
    public override TextPieces Apply(TextPieces pieces) => steps.Aggregate(pieces, (current, step) => step.Apply(current));
}

/// <summary>GPT-2's own split, and the space it may put before each piece; that pieces are then spelled in bytes is the model's part.</summary>
internal sealed class ByteLevelSplit(bool addPrefixSpace, bool split) : PreTokenizer
{
    private readonly PatternSplit? words = split ? new PatternSplit(SplitPattern.FromRegex(WordScanner.Gpt2), SplitBehavior.Isolated, false) : null;

    public override TextPieces Apply(TextPieces pieces)
    {
        if (addPrefixSpace)
            pieces = pieces.Prepend(' ', (piece, _) => !piece.StartsWith(' '));
        return words?.Apply(pieces) ?? pieces;
    }
}

/// <summary>Spells the pieces in GPT-2's byte alphabet, for what comes after it.</summary>
internal sealed class SpellInBytes : PreTokenizer
{
    private readonly ByteSpelling spelling = new();

    public override TextPieces Apply(TextPieces pieces)
    {
        var text = new StringBuilder(pieces.Text.Length);
        var ranges = new List<TextRange>(pieces.Ranges.Count);
        foreach (var range in pieces.Ranges)
        {
            var start = text.Length;
            text.Append(spelling.Apply(pieces.Text.Substring(range.Start, range.Length)));
            ranges.Add(new TextRange(start, text.Length));
        }
        return new TextPieces(text.ToString(), ranges, pieces.BeginsInput(0));
    }
}

/// <summary>Cuts after every so many characters of a piece.</summary>
internal sealed class FixedLengthSplit(int length) : PreTokenizer
{
    public override TextPieces Apply(TextPieces pieces)
    {
        var ranges = new List<TextRange>();
        foreach (var piece in pieces.Ranges)
        {
            var (start, at, count) = (piece.Start, piece.Start, 0);
            foreach (var rune in pieces.Text.AsSpan(piece.Start, piece.Length).EnumerateRunes())
            {
                at += rune.Utf16SequenceLength;
                if (++count % length != 0)
                    continue;
                ranges.Add(new TextRange(start, at));
                start = at;
            }
            if (start < piece.End)
                ranges.Add(new TextRange(start, piece.End));
        }
        return pieces with { Ranges = ranges };
    }
}

internal enum SplitBehavior { Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous }

/// <summary>Cuts at the matches of a pattern.</summary>
/// <param name="invert">The matches are the pieces, and what lies between them separates.</param>
internal sealed class PatternSplit(SplitPattern pattern, SplitBehavior behavior, bool invert) : PreTokenizer
{
    public override TextPieces Apply(TextPieces pieces)
    {
        var result = new List<TextRange>(pieces.Text.Length / 4);
        var matches = new List<TextRange>();
        foreach (var piece in pieces.Ranges)
        {
            matches.Clear();
            pattern.Match(pieces.Text, piece, matches);
            if (behavior == SplitBehavior.Isolated && Covers(matches, piece))
                result.AddRange(matches);
            else
                Join(Spans(matches, piece), result);
        }
        return pieces with { Ranges = result };
    }

    private static bool Covers(List<TextRange> matches, TextRange piece)
    {
        var at = piece.Start;
        foreach (var match in matches)
        {
            if (match.Start != at)
                return false;
            at = match.End;
        }
        return at == piece.End;
    }

    /// <summary>Matches and what lies between them, in order, each with whether it separates.</summary>
    private IEnumerable<(TextRange Range, bool Separates)> Spans(List<TextRange> matches, TextRange piece)
    {
        var at = piece.Start;
        foreach (var match in matches)
        {
            if (match.Start > at)
                yield return (new TextRange(at, match.Start), invert);
            yield return (match, !invert);
            at = match.End;
        }
        if (at < piece.End)
            yield return (new TextRange(at, piece.End), invert);
    }

    private void Join(IEnumerable<(TextRange Range, bool Separates)> spans, List<TextRange> result)
    {
        bool? previous = null;
        var open = false;        // a separator waits for what follows it (MergedWithNext)
        foreach (var (range, separates) in spans)
        {
            var joins = behavior switch
            {
                SplitBehavior.MergedWithPrevious => separates && previous == false,
                SplitBehavior.MergedWithNext => open && !separates,
                SplitBehavior.Contiguous => previous == separates,
                _ => false,
            };
            if (joins)
                result[^1] = new TextRange(result[^1].Start, range.End);
            else if (behavior != SplitBehavior.Removed || !separates)
                result.Add(range);
            open = separates;
            previous = separates;
        }
    }
}

/// <summary>Cuts digits from the rest: each by itself, or runs of them.</summary>
internal sealed class DigitSplit(bool individually) : PreTokenizer
{
    private readonly PatternSplit split = new(new CharacterPattern(Rune.IsNumber), individually ? SplitBehavior.Isolated : SplitBehavior.Contiguous, false);

    public override TextPieces Apply(TextPieces pieces) => split.Apply(pieces);
}

/// <summary>Matches the characters of a kind, each by itself.</summary>
internal sealed class CharacterPattern(Func<Rune, bool> isOfKind) : SplitPattern
{
    public override void Match(string text, TextRange within, List<TextRange> matches)
    {
        var at = within.Start;
        foreach (var rune in text.AsSpan(within.Start, within.Length).EnumerateRunes())
        {
            if (isOfKind(rune))
                matches.Add(new TextRange(at, at + rune.Utf16SequenceLength));
            at += rune.Utf16SequenceLength;
        }
    }
}

/// <summary>\w+|[^\w\s]+ as the reference's engine has it, where joiners are parts of words.</summary>
internal sealed class WordPattern : SplitPattern
{
    public override void Match(string text, TextRange within, List<TextRange> matches)
    {
        var (at, wasWord) = (within.Start, (bool?)null);
        foreach (var rune in text.AsSpan(within.Start, within.Length).EnumerateRunes())
        {
            bool? isWord = Rune.IsWhiteSpace(rune) ? null : AddedTokens.IsWord(rune);
            var end = at + rune.Utf16SequenceLength;
            if (isWord is not null && isWord == wasWord)
                matches[^1] = new TextRange(matches[^1].Start, end);
            else if (isWord is not null)
                matches.Add(new TextRange(at, end));
            (at, wasWord) = (end, isWord);
        }
    }
}

internal enum PrependScheme { Never, First, Always }

/// <summary>SentencePiece's way with spaces: each becomes a visible mark, and words begin with it.</summary>
internal sealed class Metaspace(char mark, PrependScheme scheme, bool split) : PreTokenizer
{
    private readonly PatternSplit words = new(SplitPattern.FromText(mark.ToString()), SplitBehavior.MergedWithNext, false);

    public override TextPieces Apply(TextPieces pieces)
    {
        var marked = pieces with { Text = pieces.Text.Replace(' ', mark) };
        if (scheme != PrependScheme.Never)
            marked = marked.Prepend(mark, (piece, index) => !piece.StartsWith(mark) && (scheme == PrependScheme.Always || pieces.BeginsInput(index)));
        return split ? words.Apply(marked) : marked;
    }
}
