using Agora.Experiments;
using Agora.Students.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace Agora.Students.Training;

/// <summary>A transformer of the Llama family for training: float32 weights in one vector, and the forward pass as torch operations.</summary>
internal sealed class TransformerModel : IDisposable
{
    private readonly Scalar normEpsilon;

    private TransformerModel(TransformerConfig config, ParameterLayout layout, Tensor weights)
    {
        (Config, Layout, Weights) = (config, layout, weights);
        normEpsilon = config.NormEpsilon;
    }

    public TransformerConfig Config { get; }

    public ParameterLayout Layout { get; }

    /// <summary>float32 [P], laid out as <see cref="Layout"/> says.</summary>
    public Tensor Weights { get; }

    public static TransformerModel Load(CheckpointFolder checkpoint)
    {
        var model = Allocate(checkpoint.Config);
        using var values = model.Weights.data<float>();
        var chunk = new float[1 << 18];
        foreach (var place in model.Layout.Places)
        {
            for (long first = 0; first < place.Elements; first += chunk.Length)
            {
                var count = (int)Math.Min(chunk.Length, place.Elements - first);
                checkpoint.Read(place.Name, first, chunk.AsSpan(0, count));
                values.CopyFrom(chunk.AsSpan(0, count), 0, place.Offset + first);
            }
        }
        return model;
    }

    /// <summary>Matrices and embeddings from a normal distribution with the config's standard deviation, norms one, biases zero; projections back into the
    /// residual stream smaller by the square root of twice the number of layers (GPT-2's rule), so that depth does not blow it up.</summary>
    public static TransformerModel Initialise(TransformerConfig config, RandomStream random)
    {
        var model = Allocate(config);
        using var values = model.Weights.data<float>();
        foreach (var place in model.Layout.Places)
        {
            var initial = new float[place.Elements];
            if (place.Shape.Length == 1)
            {
                Array.Fill(initial, place.Name.EndsWith(".bias", StringComparison.Ordinal) ? 0 : 1);
            }
            else
            {
                var residual = place.Name.EndsWith("o_proj.weight", StringComparison.Ordinal) || place.Name.EndsWith("down_proj.weight", StringComparison.Ordinal);
                FillNormal(initial, config.InitializerRange / (residual ? Math.Sqrt(2.0 * config.Layers) : 1), random);
            }
            values.CopyFrom(initial, 0, place.Offset);
        }
        return model;
    }

    /// <summary>The weights under Hugging Face's names, to be written in the given type.</summary>
    public IReadOnlyList<TensorToSave> TensorsToSave(FloatType type) =>
    [
        .. Layout.Places.OrderBy(place => place.Name, StringComparer.Ordinal).Select(place => new TensorToSave(place.Name, place.Shape, type, (first, destination) =>
        {
            using var values = Weights.data<float>();
            values.CopyTo(destination, 0, place.Offset + first);
        })),
    ];

    /// <summary>A leaf that shares the weights and collects a gradient of its own, so that threads can work on parts of one batch.</summary>
    /// <returns>float32 [P], owned by the caller.</returns>
    public Tensor NewLeaf() => Weights.detach().requires_grad_(true);

    /// <param name="leaf">float32 [P]: <see cref="Weights"/> or what <see cref="NewLeaf"/> gave.</param>
    /// <returns>Named views of the leaf; they live until the surrounding dispose scope ends.</returns>
    public Dictionary<string, Tensor> Split(Tensor leaf)
    {
        // One operation with one backward: slices taken one by one would each write a gradient as long as all weights.
        var parts = leaf.split([.. Layout.Pieces.Select(piece => piece.Elements)]);
        var pieces = new Dictionary<string, Tensor>(parts.Length, StringComparer.Ordinal);
        for (var i = 0; i < parts.Length; i++)
            pieces.Add(Layout.Pieces[i].Name, parts[i].view([.. Layout.Pieces[i].Shape]));
        return pieces;
    }

    /// <summary>The last hidden state, after the final norm.</summary>
    /// <param name="pieces">From <see cref="Split"/>.</param>
    /// <returns>float32 [B, T, hidden].</returns>
    public Tensor Hidden(IReadOnlyDictionary<string, Tensor> pieces, ModelInput input)
    {
        long B = input.Tokens.shape[0], T = input.Tokens.shape[1];
        var hidden = pieces["embedding"].index_select(0, input.Tokens.flatten()).view(B, T, Config.HiddenSize);
        for (var layer = 0; layer < Config.Layers; layer++)
        {
            var normed = Norm(hidden, pieces[$"{layer}.attention_norm"]);
            hidden = hidden.add(Attention(pieces, layer, normed, input, B, T), HeldScalars.One);
            normed = Norm(hidden, pieces[$"{layer}.feed_forward_norm"]);
            hidden = hidden.add(FeedForward(pieces, layer, normed), HeldScalars.One);
        }
        return Norm(hidden, pieces["final_norm"]);
    }

    /// <param name="hidden">float32 [N, hidden].</param>
    /// <returns>float32 [N, V], or [N, 1] for a reward model.</returns>
    public static Tensor Project(IReadOnlyDictionary<string, Tensor> pieces, Tensor hidden) =>
        nn.functional.linear(hidden, pieces.TryGetValue("head", out var head) ? head : pieces["embedding"]);

    public void Dispose()
    {
        Weights.Dispose();
        normEpsilon.Dispose();
    }

    private static TransformerModel Allocate(TransformerConfig config)
    {
        TorchLibrary.Load();
        var layout = new ParameterLayout(config);
        return new TransformerModel(config, layout, empty(layout.Elements, float32).DetachFromDisposeScope());
    }

    private Tensor Attention(IReadOnlyDictionary<string, Tensor> pieces, int layer, Tensor normed, ModelInput input, long B, long T)
    {
        int heads = Config.Heads, keyValueHeads = Config.KeyValueHeads, D = Config.HeadSize;
        var projected = nn.functional.linear(normed, pieces[$"{layer}.qkv.weight"], pieces.GetValueOrDefault($"{layer}.qkv.bias"))
            .view(B, T, heads + 2 * keyValueHeads, D);
        var queriesAndKeys = projected.narrow(2, 0, heads + keyValueHeads);                                 // [B, T, heads + kv, D]
        if (Config.QueryKeyNorm)
        {
            queriesAndKeys = cat([
                Norm(queriesAndKeys.narrow(2, 0, heads), pieces[$"{layer}.query_norm"]),
                Norm(queriesAndKeys.narrow(2, heads, keyValueHeads), pieces[$"{layer}.key_norm"])], 2);
        }
        var rotated = Rotate(queriesAndKeys, input.Cosines, input.Sines);
        var queries = rotated.narrow(2, 0, heads).transpose(1, 2);                                          // [B, heads, T, D]
        var keys = rotated.narrow(2, heads, keyValueHeads).transpose(1, 2);                                 // [B, kv, T, D]
        var values = projected.narrow(2, heads + keyValueHeads, keyValueHeads).transpose(1, 2);
        if (keyValueHeads != heads)
        {
            keys = Repeat(keys, heads / keyValueHeads);
            values = Repeat(values, heads / keyValueHeads);
        }
        var mask = input.MaskOf(Config.AttentionWindows[layer]);
        var mixed = nn.functional.scaled_dot_product_attention(queries, keys, values, mask, is_casual: mask is null);
        return nn.functional.linear(mixed.transpose(1, 2).reshape(B, T, heads * D), pieces[$"{layer}.output.weight"], pieces.GetValueOrDefault($"{layer}.output.bias"));
    }

    private Tensor FeedForward(IReadOnlyDictionary<string, Tensor> pieces, int layer, Tensor normed)
    {
        var gateAndUp = nn.functional.linear(normed, pieces[$"{layer}.gate_up.weight"], pieces.GetValueOrDefault($"{layer}.gate_up.bias"));
        var gate = gateAndUp.narrow(2, 0, Config.IntermediateSize);
        var up = gateAndUp.narrow(2, Config.IntermediateSize, Config.IntermediateSize);
        return nn.functional.linear(nn.functional.silu(gate) * up, pieces[$"{layer}.down.weight"], pieces.GetValueOrDefault($"{layer}.down.bias"));
    }

    private Tensor Norm(Tensor values, Tensor weight) =>
        values * rsqrt((values * values).mean([-1], keepdim: true).add(normEpsilon, HeldScalars.One)) * weight;

    // Element i of a head turns together with element i + D/2, as in Hugging Face's checkpoints.
    private static Tensor Rotate(Tensor values, Tensor cosines, Tensor sines)
    {
        var half = values.shape[3] / 2;
        var first = values.narrow(3, 0, half);
        var second = values.narrow(3, half, half);
        return cat([(first * cosines).addcmul_(second, sines, HeldScalars.MinusOne), (second * cosines).addcmul_(first, sines, HeldScalars.One)], 3);
    }

    // Each key-value head serves neighbouring query heads: 0 0 1 1, not 0 1 0 1.
    private static Tensor Repeat(Tensor heads, int times)
    {
        var shape = heads.shape;
        return heads.unsqueeze(2).expand(shape[0], shape[1], times, shape[2], shape[3]).reshape(shape[0], shape[1] * times, shape[2], shape[3]);
    }

    private static void FillNormal(float[] values, double deviation, RandomStream random)
    {
        for (var i = 0; i < values.Length; i += 2)      // Box and Muller
        {
            var radius = deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
            var (sine, cosine) = Math.SinCos(2 * Math.PI * random.NextDouble());
            values[i] = (float)(radius * cosine);
            if (i + 1 < values.Length)
                values[i + 1] = (float)(radius * sine);
        }
    }
}
