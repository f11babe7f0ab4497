using System.Text;

namespace Agora.Students.Tokenization;

/// <summary>BERT's model: a word is cut into the longest tokens from its start (Wu et al., arXiv:1609.08144); one that cannot be cut to its end is unknown as a whole.</summary>
internal sealed class WordPieceModel : TokenModel
{
    public const string UsualContinuing = "##";
    public const int UsualLongestWord = 100;

    private readonly PieceTrie trie = new();
    private readonly PieceCache cache = new();
    private readonly int unknown, continuing, longestWord;

    /// <param name="continuing">Stands before every token but the first of a word.</param>
    /// <param name="longestWord">In characters; longer words are unknown.</param>
    public WordPieceModel(Dictionary<string, int> ids, int unknown, string continuing, int longestWord)
    {
        foreach (var (token, id) in ids)
            trie.Add(token, id);
        this.unknown = unknown;
        this.continuing = trie.NodeOf(continuing);
        this.longestWord = longestWord;
    }

    public override void Encode(ReadOnlySpan<char> piece, List<int> output)
    {
        // No character has more than two units.
        if (piece.Length > 2 * (long)longestWord || Characters(piece) > longestWord)
        {
            output.Add(unknown);
            return;
        }
        if (!PieceCache.Takes(piece))
        {
            output.AddRange(Cut(piece));
            return;
        }
        if (!cache.TryGet(piece, out var found))
            cache.Add(piece, found = Cut(piece));
        output.AddRange(found);
    }

    private int[] Cut(ReadOnlySpan<char> word)
    {
        var tokens = new List<int>();
        for (var start = 0; start < word.Length;)
        {
            var (end, found) = (0, -1);
            var node = start == 0 ? PieceTrie.Root : continuing;
            for (var at = start; at < word.Length && node >= 0 && trie.TryStep(node, word[at], out node);)
            {
                at++;
                if (trie.IdAt(node) is var id and >= 0 && !(at < word.Length && char.IsLowSurrogate(word[at]) && char.IsHighSurrogate(word[at - 1])))
                    (end, found) = (at, id);
            }
            if (found < 0)
                return [unknown];
            tokens.Add(found);
            start = end;
        }
        return [.. tokens];
    }

    private static int Characters(ReadOnlySpan<char> word)
    {
        var count = 0;
        foreach (var _ in word.EnumerateRunes())
            count++;
        return count;
    }
}

/// <summary>Whole pieces are tokens; others are unknown.</summary>
internal sealed class WordLevelModel(Dictionary<string, int> ids, int unknown) : TokenModel
{
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> lookup = ids.GetAlternateLookup<ReadOnlySpan<char>>();

    public override void Encode(ReadOnlySpan<char> piece, List<int> output) => output.Add(lookup.TryGetValue(piece, out var id) ? id : unknown);
}
