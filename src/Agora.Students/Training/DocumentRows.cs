using System.Runtime.InteropServices;

namespace Agora.Students.Training;

/// <summary>The rows that a few documents are computed as: one a token, and one for all documents where they begin alike.</summary>
/// <remarks>
/// What a causal model makes of a token depends on the tokens before it alone. So a beginning that documents have in common, a system message above all, is computed once, and its gradient is the sum of
/// theirs. Loss and gradient are those of the documents one by one, summed in another order.
/// </remarks>
internal sealed class DocumentRows
{
    private readonly List<Segment> segments = [];
    private readonly List<int> tokens = [];
    private readonly List<int> positions = [];
    private readonly SortedDictionary<int, List<int>> targets = [];

    private DocumentRows()
    {
    }

    /// <summary>Rows one after another.</summary>
    /// <param name="Row">The first one.</param>
    public readonly record struct Stretch(int Row, int Length);

    /// <summary>Rows that see the same rows before them.</summary>
    /// <param name="Seen">From the documents' beginning on; the last one is the segment itself.</param>
    public sealed record Segment(Stretch[] Seen)
    {
        public Stretch Own => Seen[^1];

        /// <summary>Rows from the first one with a loss to the end; 0 where none has.</summary>
        public int LossQueries { get; internal set; }
    }

    /// <summary>Each one after those that it sees.</summary>
    public IReadOnlyList<Segment> Segments => segments;

    public int Count => tokens.Count;

    public ReadOnlySpan<int> Tokens => CollectionsMarshal.AsSpan(tokens);

    /// <summary>For each row its place in its document, from 0.</summary>
    public ReadOnlySpan<int> Positions => CollectionsMarshal.AsSpan(positions);

    /// <summary>Rows that predict a token which counts in the loss, ascending.</summary>
    public int[] LossRows { get; private set; } = [];

    /// <summary>For each of <see cref="LossRows"/> the tokens that follow it: several where documents part.</summary>
    public int[][] TargetTokens { get; private set; } = [];

    /// <param name="sharing">Whether beginnings are shared.</param>
    public static DocumentRows Of(IReadOnlyList<TrainingDocument> documents, bool sharing)
    {
        var rows = new DocumentRows();
        var some = documents.Where(document => document.Tokens.Length > 0).ToArray();
        if (sharing)
            Array.Sort(some, Compare);
        foreach (var together in sharing && some.Length > 0 ? [some] : some.Chunk(1))
            rows.Add(together, 0, [], []);
        rows.LossRows = [.. rows.targets.Keys];
        rows.TargetTokens = [.. rows.targets.Values.Select(following => following.ToArray())];
        foreach (var segment in rows.segments)
        {
            var (first, length) = segment.Own;
            var place = Array.BinarySearch(rows.LossRows, first);
            place = place < 0 ? ~place : place;
            segment.LossQueries = place < rows.LossRows.Length && rows.LossRows[place] < first + length ? first + length - rows.LossRows[place] : 0;
        }
        return rows;
    }

    /// <summary>An order in which documents that begin alike are neighbours.</summary>
    public static int Compare(TrainingDocument a, TrainingDocument b) => a.Tokens.AsSpan().SequenceCompareTo(b.Tokens);

    /// <returns>Tokens with which both begin.</returns>
    public static int CommonLength(TrainingDocument a, TrainingDocument b) => a.Tokens.AsSpan().CommonPrefixLength(b.Tokens);

    /// <param name="documents">Sorted; alike up to <paramref name="depth"/>, and at least one token longer.</param>
    /// <param name="depth">Tokens that have rows.</param>
    /// <param name="before">Where they lie.</param>
    /// <param name="path">The rows themselves.</param>
    private void Add(TrainingDocument[] documents, int depth, Stretch[] before, int[] path)
    {
        var common = documents.Length == 1 ? documents[0].Tokens.Length : CommonLength(documents[0], documents[^1]);
        if (common > depth)
        {
            var own = new Stretch(tokens.Count, common - depth);
            before = [.. before, own];
            path = [.. path, .. Enumerable.Range(own.Row, own.Length)];
            segments.Add(new Segment(before));
            for (; depth < common; depth++)
            {
                tokens.Add(documents[0].Tokens[depth]);
                positions.Add(depth);
            }
        }
        var from = 0;
        for (; from < documents.Length && documents[from].Tokens.Length == depth; from++)
            AddTargets(documents[from], path);
        while (from < documents.Length)
        {
            var to = from + 1;
            while (to < documents.Length && documents[to].Tokens[common] == documents[from].Tokens[common])
                to++;
            Add(documents[from..to], depth, before, path);
            from = to;
        }
    }

    private void AddTargets(TrainingDocument document, int[] path)
    {
        for (var i = 1; i < document.Tokens.Length; i++)
        {
            if (!document.IsTarget(i))
                continue;
            if (!targets.TryGetValue(path[i - 1], out var following))
                targets.Add(path[i - 1], following = []);
            following.Add(document.Tokens[i]);
        }
    }
}
