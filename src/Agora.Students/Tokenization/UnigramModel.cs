using System.Text;

namespace Agora.Students.Tokenization;

/// <summary>SentencePiece's unigram language model: the cut of a piece whose tokens have the largest sum of log-probabilities (Kudo, arXiv:1804.10959), as T5, XLM-R and their kin use it.</summary>
/// <remarks>In time (characters × longest token), of ties the shortest first step wins, as in the reference.</remarks>
internal sealed class UnigramModel : TokenModel
{
    /// <summary>How much less likely than the rarest token an unknown character is.</summary>
    private const double UnknownPenalty = 10;

    private readonly IReadOnlyList<double> scores;
    private readonly PieceTrie trie = new();
    private readonly int unknown;
    private readonly double unknownScore;
    private readonly int[]? bytes;      // ids by byte, where bytes stand for what is unknown
    private readonly PieceCache cache = new();

    /// <param name="tokens">By id, with their log-probabilities; of two that are alike the last one counts.</param>
    /// <param name="bytes">Ids of &lt;0x00&gt; to &lt;0xFF&gt;, by which unknown characters are spelled; -1 where one is missing; null: unknown characters are the unknown token.</param>
    public UnigramModel(IReadOnlyList<(string Token, double Score)> tokens, int unknown, int[]? bytes)
    {
        scores = [.. tokens.Select(token => token.Score)];
        for (var id = 0; id < tokens.Count; id++)
            trie.Add(tokens[id].Token, id);
        this.unknown = unknown;
        this.bytes = bytes;
        unknownScore = scores.Min() - UnknownPenalty;
    }

    public override void Encode(ReadOnlySpan<char> piece, List<int> output)
    {
        if (!PieceCache.Takes(piece))
        {
            Cut(piece, output);
            return;
        }
        if (!cache.TryGet(piece, out var found))
        {
            var ids = new List<int>();
            Cut(piece, ids);
            cache.Add(piece, found = [.. ids]);
        }
        output.AddRange(found);
    }

    private void Cut(ReadOnlySpan<char> piece, List<int> output)
    {
        // Of the best cut of the text up to each place: its score, its last token and where that begins.
        var score = new double[piece.Length + 1];
        var last = new int[piece.Length + 1];
        var start = new int[piece.Length + 1];
        Array.Fill(start, -1);
        for (var at = 0; at < piece.Length;)
        {
            Rune.DecodeFromUtf16(piece[at..], out _, out var length);
            var hasCharacter = false;
            var node = PieceTrie.Root;
            for (var end = at; end < piece.Length && trie.TryStep(node, piece[end], out node);)
            {
                end++;
                if (trie.IdAt(node) is var id and >= 0)
                {
                    hasCharacter |= end == at + length;
                    Offer(at, end, scores[id], id);
                }
            }
            if (!hasCharacter)
                Offer(at, at + length, unknownScore, unknown);
            at += length;
        }
        var reversed = new List<TextRange>();
        for (var end = piece.Length; end > 0; end = start[end])
            // Neighbouring unknown characters are one token.
            if (last[end] == unknown && reversed is [.., var next] && next.Start == end && last[next.End] == unknown)
                reversed[^1] = next with { Start = start[end] };
            else
                reversed.Add(new TextRange(start[end], end));
        for (var i = reversed.Count - 1; i >= 0; i--)
            if (last[reversed[i].End] is var id && id != unknown)
                output.Add(id);
            else
                AddUnknown(piece[reversed[i].Start..reversed[i].End], output);

        void Offer(int from, int to, double more, int id)
        {
            var offered = score[from] + more;
            if (start[to] >= 0 && offered <= score[to])
                return;
            (score[to], last[to], start[to]) = (offered, id, from);
        }
    }

    private void AddUnknown(ReadOnlySpan<char> text, List<int> output)
    {
        // The unknown token may itself be written out, or several unknown characters be one token together.
        if (trie.Find(text) is var id and >= 0)
        {
            output.Add(id);
            return;
        }
        if (bytes is null)
        {
            output.Add(unknown);
            return;
        }
        var spelled = new byte[Encoding.UTF8.GetByteCount(text)];
        Encoding.UTF8.GetBytes(text, spelled);
        if (spelled.Any(value => bytes[value] < 0))
            output.Add(unknown);
        else
            foreach (var value in spelled)
                output.Add(bytes[value]);
    }
}
