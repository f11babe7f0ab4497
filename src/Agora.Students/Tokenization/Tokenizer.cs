using System.Text;
using Agora.Experiments;

namespace Agora.Students.Tokenization;

/// <summary>A model's tokenizer as its tokenizer.json describes it: text to token ids and back. Safe for concurrent use.</summary>
/// <remarks>The results are those of Hugging Face's tokenizers library; what it has and we have not is refused by name when the file is read.</remarks>
public sealed class Tokenizer
{
    /// <summary>The file's name in a model folder.</summary>
    public const string FileName = "tokenizer.json";

    private readonly TokenizerParts parts;

    internal Tokenizer(TokenizerParts parts) => this.parts = parts;

    /// <summary>One more than the highest id: the rows an embedding needs at least.</summary>
    public int VocabularySize => parts.Vocabulary.Size;

    /// <param name="modelFolder">The folder that holds tokenizer.json.</param>
    /// <exception cref="AgoraException">The file is missing or broken, or has a part that is not supported.</exception>
    public static Tokenizer Load(string modelFolder) => new(TokenizerFile.Read(Path.Combine(modelFolder, FileName)));

    /// <returns>The id of a token as the file spells it, null where there is none.</returns>
    public int? TokenId(string token) => parts.Vocabulary.TryIdOf(token, out var id) ? id : null;

    /// <returns>The token as the file spells it (byte-level: in GPT-2's alphabet), null where the id has none.</returns>
    public string? TokenText(int id) => parts.Vocabulary.TokenOf(id);

    /// <summary>Whether decoding that skips special tokens leaves this one out.</summary>
    public bool IsSpecial(int id) => parts.Vocabulary.TokenOf(id) is { } token && parts.Vocabulary.IsSpecial(token);

    /// <summary>The bytes that a token adds to a text, as far as one token's bytes can be told: those of a special token spell it out.</summary>
    public byte[] TokenBytes(int id)
    {
        if (parts.Vocabulary.TokenOf(id) is not { } token)
            return [];
        if (parts.IsByteLevel)
            return ByteLevelDecoding.BytesOf(token);
        return ByteFallbackDecoding.TryByteOf(token, out var value) ? [value] : Encoding.UTF8.GetBytes(token.Replace(BytePairModel.SpaceMark, ' '));
    }

    /// <summary>Special tokens that are written out in the text become themselves, whether or not any are added.</summary>
    /// <param name="addSpecialTokens">
    /// Whether the file's post-processor adds its tokens (BOS, as a rule). Rendered chat templates contain them already: encode those without.
    /// </param>
    public int[] Encode(string text, bool addSpecialTokens)
    {
        var ids = new List<int>(text.Length / 3 + 8);
        if (addSpecialTokens)
            ids.AddRange(parts.Prefix);
        foreach (var cut in parts.RawTokens.Cut(text))
            if (cut.Token is { } token)
                ids.Add(token.Id);
            else
                EncodeStretch(cut.Length == text.Length ? text : text.Substring(cut.Start, cut.Length), cut.Start == 0, ids);
        if (addSpecialTokens)
            ids.AddRange(parts.Suffix);
        return [.. ids];
    }

    /// <summary>With the post-processor's tokens, which stay where the text is cut at its end.</summary>
    /// <param name="most">Tokens in all.</param>
    internal int[] EncodeWithin(string text, int most)
    {
        var ids = Encode(text, addSpecialTokens: false);
        return [.. parts.Prefix, .. ids.Take(most - parts.Prefix.Count - parts.Suffix.Count), .. parts.Suffix];
    }

    /// <summary>A number of tokens that the text cannot have more of, known without encoding it: most texts that must fit a limit are far below it.</summary>
    /// <returns><see cref="int.MaxValue"/> where nothing is known.</returns>
    public int MostTokens(string text)
    {
        // Each token of a byte-level vocabulary stands for at least one byte, and each added token, which may bring one space with it, for its own.
        // Normal forms lengthen a text, but not one of ASCII.
        var known = parts.IsByteLevel && parts.Normalizer switch { null => true, CanonicalForm => Ascii.IsValid(text), _ => false };
        return known ? 2 * Encoding.UTF8.GetByteCount(text) + 1 : int.MaxValue;
    }

    /// <summary>Ids without a token add nothing. There is no clean-up of spaces, whatever tokenizer_config.json says.</summary>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecialTokens)
    {
        var decoder = new StreamingDecoder(this, skipSpecialTokens);
        var text = new StringBuilder();
        foreach (var id in ids)
            text.Append(decoder.Add(id));
        return text.Append(decoder.Complete()).ToString();
    }

    internal IReadOnlyList<DecoderStage> MakeDecoder() => parts.MakeDecoder();

    private void EncodeStretch(string text, bool atStart, List<int> ids)
    {
        var normalized = parts.Normalizer?.Apply(text) ?? text;
        foreach (var cut in parts.NormalizedTokens.Cut(normalized))
        {
            if (cut.Token is { } token)
            {
                ids.Add(token.Id);
                continue;
            }
            var stretch = cut.Length == normalized.Length ? normalized : normalized.Substring(cut.Start, cut.Length);
            var pieces = TextPieces.Whole(stretch, atStart && cut.Start == 0);
            pieces = parts.PreTokenizer?.Apply(pieces) ?? pieces;
            foreach (var range in pieces.Ranges)
                if (range.Length > 0)
                    parts.Model.Encode(pieces.Text.AsSpan(range.Start, range.Length), ids);
        }
    }
}

/// <summary>What a tokenizer.json describes, ready for use.</summary>
/// <param name="RawTokens">Added tokens that are cut out of the raw text.</param>
/// <param name="NormalizedTokens">Added tokens that are cut out of the normalized text.</param>
/// <param name="Prefix">Special tokens that the post-processor puts before a text.</param>
/// <param name="Suffix">Special tokens that it puts after a text.</param>
/// <param name="MakeDecoder">Fresh stages for each stream of tokens.</param>
internal sealed record TokenizerParts(
    Vocabulary Vocabulary, AddedTokens RawTokens, AddedTokens NormalizedTokens, TextNormalizer? Normalizer, PreTokenizer? PreTokenizer,
    TokenModel Model, IReadOnlyList<int> Prefix, IReadOnlyList<int> Suffix, Func<IReadOnlyList<DecoderStage>> MakeDecoder, bool IsByteLevel);
