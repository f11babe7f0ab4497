using System.Text;

namespace Agora.Students.Tokenization;

/// <summary>A change to the text before it is split and encoded.</summary>
internal abstract class TextNormalizer
{
    public abstract string Apply(string text);
}

internal sealed class NormalizerSequence(IReadOnlyList<TextNormalizer> steps) : TextNormalizer
{
    public override string Apply(string text) => steps.Aggregate(text, (current, step) => step.Apply(current));
}

internal sealed class CanonicalForm(bool composed) : TextNormalizer
{
    public override string Apply(string text) => composed ? CanonicalNormalization.Compose(text) : CanonicalNormalization.Decompose(text);
}

internal sealed class CompatibilityForm(bool composed) : TextNormalizer
{
    public override string Apply(string text) => composed ? CompatibilityNormalization.Compose(text) : CompatibilityNormalization.Decompose(text);
}

internal sealed class LowerCase : TextNormalizer
{
    // Letter by letter, as the reference does: no sigma knows that it ends a word, and İ becomes two characters.
    public override string Apply(string text) => text.ToLowerInvariant().Replace("\u0130", "i\u0307", StringComparison.Ordinal);
}

/// <summary>Takes marks out: combining characters such as the accents of form D.</summary>
/// <param name="onlyNonSpacing">BERT's rule; else all marks.</param>
internal sealed class StripMarks(bool onlyNonSpacing) : TextNormalizer
{
    public override string Apply(string text) => Ascii.IsValid(text) ? text : Characters.Map(text, (rune, kept) =>
    {
        if (!(onlyNonSpacing ? ReferenceCategories.IsNonSpacingMark(rune) : ReferenceCategories.IsMark(rune)))
            kept.Append(rune);
    });
}

/// <summary>BERT's cleaning: control characters go, tabs and ends of lines excepted, and every white space becomes a space.</summary>
internal sealed class CleanText : TextNormalizer
{
    public override string Apply(string text) => Characters.Map(text, (rune, kept) =>
    {
        if (rune.Value is 0 or 0xFFFD || IsControl(rune))
            return;
        if (Rune.IsWhiteSpace(rune))
            kept.Append(' ');
        else
            kept.Append(rune);
    });

    private static bool IsControl(Rune rune) => rune.Value is not ('\t' or '\n' or '\r') && ReferenceCategories.IsControl(rune);
}

/// <summary>Puts spaces around ideographs, so that each is a word.</summary>
internal sealed class SeparateIdeographs : TextNormalizer
{
    public override string Apply(string text) => Ascii.IsValid(text) ? text : Characters.Map(text, (rune, kept) =>
    {
        if (IsIdeograph(rune.Value))
            kept.Append(' ').Append(rune).Append(' ');
        else
            kept.Append(rune);
    });

    private static bool IsIdeograph(int value) => value is (>= 0x4e00 and <= 0x9fff) or (>= 0x3400 and <= 0x4dbf) or (>= 0x20000 and <= 0x2a6df) or (>= 0x2a700 and <= 0x2b73f)
        or (>= 0x2b740 and <= 0x2b81f) or (>= 0x2b920 and <= 0x2ceaf) or (>= 0xf900 and <= 0xfaff) or (>= 0x2f800 and <= 0x2fa1f);
}

/// <summary>The cleaning of SentencePiece's "nmt" rules: ASCII control characters go, line breaks, joiners and the like become spaces.</summary>
internal sealed class NmtCleaning : TextNormalizer
{
    public override string Apply(string text) => Characters.Map(text, (rune, kept) =>
    {
        if (rune.Value is (>= 1 and <= 8) or 0xB or (>= 0xE and <= 0x1F) or 0x7F or 0x8F or 0x9F)
            return;
        if (rune.Value is 9 or 0xA or 0xC or 0xD or 0x1680 or (>= 0x200B and <= 0x200F) or 0x2028 or 0x2029 or 0x2581 or 0xFEFF or 0xFFFD)
            kept.Append(' ');
        else
            kept.Append(rune);
    });
}

/// <summary>Spells the text in GPT-2's byte alphabet before it is split, where others do so after it.</summary>
internal sealed class ByteSpelling : TextNormalizer
{
    public override string Apply(string text) => ByteAlphabet.Spell(Encoding.UTF8.GetBytes(text));
}

file static class Characters
{
    public static string Map(string text, Action<Rune, StringBuilder> append)
    {
        var result = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
            append(rune, result);
        return result.ToString();
    }
}

internal sealed class PrependText(string prefix) : TextNormalizer
{
    public override string Apply(string text) => text.Length == 0 ? text : prefix + text;
}

internal sealed class StripEnds(bool left, bool right) : TextNormalizer
{
    public override string Apply(string text)
    {
        text = left ? text.TrimStart() : text;
        return right ? text.TrimEnd() : text;
    }
}

/// <summary>Replaces every match of a pattern.</summary>
internal sealed class ReplacePattern(SplitPattern pattern, string replacement) : TextNormalizer
{
    public override string Apply(string text)
    {
        var matches = new List<TextRange>();
        pattern.Match(text, new TextRange(0, text.Length), matches);
        if (matches.Count == 0)
            return text;
        var result = new StringBuilder(text.Length);
        var done = 0;
        foreach (var match in matches)
        {
            result.Append(text, done, match.Start - done).Append(replacement);
            done = match.End;
        }
        return result.Append(text, done, text.Length - done).ToString();
    }
}
