namespace Agora.Students.Training;

/// <summary>Documents laid out as rows of one width, to be computed at once.</summary>
/// <remarks>
/// How documents are laid out does not change what is computed, because each sees only itself: so rows are as short as the documents allow, and attention
/// does not pay for the squares of long packed sequences.
/// </remarks>
internal sealed class MicroBatch
{
    // Rows are at least this wide, so that short documents share one, and about this many tokens are computed at once: measured at nano's sizes.
    public const int ShortestRow = 128;
    public const int TokensAtOnce = 2048;

    private readonly List<List<TrainingDocument>> rows;

    private MicroBatch(List<List<TrainingDocument>> rows, int width) => (this.rows, Width) = (rows, width);

    /// <summary>Tokens of each row, padding included.</summary>
    public int Width { get; }

    public int Rows => rows.Count;

    public int Targets => rows.Sum(row => row.Sum(document => document.TargetCount));

    /// <summary>All documents, each in exactly one batch; the same documents always give the same batches.</summary>
    public static List<MicroBatch> Arrange(IEnumerable<TrainingDocument> documents)
    {
        var open = new List<(List<TrainingDocument> Documents, int Width, int Room)>();
        foreach (var document in documents.OrderByDescending(document => document.Tokens.Length))
        {
            var place = open.FindIndex(row => row.Room >= document.Tokens.Length);
            if (place < 0)
            {
                var width = Math.Max(ShortestRow, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)document.Tokens.Length));
                open.Add(([], width, width));
                place = open.Count - 1;
            }
            open[place].Documents.Add(document);
            open[place] = open[place] with { Room = open[place].Room - document.Tokens.Length };
        }
        return
        [
            .. from row in open
               group row.Documents by row.Width into sameWidth
               from chunk in sameWidth.Chunk(Math.Max(1, TokensAtOnce / sameWidth.Key))
               select new MicroBatch([.. chunk], chunk.Max(row => row.Sum(document => document.Tokens.Length))),
        ];
    }

    /// <summary>On the model's device.</summary>
    public ModelInput ToInput(TransformerModel model)
    {
        int[] tokens = new int[Rows * Width], positions = new int[Rows * Width], numbers = new int[Rows * Width];
        Array.Fill(numbers, -1);    // padding, which sees padding
        ForEachDocument((document, start, number) =>
        {
            document.Tokens.CopyTo(tokens, start);
            for (var i = 0; i < document.Tokens.Length; i++)
                (positions[start + i], numbers[start + i]) = (i, number);
        });
        return new ModelInput(model.Config, Rows, tokens, positions, numbers, model.Weights.device, model.Weights.dtype);
    }

    /// <returns>For each token that counts in the loss: the place in the flattened rows that predicts it, and the token.</returns>
    public (long[] Places, long[] Tokens) ToTargets()
    {
        var places = new List<long>();
        var tokens = new List<long>();
        ForEachDocument((document, start, _) =>
        {
            for (var i = 1; i < document.Tokens.Length; i++)
            {
                if (!document.IsTarget(i))
                    continue;
                places.Add(start + i - 1);
                tokens.Add(document.Tokens[i]);
            }
        });
        return ([.. places], [.. tokens]);
    }

    private void ForEachDocument(Action<TrainingDocument, int, int> visit)
    {
        for (var row = 0; row < Rows; row++)
        {
            var start = row * Width;
            for (var i = 0; i < rows[row].Count; i++)
            {
                visit(rows[row][i], start, i);
                start += rows[row][i].Tokens.Length;
            }
        }
    }
}
