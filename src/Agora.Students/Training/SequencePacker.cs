using Agora.Experiments;

namespace Agora.Students.Training;

/// <summary>Fills sequences of the recipe's length with documents; a batch is counted in such sequences.</summary>
internal static class SequencePacker
{
    // A document is tried in this many sequences that still have room: enough to fill them to a few percent, and packing stays linear.
    private const int OpenSequences = 64;

    /// <summary>No token is lost, and documents keep their order within a sequence.</summary>
    /// <returns>
    /// Isolated: each sequence is a list of whole documents. Plain: all documents joined and cut every <paramref name="maxLength"/> tokens; each piece is one
    /// document, in which the original ones see each other.
    /// </returns>
    public static List<List<TrainingDocument>> Pack(IReadOnlyList<TrainingDocument> documents, int maxLength, Packing packing) =>
        packing == Packing.Plain ? Join(documents, maxLength) : FirstFit(documents, maxLength);

    private static List<List<TrainingDocument>> FirstFit(IReadOnlyList<TrainingDocument> documents, int maxLength)
    {
        var sequences = new List<List<TrainingDocument>>();
        var open = new List<(List<TrainingDocument> Sequence, int Room)>();
        foreach (var document in documents)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan(document.Tokens.Length, maxLength, nameof(documents));
            var place = open.FindIndex(candidate => candidate.Room >= document.Tokens.Length);
            if (place < 0)
            {
                if (open.Count == OpenSequences)
                    open.RemoveAt(Fullest(open));
                open.Add(([], maxLength));
                sequences.Add(open[^1].Sequence);
                place = open.Count - 1;
            }
            open[place].Sequence.Add(document);
            open[place] = open[place] with { Room = open[place].Room - document.Tokens.Length };
        }
        return sequences;
    }

    private static int Fullest(List<(List<TrainingDocument> Sequence, int Room)> open)
    {
        var fullest = 0;
        for (var i = 1; i < open.Count; i++)
        {
            if (open[i].Room < open[fullest].Room)
                fullest = i;
        }
        return fullest;
    }

    private static List<List<TrainingDocument>> Join(IReadOnlyList<TrainingDocument> documents, int maxLength)
    {
        var tokens = documents.SelectMany(document => document.Tokens).ToArray();
        var targets = documents.SelectMany(document => Enumerable.Range(0, document.Tokens.Length).Select(i => document.Targets?[i] ?? true)).ToArray();
        var rows = documents.SelectMany(document => document.Tokens.Select(_ => document.Rows)).ToArray();
        return [.. Enumerable.Range(0, (tokens.Length + maxLength - 1) / maxLength).Select(i => i * maxLength).Select(start =>
        {
            var end = Math.Min(start + maxLength, tokens.Length);
            return new List<TrainingDocument> { new(tokens[start..end], targets[start..end]) { Rows = [.. rows[start..end].SelectMany(row => row).Distinct()] } };
        })];
    }
}
