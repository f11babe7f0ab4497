using Agora.Students.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Agora.Students.Training;

/// <summary>Loss and gradient of a small model on the CPU, with the backward pass written out: torch or <see cref="WideMatrixProduct"/> multiplies the matrices, our own kernels do the rest.</summary>
/// <remarks>
/// For small models most of autograd's time goes into what lies between the matrix products, each operation a pass over memory. Here documents stand one after
/// another without padding, attention stays within them, and each row is worked on while it is in the cache. <see cref="TransformerModel"/> is the same model
/// in torch operations, and the tests hold the two together. Instances share the weights; each thread has its own.
/// </remarks>
internal sealed unsafe class FusedBackpropagation : IDisposable
{
    /// <summary>Parameters. From here on our own product multiplies where it is faster than torch's; smaller models keep torch's, and with it the bits that their students always had.</summary>
    public const long SmallestWithOwnProducts = 2_000_000;

    private readonly TransformerConfig config;
    private readonly ParameterLayout layout;
    private readonly TensorFloats weights;
    private readonly TensorFloats gradient;
    private readonly Dictionary<string, ParameterPiece> pieces;
    private readonly RotaryTable rotary;
    private readonly bool sharing;
    private readonly bool wide;

    /// <param name="rotary">Shared between instances.</param>
    /// <param name="sharing">See <see cref="LanedGradient"/>.</param>
    public FusedBackpropagation(TransformerModel model, RotaryTable rotary, bool sharing)
    {
        config = model.Config;
        layout = model.Layout;
        this.rotary = rotary;
        this.sharing = sharing;
        wide = WideMatrixProduct.IsSupported && (sharing || layout.Elements >= SmallestWithOwnProducts);
        using var scope = NewDisposeScope();
        weights = new TensorFloats(model.Weights.alias().DetachFromDisposeScope());
        gradient = new TensorFloats(zeros(layout.Elements).DetachFromDisposeScope());
        pieces = layout.Pieces.ToDictionary(piece => piece.Name, StringComparer.Ordinal);
    }

    /// <summary>float32 [P]: the sum over all calls of <see cref="Add"/> since it was last cleared.</summary>
    public Tensor Gradient => gradient.Tensor;

    /// <param name="rows">At most the workspace's capacity.</param>
    /// <param name="share">Weight of each target token in the loss.</param>
    /// <returns>The loss's share, in nats.</returns>
    public double Add(DocumentRows rows, float share, FusedWorkspace work)
    {
        if (rows.LossRows.Length == 0)
            return 0;
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        Forward(rows, work);
        var loss = Head(rows, share, work, backward: true);
        for (var layer = config.Layers - 1; layer >= 0; layer--)
            Backward(layer, rows, work);
        EmbedBackward(rows, work);
        return loss;
    }

    /// <summary>The loss that <see cref="Add"/> gives, without touching the gradient.</summary>
    public double Loss(DocumentRows rows, float share, FusedWorkspace work)
    {
        if (rows.LossRows.Length == 0)
            return 0;
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        Forward(rows, work);
        return Head(rows, share, work, backward: false);
    }

    public void Dispose()
    {
        weights.Dispose();
        gradient.Dispose();
    }

    private void Forward(DocumentRows rows, FusedWorkspace work)
    {
        if (rows.Count > work.Capacity)
            throw new InvalidOperationException($"{rows.Count} rows in a workspace for {work.Capacity}");
        Embed(rows, work);
        for (var layer = 0; layer < config.Layers; layer++)
            Forward(layer, rows, work);
    }

    private void Embed(DocumentRows rows, FusedWorkspace work)
    {
        var embedding = Vector("embedding");
        var hidden = config.Layers > 0 ? work.Layers[0].Input : work.Hidden;
        var tokens = rows.Tokens;
        for (var row = 0; row < tokens.Length; row++)
            embedding.Slice(tokens[row] * config.HiddenSize, config.HiddenSize).CopyTo(hidden.Row(row));
    }

    private void EmbedBackward(DocumentRows rows, FusedWorkspace work)
    {
        var embedding = VectorGradient("embedding");
        var tokens = rows.Tokens;
        for (var row = 0; row < tokens.Length; row++)
        {
            var sum = embedding.Slice(tokens[row] * config.HiddenSize, config.HiddenSize);
            TensorPrimitives.Add(sum, work.HiddenGradient.Row(row), sum);
        }
    }

    private void Forward(int layer, DocumentRows rows, FusedWorkspace work)
    {
        var memory = work.Layers[layer];
        var N = rows.Count;
        var output = layer + 1 < config.Layers ? work.Layers[layer + 1].Input : work.Hidden;
        Norm(memory.Input, $"{layer}.attention_norm", memory.AttentionNormed, memory.AttentionInverse, N);
        Linear(memory.AttentionNormed, $"{layer}.qkv", memory.Projected, N, work);
        RotateHeads(layer, rows, memory);
        foreach (var segment in rows.Segments)
        {
            for (var head = 0; head < config.Heads && Queries(layer, segment) > 0; head++)
            {
                work.Attention.Forward(
                    HeadOf(memory.Projected, head, layer), segment.Seen, Queries(layer, segment), memory.Mixed.At(head * config.HeadSize), config.QueryWidth, memory.LogNormalisers.At(head), config.Heads);
            }
        }

        var (mixed, into) = (memory.Mixed, memory.Input);
        if (LeavesOut(layer))
        {
            // From here on each row is on its own, so those that no loss looks at are left out.
            (mixed, into) = (work.ChosenMixed, work.ChosenInput);
            N = rows.LossRows.Length;
            for (var i = 0; i < N; i++)
            {
                memory.Mixed.Row(rows.LossRows[i]).CopyTo(mixed.Row(i));
                memory.Input.Row(rows.LossRows[i]).CopyTo(into.Row(i));
            }
        }
        Linear(mixed, $"{layer}.output", memory.Middle, N, work);
        AddRows(into, memory.Middle, N);
        Norm(memory.Middle, $"{layer}.feed_forward_norm", memory.FeedForwardNormed, memory.FeedForwardInverse, N);
        Linear(memory.FeedForwardNormed, $"{layer}.gate_up", memory.GateUp, N, work);
        for (var row = 0; row < N; row++)
        {
            var gateUp = memory.GateUp.Row(row);
            PointwiseKernels.GateAndMultiply(gateUp[..config.IntermediateSize], gateUp[config.IntermediateSize..], memory.Gated.Row(row));
        }
        Linear(memory.Gated, $"{layer}.down", output, N, work);
        AddRows(memory.Middle, output, N);
    }

    private void Backward(int layer, DocumentRows rows, FusedWorkspace work)
    {
        var memory = work.Layers[layer];
        var N = LeavesOut(layer) ? rows.LossRows.Length : rows.Count;
        LinearBackward(memory.Gated, $"{layer}.down", work.HiddenGradient, work.GatedGradient, N, work);
        for (var row = 0; row < N; row++)
        {
            var gateUp = memory.GateUp.Row(row);
            PointwiseKernels.GateAndMultiplyBackward(
                gateUp[..config.IntermediateSize], gateUp[config.IntermediateSize..], work.GatedGradient.Row(row), work.Scratch.AsSpan(0, config.IntermediateSize));
        }
        LinearBackward(memory.FeedForwardNormed, $"{layer}.gate_up", memory.GateUp, work.NormedGradient, N, work);
        NormBackward(memory.Middle, $"{layer}.feed_forward_norm", memory.FeedForwardInverse, N, work);

        LinearBackward(LeavesOut(layer) ? work.ChosenMixed : memory.Mixed, $"{layer}.output", work.HiddenGradient, work.MixedGradient, N, work);
        if (LeavesOut(layer))
        {
            Spread(work.MixedGradient, rows);
            Spread(work.HiddenGradient, rows);
        }
        N = rows.Count;
        for (var row = 0; row < N; row++)
            work.ProjectedGradient.Row(row).Clear();
        foreach (var segment in rows.Segments)
        {
            for (var head = 0; head < config.Heads && Queries(layer, segment) > 0; head++)
            {
                var offset = head * config.HeadSize;
                work.Attention.Backward(
                    HeadOf(memory.Projected, head, layer), segment.Seen, Queries(layer, segment), memory.Mixed.At(offset), work.MixedGradient.At(offset), config.QueryWidth,
                    memory.LogNormalisers.At(head), config.Heads, HeadOf(work.ProjectedGradient, head, layer));
            }
        }
        RotateHeadsBackward(layer, rows, memory, work);
        LinearBackward(memory.AttentionNormed, $"{layer}.qkv", work.ProjectedGradient, work.NormedGradient, N, work);
        NormBackward(memory.Input, $"{layer}.attention_norm", memory.AttentionInverse, N, work);
    }

    /// <summary>Whether the layer is done after its attention with the rows that no loss looks at.</summary>
    private bool LeavesOut(int layer) => sharing && layer == config.Layers - 1;

    private int Queries(int layer, DocumentRows.Segment segment) => LeavesOut(layer) ? segment.LossQueries : segment.Own.Length;

    // From one row after another to their places, with zeros between: from the end, so that none is overwritten before it is moved.
    private static void Spread(TensorFloats matrix, DocumentRows rows)
    {
        var i = rows.LossRows.Length - 1;
        for (var row = rows.Count - 1; row >= 0; row--)
        {
            if (i < 0 || rows.LossRows[i] != row)
                matrix.Row(row).Clear();
            else if (i-- != row)
                matrix.Row(i + 1).CopyTo(matrix.Row(row));
        }
    }

    /// <summary>Final norm, output layer and loss where there is a target; leaves the gradient of the last layer's output where it is wanted.</summary>
    private double Head(DocumentRows rows, float share, FusedWorkspace work, bool backward)
    {
        var compact = config.Layers > 0 && LeavesOut(config.Layers - 1);
        var places = rows.LossRows;
        var norm = Vector("final_norm");
        for (var i = 0; i < places.Length; i++)
            work.Inverse[i] = PointwiseKernels.Normalise(work.Hidden.Row(compact ? i : places[i]), norm, (float)config.NormEpsilon, work.Normed.Row(i));

        var name = pieces.ContainsKey("head") ? "head" : "embedding";
        Tensor matrix = Matrix(weights, name), matrixGradient = Matrix(gradient, name), across = matrix.t();
        var loss = 0.0;
        for (var first = 0; first < places.Length; first += FusedWorkspace.LogitRows)
        {
            using var scope = NewDisposeScope();
            var count = Math.Min(FusedWorkspace.LogitRows, places.Length - first);
            Tensor normed = work.Normed.Tensor.narrow(0, first, count), logits = work.Logits.Rows(count);
            var offset = pieces[name].Offset;
            if (wide)
            {
                work.Product.Multiply(
                    new((nint)work.Normed.At((long)first * config.HiddenSize), config.HiddenSize, 1), new((nint)weights.At(offset), 1, config.HiddenSize), work.Logits.At(0),
                    config.VocabularySize, count, config.VocabularySize, config.HiddenSize, add: false);
            }
            else
            {
                logits.addmm_(normed, across, 0, 1);
            }
            for (var i = 0; i < count; i++)
                loss += PointwiseKernels.CrossEntropy(work.Logits.Row(i), rows.TargetTokens[first + i], share);
            if (!backward)
                continue;
            if (wide)
            {
                var place = (long)first * config.HiddenSize;
                MultiplyBackward(work.Normed.At(place), config.HiddenSize, weights.At(offset), gradient.At(offset), work.Logits, work.NormedGradient.At(place), count, work);
            }
            else
            {
                work.NormedGradient.Tensor.narrow(0, first, count).addmm_(logits, matrix, 0, 1);
                matrixGradient.addmm_(logits.t(), normed, 1, 1);
            }
        }

        if (!backward)
            return loss * share;
        for (var row = 0; row < (compact ? places.Length : rows.Count); row++)
            work.HiddenGradient.Row(row).Clear();
        for (var i = 0; i < places.Length; i++)
        {
            var row = compact ? i : places[i];
            PointwiseKernels.NormaliseBackward(
                work.Hidden.Row(row), work.Inverse[i], norm, work.NormedGradient.Row(i), work.HiddenGradient.Row(row), VectorGradient("final_norm"), work.Scratch.AsSpan(0, config.HiddenSize));
        }
        return loss * share;
    }

    private void Norm(TensorFloats input, string name, TensorFloats output, float[] inverse, int N)
    {
        var weight = Vector(name);
        for (var row = 0; row < N; row++)
            inverse[row] = PointwiseKernels.Normalise(input.Row(row), weight, (float)config.NormEpsilon, output.Row(row));
    }

    /// <summary>From the normed values' gradient to the residual stream's, to which it is added.</summary>
    private void NormBackward(TensorFloats input, string name, float[] inverse, int N, FusedWorkspace work)
    {
        ReadOnlySpan<float> weight = Vector(name);
        Span<float> weightGradient = VectorGradient(name), scratch = work.Scratch.AsSpan(0, config.HiddenSize);
        for (var row = 0; row < N; row++)
            PointwiseKernels.NormaliseBackward(input.Row(row), inverse[row], weight, work.NormedGradient.Row(row), work.HiddenGradient.Row(row), weightGradient, scratch);
    }

    private void Linear(TensorFloats input, string name, TensorFloats output, int N, FusedWorkspace work)
    {
        if (wide)
            MultiplyForward(input, weights.At(pieces[name + ".weight"].Offset), output, N, work);
        else
            output.Rows(N).addmm_(input.Rows(N), Matrix(weights, name + ".weight").t(), 0, 1);
        if (pieces.ContainsKey(name + ".bias"))
        {
            var bias = Vector(name + ".bias");
            for (var row = 0; row < N; row++)
                TensorPrimitives.Add(output.Row(row), bias, output.Row(row));
        }
    }

    private void LinearBackward(TensorFloats input, string name, TensorFloats outputGradient, TensorFloats inputGradient, int N, FusedWorkspace work)
    {
        var offset = pieces[name + ".weight"].Offset;
        if (wide)
        {
            MultiplyBackward(input.At(0), input.Width, weights.At(offset), gradient.At(offset), outputGradient, inputGradient.At(0), N, work);
        }
        else
        {
            var arriving = outputGradient.Rows(N);
            inputGradient.Rows(N).addmm_(arriving, Matrix(weights, name + ".weight"), 0, 1);
            Matrix(gradient, name + ".weight").addmm_(arriving.t(), input.Rows(N), 1, 1);
        }
        if (pieces.ContainsKey(name + ".bias"))
        {
            var bias = VectorGradient(name + ".bias");
            for (var row = 0; row < N; row++)
                TensorPrimitives.Add(bias, outputGradient.Row(row), bias);
        }
    }

    // output [N, out] = input [N, in] · W [out, in] transposed.
    private static void MultiplyForward(TensorFloats input, float* matrix, TensorFloats output, int N, FusedWorkspace work) => work.Product.Multiply(
        new((nint)input.At(0), input.Width, 1), new((nint)matrix, 1, input.Width), output.At(0), output.Width, N, output.Width, input.Width, add: false);

    // d input = d output · W, and d W += d output transposed · input.
    private static void MultiplyBackward(float* input, int width, float* matrix, float* matrixGradient, TensorFloats outputGradient, float* inputGradient, int N, FusedWorkspace work)
    {
        work.Product.Multiply(new((nint)outputGradient.At(0), outputGradient.Width, 1), new((nint)matrix, width, 1), inputGradient, width, N, width, outputGradient.Width, add: false);
        work.Product.Multiply(new((nint)outputGradient.At(0), 1, outputGradient.Width), new((nint)input, width, 1), matrixGradient, width, outputGradient.Width, width, N, add: true);
    }

    private void RotateHeads(int layer, DocumentRows rows, FusedWorkspace.LayerMemory memory)
    {
        var norms = memory.BeforeHeadNorm is not null;
        for (var row = 0; row < rows.Count; row++)
        {
            var projected = memory.Projected.Row(row);
            if (norms)
                projected[..memory.BeforeHeadNorm!.Width].CopyTo(memory.BeforeHeadNorm.Row(row));
            for (var head = 0; head < config.Heads + config.KeyValueHeads; head++)
            {
                var values = projected.Slice(head * config.HeadSize, config.HeadSize);
                if (norms)
                {
                    memory.HeadInverse[row * (config.Heads + config.KeyValueHeads) + head] = PointwiseKernels.Normalise(
                        memory.BeforeHeadNorm!.Row(row).Slice(head * config.HeadSize, config.HeadSize), Vector(HeadNorm(layer, head)), (float)config.NormEpsilon, values);
                }
                PointwiseKernels.Rotate(values, rotary.Cosines(rows.Positions[row]), rotary.Sines(rows.Positions[row]), 1);
            }
        }
    }

    private void RotateHeadsBackward(int layer, DocumentRows rows, FusedWorkspace.LayerMemory memory, FusedWorkspace work)
    {
        for (var row = 0; row < rows.Count; row++)
        {
            var gradients = work.ProjectedGradient.Row(row);
            Span<float> scratch = work.Scratch.AsSpan(0, config.HeadSize), arriving = work.Scratch.AsSpan(config.HeadSize, config.HeadSize);
            for (var head = 0; head < config.Heads + config.KeyValueHeads; head++)
            {
                var values = gradients.Slice(head * config.HeadSize, config.HeadSize);
                PointwiseKernels.Rotate(values, rotary.Cosines(rows.Positions[row]), rotary.Sines(rows.Positions[row]), -1);
                if (memory.BeforeHeadNorm is not { } before)
                    continue;
                values.CopyTo(arriving);
                values.Clear();
                PointwiseKernels.NormaliseBackward(
                    before.Row(row).Slice(head * config.HeadSize, config.HeadSize), memory.HeadInverse[row * (config.Heads + config.KeyValueHeads) + head],
                    Vector(HeadNorm(layer, head)), arriving, values, VectorGradient(HeadNorm(layer, head)), scratch);
            }
        }
    }

    private string HeadNorm(int layer, int head) => head < config.Heads ? $"{layer}.query_norm" : $"{layer}.key_norm";

    private CausalAttention.Head HeadOf(TensorFloats projected, int head, int layer)
    {
        var keyHead = config.Heads + head / (config.Heads / config.KeyValueHeads);     // neighbouring query heads share one
        return new CausalAttention.Head(
            (nint)projected.At((long)head * config.HeadSize), (nint)projected.At((long)keyHead * config.HeadSize), (nint)projected.At((long)(keyHead + config.KeyValueHeads) * config.HeadSize),
            projected.Width, config.AttentionWindows[layer] ?? int.MaxValue);
    }

    private static void AddRows(TensorFloats from, TensorFloats to, int N)
    {
        for (var row = 0; row < N; row++)
            TensorPrimitives.Add(to.Row(row), from.Row(row), to.Row(row));
    }

    private Tensor Matrix(TensorFloats whole, string name)
    {
        var piece = pieces[name];
        return whole.Tensor.narrow(0, piece.Offset, piece.Elements).view(piece.Shape[0], piece.Shape[1]);
    }

    private Span<float> Vector(string name) => new(weights.At(pieces[name].Offset), (int)pieces[name].Elements);

    private Span<float> VectorGradient(string name) => new(gradient.At(pieces[name].Offset), (int)pieces[name].Elements);
}
