using Agora.Experiments;
using Agora.Students.Checkpoints;
using Agora.Students.Inference.Kernels;

namespace Agora.Students.Inference;

/// <summary>One step of a worker: new positions of several sequences, prompt chunks and single tokens alike, go through the model as rows of one batch.</summary>
/// <param name="maxRows">Rows of one step: enough for the weights' reading to pay, few enough that the next token of a decoding sequence does not wait long.</param>
internal abstract class BatchPass(KeyValueCache cache, TransformerConfig config, string folder, int maxRows) : IDisposable
{
    private readonly TokenDistribution distribution = new(config.VocabularySize);
    private readonly Sequence[] rowSequence = new Sequence[maxRows];
    private readonly int[] rowPosition = new int[maxRows];

    public int MaxRows => maxRows;

    /// <summary>Rows added for the next step.</summary>
    public int Rows { get; private set; }

    protected ReadOnlySpan<Sequence> RowSequence => rowSequence.AsSpan(0, Rows);

    protected ReadOnlySpan<int> RowPosition => rowPosition.AsSpan(0, Rows);

    /// <summary>Adds the sequence's next positions, whose pages must be there.</summary>
    public void Add(Sequence sequence, int count)
    {
        sequence.Planned = count;
        for (var i = 0; i < count; i++, Rows++)
        {
            rowSequence[Rows] = sequence;
            rowPosition[Rows] = sequence.Computed + i;
        }
    }

    /// <summary>Computes the added rows and gives each sequence what it wants of them.</summary>
    /// <param name="finished">Called with each sequence that is finished.</param>
    public void Run(Action<Sequence> finished)
    {
        Compute();
        for (var row = 0; row < Rows; row++)
        {
            rowSequence[row].Computed = rowPosition[row] + 1;
            rowSequence[row].Planned = 0;
        }
        for (var row = 0; row < Rows; row++)
        {
            if (rowSequence[row].Computed >= rowSequence[row].ShareablePositions)
                cache.Share(rowSequence[row]);
        }
        Deliver(finished);
        Discard();
    }

    /// <summary>Forgets the added rows.</summary>
    public void Discard()
    {
        Array.Clear(rowSequence, 0, Rows);
        Rows = 0;
    }

    public abstract void Dispose();

    /// <summary>Runs all layers: hidden states stay with the pass, keys and values go to the pages.</summary>
    protected abstract void Compute();

    /// <summary>Final norm and head for those rows alone of which something is wanted; each is handed on by <see cref="Hand"/>.</summary>
    protected abstract void Deliver(Action<Sequence> finished);

    protected RowResult Wanted(int row) => rowSequence[row].Done ? RowResult.Nothing : rowSequence[row].Wants(rowPosition[row]);

    protected void Hand(int row, Span<float> result, Action<Sequence> finished)
    {
        if (Give(row, result, distribution))
            finished(rowSequence[row]);
    }

    /// <summary>Different sequences may be given theirs by different threads.</summary>
    /// <param name="scratch">The calling thread's own.</param>
    /// <returns>Whether the row's sequence is finished by it.</returns>
    protected bool Give(int row, Span<float> result, TokenDistribution scratch)
    {
        var sequence = rowSequence[row];
        if (sequence.Done)
            return false;
        try
        {
            if (!RowKernels.AllFinite(result))
                throw new AgoraException("the model's output is not finite: its weights are too large for its arithmetic, or its training diverged", folder, "take another checkpoint");
            sequence.Done = sequence.Receive(rowPosition[row], result, scratch);
        }
        catch (Exception exception)
        {
            // A fault of one sequence, such as an output that overflowed, must not take the others of the batch with it.
            sequence.Fail(exception);
            sequence.Done = true;
        }
        return sequence.Done;
    }
}
