using Agora.Students.Inference.Kernels;

namespace Agora.Students.Inference;

/// <summary>A step by the managed kernels.</summary>
/// <remarks>Holds the worker's activations, allocated once. A row's result does not depend on the other rows; see <see cref="PackedMatrix"/>.</remarks>
internal sealed unsafe class TransformerPass : BatchPass
{
    // Enough for the matrices to be read from cache.
    private const int RowsOfStep = 128;
    private const int HeadRows = 32;

    private readonly TransformerWeights weights;
    private readonly NativePages store;
    private readonly int hiddenStride;
    private readonly FloatBuffer hidden;
    private readonly FloatBuffer normed;
    private readonly FloatBuffer queryKeyValue;
    private readonly FloatBuffer attended;
    private readonly FloatBuffer projected;
    private readonly FloatBuffer gateUp;
    private readonly FloatBuffer headOutput;
    private FloatBuffer scores;

    public TransformerPass(TransformerWeights weights, KeyValueCache cache, NativePages store)
        : base(cache, weights.Config, weights.Folder, RowsOfStep)
    {
        this.weights = weights;
        this.store = store;
        var config = weights.Config;
        hiddenStride = PackedMatrix.Pad(config.HiddenSize);
        hidden = new FloatBuffer((long)RowsOfStep * hiddenStride);
        normed = new FloatBuffer((long)RowsOfStep * hiddenStride);
        var layer = weights.Layers[0];
        queryKeyValue = new FloatBuffer((long)RowsOfStep * layer.QueryKeyValue.Weights.PaddedOutputs);
        attended = new FloatBuffer((long)RowsOfStep * PackedMatrix.Pad(config.QueryWidth));
        projected = new FloatBuffer((long)RowsOfStep * hiddenStride);
        gateUp = new FloatBuffer((long)RowsOfStep * layer.GateUp.Weights.PaddedOutputs);
        headOutput = new FloatBuffer((long)HeadRows * weights.Head.PaddedOutputs);
        scores = new FloatBuffer(1024 + AttentionKernels.ScoresSlack);
    }

    public override void Dispose()
    {
        foreach (var buffer in (ReadOnlySpan<FloatBuffer>)[hidden, normed, queryKeyValue, attended, projected, gateUp, headOutput, scores])
            buffer.Dispose();
    }

    protected override void Compute()
    {
        for (var row = 0; row < Rows; row++)
            weights.Embedding.CopyColumn(RowSequence[row].Tokens[RowPosition[row]], hidden.Start + (long)row * hiddenStride);
        for (var i = 0; i < weights.Layers.Length; i++)
            RunLayer(i);
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
        var position = RowPosition[row];
        var angles = weights.Rotary.At(position);
        var half = head / 2;
        for (var h = 0; h < config.Heads; h++)
        {
            if (layer.QueryNorm is { } norm)
                RowKernels.RmsNorm(query + h * head, norm.Start, head, (float)config.NormEpsilon, query + h * head);
            RowKernels.Rotate(query + h * head, angles, angles + half, half);
        }
        var slot = position % AttentionKernels.Page;
        var page = (float*)RowSequence[row].Pages[position / AttentionKernels.Page] + layerIndex * store.FloatsPerLayer;
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
        var position = RowPosition[row];
        var first = config.AttentionWindows[layerIndex] is { } window ? Math.Max(0, position - window + 1) : 0;
        EnsureScores(position + 1);
        // Rounded once from float64, as the reference does.
        var scale = (float)(1 / Math.Sqrt(head));
        var group = config.Heads / config.KeyValueHeads;
        fixed (nint* pages = RowSequence[row].Pages)
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

    protected override void Deliver(Action<Sequence> finished)
    {
        Span<int> waiting = stackalloc int[HeadRows];
        var count = 0;
        for (var row = 0; row < Rows; row++)
        {
            switch (Wanted(row))
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
}
