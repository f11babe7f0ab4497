using System.Text;
using System.Text.RegularExpressions;

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
