using Agora.Experiments;
using Agora.Students.Inference.Kernels;

namespace Agora.Students.Inference;

/// <summary>One step of a worker: new positions of several sequences, prompt chunks and single tokens alike, go through the model as rows of one batch.</summary>
/// <remarks>Holds the worker's activations, allocated once. A row's result does not depend on the other rows; see <see cref="PackedMatrix"/>.</remarks>
internal sealed unsafe class TransformerPass : IDisposable
{
    /// <summary>Rows of one step: enough for the matrices to be read from cache, few enough that the next token of a decoding sequence does not wait long.</summary>
    public const int MaxRows = 128;

    private const int HeadRows = 32;

    private readonly TransformerWeights weights;
    private readonly KeyValueCache cache;
    private readonly PageStore store;
    private readonly int hiddenStride;
    private readonly FloatBuffer hidden;
    private readonly FloatBuffer normed;
    private readonly FloatBuffer queryKeyValue;
    private readonly FloatBuffer attended;
    private readonly FloatBuffer projected;
    private readonly FloatBuffer gateUp;
    private readonly FloatBuffer headOutput;
    private readonly TokenDistribution distribution;
    private readonly Sequence[] rowSequence = new Sequence[MaxRows];
    private readonly int[] rowPosition = new int[MaxRows];
    private FloatBuffer scores;

    public TransformerPass(TransformerWeights weights, KeyValueCache cache)
    {
        this.weights = weights;
        this.cache = cache;
        store = cache.Pages;
        var config = weights.Config;
        hiddenStride = PackedMatrix.Pad(config.HiddenSize);
        hidden = new FloatBuffer((long)MaxRows * hiddenStride);
        normed = new FloatBuffer((long)MaxRows * hiddenStride);
        var layer = weights.Layers[0];
        queryKeyValue = new FloatBuffer((long)MaxRows * layer.QueryKeyValue.Weights.PaddedOutputs);
        attended = new FloatBuffer((long)MaxRows * PackedMatrix.Pad(config.QueryWidth));
        projected = new FloatBuffer((long)MaxRows * hiddenStride);
        gateUp = new FloatBuffer((long)MaxRows * layer.GateUp.Weights.PaddedOutputs);
        headOutput = new FloatBuffer((long)HeadRows * weights.Head.PaddedOutputs);
        scores = new FloatBuffer(1024 + AttentionKernels.ScoresSlack);
        distribution = new TokenDistribution(config.VocabularySize);
    }

    /// <summary>Rows added for the next step.</summary>
    public int Rows { get; private set; }

    /// <summary>Adds the sequence's next positions, whose pages must be there.</summary>
    public void Add(Sequence sequence, int count)
    {
        sequence.Planned = count;
        for (var i = 0; i < count; i++, Rows++)
        {
            var position = sequence.Computed + i;
            rowSequence[Rows] = sequence;
            rowPosition[Rows] = position;
            weights.Embedding.CopyColumn(sequence.Tokens[position], hidden.Start + (long)Rows * hiddenStride);
        }
    }

    /// <summary>Computes the added rows and gives each sequence what it wants of them.</summary>
    /// <param name="finished">Called with each sequence that is finished.</param>
    public void Run(Action<Sequence> finished)
    {
        for (var i = 0; i < weights.Layers.Length; i++)
            RunLayer(i);
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

    public void Dispose()
    {
        foreach (var buffer in (ReadOnlySpan<FloatBuffer>)[hidden, normed, queryKeyValue, attended, projected, gateUp, headOutput, scores])
            buffer.Dispose();
    }

    private void RunLayer(int index)
    {
        var config = weights.Config;
        var layer = weights.Layers[index];
        Normalize(layer.InputNorm);
        layer.QueryKeyValue.Multiply(normed.Start, hiddenStride, Rows, queryKeyValue.Start);
        for (var row = 0; row < Rows; row++)
            RotateAndStore(index, row);
        for (var row = 0; row < Rows; row++)
            Attend(index, row);
        layer.Output.Multiply(attended.Start, PackedMatrix.Pad(config.QueryWidth), Rows, projected.Start);
        RowKernels.Add(hidden.Start, projected.Start, Rows * hiddenStride);

        Normalize(layer.PostAttentionNorm);
        layer.GateUp.Multiply(normed.Start, hiddenStride, Rows, gateUp.Start);
        var stride = layer.GateUp.Weights.PaddedOutputs;
        var up = layer.GateUp.Weights.SegmentStarts[1];
        for (var row = 0; row < Rows; row++)
        {
            var gate = gateUp.Start + (long)row * stride;
            RowKernels.GatedSilu(gate, gate + up, up);
        }
        layer.Down.Multiply(gateUp.Start, stride, Rows, projected.Start);
        RowKernels.Add(hidden.Start, projected.Start, Rows * hiddenStride);
    }

    private void Normalize(FloatBuffer weight)
    {
        for (var row = 0; row < Rows; row++)
            Normalize(weight, row, normed.Start + (long)row * hiddenStride);
    }

    private void Normalize(FloatBuffer weight, int row, float* target) =>
        RowKernels.RmsNorm(hidden.Start + (long)row * hiddenStride, weight.Start, weights.Config.HiddenSize, (float)weights.Config.NormEpsilon, target);

    private void RotateAndStore(int layerIndex, int row)
    {
        var config = weights.Config;
        var layer = weights.Layers[layerIndex];
        var head = config.HeadSize;
        var starts = layer.QueryKeyValue.Weights.SegmentStarts;
        var query = queryKeyValue.Start + (long)row * layer.QueryKeyValue.Weights.PaddedOutputs;
        var key = query + starts[1];
        var value = query + starts[2];
        var position = rowPosition[row];
        var angles = weights.Rotary.At(position);
        var half = head / 2;
        for (var h = 0; h < config.Heads; h++)
        {
            if (layer.QueryNorm is { } norm)
                RowKernels.RmsNorm(query + h * head, norm.Start, head, (float)config.NormEpsilon, query + h * head);
            RowKernels.Rotate(query + h * head, angles, angles + half, half);
        }
        var slot = position % AttentionKernels.Page;
        var page = (float*)rowSequence[row].Pages[position / AttentionKernels.Page] + layerIndex * store.FloatsPerLayer;
        for (var h = 0; h < config.KeyValueHeads; h++, key += head, value += head, page += store.FloatsPerHead)
        {
            if (layer.KeyNorm is { } norm)
                RowKernels.RmsNorm(key, norm.Start, head, (float)config.NormEpsilon, key);
            RowKernels.Rotate(key, angles, angles + half, half);
            for (var d = 0; d < head; d++)
                page[d * AttentionKernels.Page + slot] = key[d];
            var stored = page + store.KeysPerHead + slot * AttentionKernels.PadHead(head);
            new ReadOnlySpan<float>(value, head).CopyTo(new Span<float>(stored, head));
        }
    }

    private void Attend(int layerIndex, int row)
    {
        var config = weights.Config;
        var head = config.HeadSize;
        var query = queryKeyValue.Start + (long)row * weights.Layers[layerIndex].QueryKeyValue.Weights.PaddedOutputs;
        var output = attended.Start + (long)row * PackedMatrix.Pad(config.QueryWidth);
        var position = rowPosition[row];
        var first = config.AttentionWindows[layerIndex] is { } window ? Math.Max(0, position - window + 1) : 0;
        EnsureScores(position + 1);
        // Rounded once from float64, as the reference does.
        var scale = (float)(1 / Math.Sqrt(head));
        var group = config.Heads / config.KeyValueHeads;
        fixed (nint* pages = rowSequence[row].Pages)
        {
            for (var h = 0; h < config.Heads; h++)
            {
                var keys = layerIndex * store.FloatsPerLayer + (long)(h / group) * store.FloatsPerHead;
                AttentionKernels.Attend(query + h * head, head, scale, pages, keys, keys + store.KeysPerHead, first, position, scores.Start, output + h * head);
            }
        }
    }

    private void EnsureScores(int positions)
    {
        var needed = (positions + AttentionKernels.Page - 1) / AttentionKernels.Page * AttentionKernels.Page + AttentionKernels.ScoresSlack;
        if (needed <= scores.Length)
            return;
        var grown = new FloatBuffer(Math.Max(needed, 2 * scores.Length));
        scores.Dispose();
        scores = grown;
    }

    /// <summary>Final norm and head for those rows alone of which something is wanted.</summary>
    private void Deliver(Action<Sequence> finished)
    {
        Span<int> waiting = stackalloc int[HeadRows];
        var count = 0;
        for (var row = 0; row < Rows; row++)
        {
            var sequence = rowSequence[row];
            switch (sequence.Done ? RowResult.Nothing : sequence.Wants(rowPosition[row]))
            {
                case RowResult.Hidden:
                    Normalize(weights.FinalNorm, row, normed.Start);
                    Hand(row, new Span<float>(normed.Start, weights.Config.HiddenSize), finished);
                    break;
                case RowResult.Head:
                    waiting[count++] = row;
                    if (count == HeadRows)
                    {
                        RunHead(waiting, finished);
                        count = 0;
                    }
                    break;
            }
        }
        if (count > 0)
            RunHead(waiting[..count], finished);
    }

    private void RunHead(ReadOnlySpan<int> rows, Action<Sequence> finished)
    {
        for (var i = 0; i < rows.Length; i++)
            Normalize(weights.FinalNorm, rows[i], normed.Start + (long)i * hiddenStride);
        var stride = weights.Head.PaddedOutputs;
        weights.Head.Multiply(normed.Start, hiddenStride, rows.Length, headOutput.Start, stride);
        var outputs = weights.Config.Head == Checkpoints.ModelHead.Score ? 1 : weights.Config.VocabularySize;
        for (var i = 0; i < rows.Length; i++)
            Hand(rows[i], new Span<float>(headOutput.Start + (long)i * stride, outputs), finished);
    }

    private void Hand(int row, Span<float> result, Action<Sequence> finished)
    {
        var sequence = rowSequence[row];
        if (sequence.Done)
            return;
        try
        {
            if (!RowKernels.AllFinite(result))
                throw new AgoraException("the model's output is not finite: its weights are too large for float32, or its training diverged", weights.Folder, "take another checkpoint");
            sequence.Done = sequence.Receive(rowPosition[row], result, distribution);
        }
        catch (Exception exception)
        {
            // A fault of one sequence, such as an output that overflowed, must not take the others of the batch with it.
            sequence.Fail(exception);
            sequence.Done = true;
        }
        if (sequence.Done)
            finished(sequence);
    }
}
