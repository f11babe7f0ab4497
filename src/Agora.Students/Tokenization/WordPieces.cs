using Agora.Experiments;

namespace Agora.Students.Tokenization;

/// <summary>BERT's tokenizer: words and signs, each cut into the longest pieces of a vocabulary (arXiv:1810.04805). Safe for concurrent use.</summary>
/// <remarks>The rules are those of Hugging Face's BertNormalizer, BertPreTokenizer and WordPiece, against which it is tested. Special tokens that a text spells are text.</remarks>
internal sealed class WordPieces
{
    private readonly NormalizerSequence normalizer;
    private readonly PreTokenizer words = BertRules.Words();
    private readonly WordPieceModel model;

    /// <param name="pieces">By number.</param>
    /// <param name="file">For messages.</param>
    /// <exception cref="AgoraException">One of [UNK], [CLS], [SEP] is missing.</exception>
    public WordPieces(IReadOnlyList<string> pieces, BertRules rules, string file)
    {
        var numbers = new Dictionary<string, int>(pieces.Count, StringComparer.Ordinal);
        foreach (var (number, piece) in pieces.Index())
            numbers[piece] = number;        // of two that are alike the last one counts, as where the file is read into a table
        if (PieceTrie.FaultOf(numbers.Keys) is { } fault)
            throw new AgoraException($"the vocabulary {fault}", file, "take the file that came with the model");
        normalizer = rules.Normalizer();
        model = new WordPieceModel(numbers, Special("[UNK]"), WordPieceModel.UsualContinuing, WordPieceModel.UsualLongestWord);
        First = Special("[CLS]");
        Last = Special("[SEP]");

        int Special(string piece) => numbers.TryGetValue(piece, out var number) ? number
            : throw new AgoraException($"no vocabulary of WordPiece: {piece} is missing", file, "take a model of the BERT family, such as all-MiniLM-L6-v2 or bge-small-en, with the file that came with it");
    }

    /// <summary>[CLS], which begins a sequence.</summary>
    public int First { get; }
    /// <summary>[SEP], which ends it.</summary>
    public int Last { get; }

    /// <returns>Numbers of the text's pieces, without special tokens.</returns>
    public List<int> Encode(string text)
    {
        var ids = new List<int>();
        var pieces = words.Apply(TextPieces.Whole(normalizer.Apply(text), atStart: true));
        foreach (var range in pieces.Ranges)
            model.Encode(pieces.Text.AsSpan(range.Start, range.Length), ids);
        return ids;
    }
}
