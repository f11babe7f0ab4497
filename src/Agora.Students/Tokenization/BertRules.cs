using System.Text;

namespace Agora.Students.Tokenization;

/// <summary>How BERT's tokenizer reads a text before it cuts words.</summary>
/// <param name="Lowers">Letters.</param>
/// <param name="StripsAccents">Marks above and below letters.</param>
/// <param name="SeparatesIdeographs">Each Chinese character is a word.</param>
/// <param name="Cleans">Control characters go, and every white space becomes a space.</param>
internal sealed record BertRules(bool Lowers, bool StripsAccents, bool SeparatesIdeographs, bool Cleans = true)
{
    /// <summary>Hugging Face's BertNormalizer.</summary>
    public NormalizerSequence Normalizer()
    {
        var steps = new List<TextNormalizer>();
        if (Cleans)
            steps.Add(new CleanText());
        if (SeparatesIdeographs)
            steps.Add(new SeparateIdeographs());
        if (StripsAccents)
            steps.AddRange([new CanonicalForm(composed: false), new StripMarks(onlyNonSpacing: true)]);
        if (Lowers)
            steps.Add(new LowerCase());
        return new NormalizerSequence(steps);
    }

    /// <summary>Hugging Face's BertPreTokenizer: words, and signs each by itself.</summary>
    public static PreTokenizerSequence Words() => new([
        new PatternSplit(new CharacterPattern(Rune.IsWhiteSpace), SplitBehavior.Removed, invert: false),
        new PatternSplit(new CharacterPattern(ReferenceCategories.IsPunctuation), SplitBehavior.Isolated, invert: false)]);
}
