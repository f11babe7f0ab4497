using Agora.Experiments;
using Agora.Students.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace Agora.Students.Training;

/// <summary>A transformer of the Llama family for training: its weights in one vector, and the forward pass as torch operations.</summary>
/// <remarks>
/// With bfloat16 weights, norms, rotation and loss are computed in float32, as in transformers. Values that differentiation does not need are disposed at once: a handle would hold them to the end of the
/// backward pass.
/// </remarks>
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

    /// <summary>float32 or bfloat16 [P], laid out as <see cref="Layout"/> says.</summary>
    public Tensor Weights { get; }

    /// <summary>Low-rank matrices that are trained in the weights' stead; null where the weights are. This object's once it is set.</summary>
    public LoraAdapters? Adapters { get; set; }

    /// <param name="device">The CPU where absent.</param>
    /// <param name="type">float32 or bfloat16, whatever the files hold.</param>
    public static TransformerModel Load(CheckpointFolder checkpoint, Device? device = null, ScalarType type = ScalarType.Float32)
    {
        var model = Allocate(checkpoint.Config, device, type);
        using var noGradient = no_grad();
        var chunk = new float[1 << 18];
        foreach (var place in model.Layout.Places)
        {
            for (long first = 0; first < place.Elements; first += chunk.Length)
            {
                var count = (int)Math.Min(chunk.Length, place.Elements - first);
                checkpoint.Read(place.Name, first, chunk.AsSpan(0, count));
                using var scope = NewDisposeScope();
                model.Weights.narrow(0, place.Offset + first, count).copy_(tensor(count == chunk.Length ? chunk : chunk[..count]));
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
            using var scope = NewDisposeScope();
            using var noGradient = no_grad();
            using var values = Weights.narrow(0, place.Offset + first, destination.Length).to(float32).cpu().data<float>();
            values.CopyTo(destination, 0, 0);
        })),
    ];

    /// <param name="whole">[P]: <see cref="Weights"/>, or a vector laid out as they are.</param>
    /// <returns>Named views of it, each a leaf of its own for torch's differentiation; they live until the surrounding dispose scope ends.</returns>
    public Dictionary<string, Tensor> Split(Tensor whole) =>
        Layout.Pieces.ToDictionary(piece => piece.Name, piece => whole.narrow(0, piece.Offset, piece.Elements).view([.. piece.Shape]).detach(), StringComparer.Ordinal);

    /// <summary>The last hidden state, after the final norm.</summary>
    /// <param name="pieces">From <see cref="Split"/>, and the adapters' where there are some.</param>
    /// <returns>[B, T, hidden], in the weights' type.</returns>
    public Tensor Hidden(IReadOnlyDictionary<string, Tensor> pieces, ModelInput input)
    {
        var hidden = Embed(pieces, input);
        for (var layer = 0; layer < Config.Layers; layer++)
            hidden = Layer(pieces, layer, hidden, input);
        return FinalNorm(pieces, hidden);
    }

    /// <returns>[B, T, hidden].</returns>
    public Tensor Embed(IReadOnlyDictionary<string, Tensor> pieces, ModelInput input) =>
        pieces["embedding"].index_select(0, input.Tokens.flatten()).view(input.Tokens.shape[0], input.Tokens.shape[1], Config.HiddenSize);

    /// <param name="hidden">[B, T, hidden]: what comes into the layer.</param>
    /// <returns>[B, T, hidden].</returns>
    public Tensor Layer(IReadOnlyDictionary<string, Tensor> pieces, int layer, Tensor hidden, ModelInput input)
    {
        long B = input.Tokens.shape[0], T = input.Tokens.shape[1];
        var normed = Norm(hidden, pieces[$"{layer}.attention_norm"]);
        using var attended = Attention(pieces, layer, normed, input, B, T);
        hidden = hidden.add(attended, HeldScalars.One);
        normed = Norm(hidden, pieces[$"{layer}.feed_forward_norm"]);
        using var fed = FeedForward(pieces, layer, normed);
        return hidden.add(fed, HeldScalars.One);
    }

    /// <param name="hidden">[B, T, hidden].</param>
    public Tensor FinalNorm(IReadOnlyDictionary<string, Tensor> pieces, Tensor hidden) => Norm(hidden, pieces["final_norm"]);

    /// <param name="hidden">[N, hidden].</param>
    /// <returns>[N, V], or [N, 1] for a reward model.</returns>
    public static Tensor Project(IReadOnlyDictionary<string, Tensor> pieces, Tensor hidden) =>
        nn.functional.linear(hidden, pieces.TryGetValue("head", out var head) ? head : pieces["embedding"]);

    public void Dispose()
    {
        Adapters?.Dispose();
        Weights.Dispose();
        normEpsilon.Dispose();
    }

    private static TransformerModel Allocate(TransformerConfig config, Device? device = null, ScalarType type = ScalarType.Float32)
    {
        TorchLibrary.Load();
        var layout = new ParameterLayout(config);
        return new TransformerModel(config, layout, empty(layout.Elements, type, device).DetachFromDisposeScope());
    }

    private Tensor Linear(IReadOnlyDictionary<string, Tensor> pieces, string name, Tensor input)
    {
        var output = nn.functional.linear(input, pieces[name + ".weight"], pieces.GetValueOrDefault(name + ".bias"));
        if (Adapters?.Change(pieces, name + ".weight", input) is not { } change)
            return output;
        using (change)
            return output.add_(change, HeldScalars.One);
    }

    private Tensor Attention(IReadOnlyDictionary<string, Tensor> pieces, int layer, Tensor normed, ModelInput input, long B, long T)
    {
        int heads = Config.Heads, keyValueHeads = Config.KeyValueHeads, D = Config.HeadSize;
        var projected = Linear(pieces, $"{layer}.qkv", normed)
            .view(B, T, heads + 2 * keyValueHeads, D);
        var queriesAndKeys = projected.narrow(2, 0, heads + keyValueHeads);                                 // [B, T, heads + kv, D]
        if (Config.QueryKeyNorm)
        {
            queriesAndKeys = cat([
                Norm(queriesAndKeys.narrow(2, 0, heads), pieces[$"{layer}.query_norm"]),
                Norm(queriesAndKeys.narrow(2, heads, keyValueHeads), pieces[$"{layer}.key_norm"])], 2);
        }
        var rotated = Narrow(Rotate(queriesAndKeys, input.Cosines, input.Sines), normed.dtype);
        var queries = rotated.narrow(2, 0, heads).transpose(1, 2);                                          // [B, heads, T, D]
        var keys = rotated.narrow(2, heads, keyValueHeads).transpose(1, 2);                                 // [B, kv, T, D]
        var values = projected.narrow(2, heads + keyValueHeads, keyValueHeads).transpose(1, 2);
        if (keyValueHeads != heads)
        {
            keys = Repeat(keys, heads / keyValueHeads);
            values = Repeat(values, heads / keyValueHeads);
        }
        var mask = input.MaskOf(Config.AttentionWindows[layer]);
        using var mixed = nn.functional.scaled_dot_product_attention(queries, keys, values, mask, is_casual: mask is null);
        return Linear(pieces, $"{layer}.output", mixed.transpose(1, 2).reshape(B, T, heads * D));
    }

    private Tensor FeedForward(IReadOnlyDictionary<string, Tensor> pieces, int layer, Tensor normed)
    {
        var gateAndUp = Linear(pieces, $"{layer}.gate_up", normed);
        var gate = gateAndUp.narrow(2, 0, Config.IntermediateSize);
        var up = gateAndUp.narrow(2, Config.IntermediateSize, Config.IntermediateSize);
        return Linear(pieces, $"{layer}.down", nn.functional.silu(gate) * up);
    }

    private Tensor Norm(Tensor values, Tensor weight)
    {
        var wide = values.to(float32);
        using var squares = wide * wide;
        return Narrow(wide * rsqrt(squares.mean([-1], keepdim: true).add(normEpsilon, HeldScalars.One)), values.dtype) * weight;
    }

    private static Tensor Narrow(Tensor fresh, ScalarType type)
    {
        if (fresh.dtype == type)
            return fresh;
        using (fresh)
            return fresh.to(type);
    }

    // Element i of a head turns together with element i + D/2, as in Hugging Face's checkpoints.
    private static Tensor Rotate(Tensor values, Tensor cosines, Tensor sines)
    {
        var half = values.shape[3] / 2;
        var first = values.narrow(3, 0, half);
        var second = values.narrow(3, half, half);
        using Tensor turnedFirst = first * cosines, turnedSecond = second * cosines;
        using (turnedFirst.addcmul_(second, sines, HeldScalars.MinusOne))
        using (turnedSecond.addcmul_(first, sines, HeldScalars.One))
            return cat([turnedFirst, turnedSecond], 3);
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
