using System.Text;
using Agora.Experiments;
using Agora.Students.Checkpoints;

namespace Agora.Students.Tokenization;

/// <summary>Reads a vocab.txt, a token a line, into the tokenizer that BERT's models have where there is no tokenizer.json (arXiv:1810.04805).</summary>
internal static class BertVocabularyFile
{
    private static readonly string[] SpecialTokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

    /// <exception cref="AgoraException">The file is missing or hostile, or one of [UNK], [CLS], [SEP] is not in it.</exception>
    public static Tokenizer Read(string path, BertRules rules)
    {
        // Python's ends of lines, not .NET's: U+0085 and U+2028 are tokens of multilingual vocabularies.
        var text = Encoding.UTF8.GetString(BoundedFile.Read(path, BoundedFile.Tables)).Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (id, token) in text.TrimEnd('\n').Split('\n').Index())
            ids[token] = id;        // of two that are alike the last one counts, as where the file is read into a table
        if (PieceTrie.FaultOf(ids.Keys) is { } fault)
            throw new AgoraException($"the vocabulary {fault}", path, "take the file that came with the model");
        var (unknown, first, last) = (Special("[UNK]"), Special("[CLS]"), Special("[SEP]"));
        List<AddedToken> added = [.. SpecialTokens.Where(ids.ContainsKey).Select(token => new AddedToken(ids[token], token, SingleWord: false, StripLeft: false, StripRight: false, Normalized: false, Special: true))];
        return new Tokenizer(new TokenizerParts(
            new Vocabulary(ids, added), new AddedTokens(added.Select(token => (token.Content, token))), new AddedTokens([]), rules.Normalizer(), BertRules.Words(),
            new WordPieceModel(ids, unknown, WordPieceModel.UsualContinuing, WordPieceModel.UsualLongestWord), [first], [last],
            () => [new WordPieceDecoding(WordPieceModel.UsualContinuing, cleans: true)], IsByteLevel: false));

        int Special(string token) => ids.TryGetValue(token, out var id) ? id
            : throw new AgoraException($"no vocabulary of WordPiece: {token} is missing", path, "take a model of the BERT family, such as all-MiniLM-L6-v2 or bge-small-en, with the file that came with it");
    }
}
