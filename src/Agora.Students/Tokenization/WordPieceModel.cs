using System.Text;

namespace Agora.Students.Tokenization;

/// <summary>BERT's model: a word is cut into the longest tokens from its start (Wu et al., arXiv:1609.08144); one that cannot be cut to its end is unknown as a whole.</summary>
/// <param name="continuing">Stands before every token but the first of a word; ## as a rule.</param>
/// <param name="longestWord">In characters; longer words are unknown.</param>
internal sealed class WordPieceModel(Dictionary<string, int> ids, int unknown, string continuing, int longestWord) : TokenModel
{
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> lookup = ids.GetAlternateLookup<ReadOnlySpan<char>>();
    private readonly int longestToken = ids.Keys.Select(token => token.Length).DefaultIfEmpty().Max();
    private readonly PieceCache cache = new();

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
        Span<char> marked = new char[continuing.Length + word.Length];
        for (var start = 0; start < word.Length;)
        {
            var rest = word[start..];
            var mark = start == 0 ? 0 : continuing.Length;
            continuing.AsSpan(0, mark).CopyTo(marked);
            var length = Math.Min(rest.Length, Math.Max(0, longestToken - mark));
            rest[..length].CopyTo(marked[mark..]);
            int id = -1;
            while (length > 0 && !((length == rest.Length || !char.IsLowSurrogate(rest[length]) || !char.IsHighSurrogate(rest[length - 1])) && lookup.TryGetValue(marked[..(mark + length)], out id)))
                length--;
            if (length == 0)
                return [unknown];
            tokens.Add(id);
            start += length;
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
