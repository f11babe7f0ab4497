using System.Collections.Concurrent;

namespace Agora.Students.Tokenization;

/// <summary>The ids of short pieces seen before: a word is looked up far more often than it is cut. Safe for concurrent use.</summary>
internal sealed class PieceCache
{
    // Bounded, so that a stream of unseen words cannot fill the memory.
    private const int MostPieces = 1 << 16;
    private const int LongestPiece = 48;

    private readonly ConcurrentDictionary<string, int[]>.AlternateLookup<ReadOnlySpan<char>> pieces =
        new ConcurrentDictionary<string, int[]>(StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();
    private int count;

    public static bool Takes(ReadOnlySpan<char> piece) => piece.Length <= LongestPiece;

    public bool TryGet(ReadOnlySpan<char> piece, out int[] ids) => pieces.TryGetValue(piece, out ids!);

    public void Add(ReadOnlySpan<char> piece, int[] ids)
    {
        if (Volatile.Read(ref count) < MostPieces && pieces.TryAdd(piece, ids))
            Interlocked.Increment(ref count);
    }
}
