using Agora.Experiments;
using Agora.Students.Checkpoints;
using Agora.Students.Inference.Kernels;

namespace Agora.Students.Inference;

/// <summary>A checkpoint's weights in float32, packed for multiplication. Immutable after loading, shared by all worker threads.</summary>
internal sealed class TransformerWeights : IDisposable
{
    private TransformerWeights(string folder, TransformerConfig config, PackedMatrix embedding, PackedMatrix? head, FloatBuffer finalNorm, RotaryTable rotary, Layer[] layers) =>
        (Folder, Config, Embedding, this.head, FinalNorm, Rotary, Layers) = (folder, config, embedding, head, finalNorm, rotary, layers);

    private readonly PackedMatrix? head;

    public string Folder { get; }

    public TransformerConfig Config { get; }

    /// <summary>One column per token.</summary>
    public PackedMatrix Embedding { get; }

    /// <summary>Logits, or the score of a reward model; the embedding itself where the two are tied.</summary>
    public PackedMatrix Head => head ?? Embedding;

    public FloatBuffer FinalNorm { get; }

    public RotaryTable Rotary { get; }

    public Layer[] Layers { get; }

    /// <summary>The linear layers are fused where they share their input: query, key and value; gate and up.</summary>
    internal sealed record Layer(
        FloatBuffer InputNorm, Linear QueryKeyValue, FloatBuffer? QueryNorm, FloatBuffer? KeyNorm, Linear Output,
        FloatBuffer PostAttentionNorm, Linear GateUp, Linear Down) : IDisposable
    {
        public void Dispose()
        {
            InputNorm.Dispose();
            QueryKeyValue.Dispose();
            QueryNorm?.Dispose();
            KeyNorm?.Dispose();
            Output.Dispose();
            PostAttentionNorm.Dispose();
            GateUp.Dispose();
            Down.Dispose();
        }
    }

    /// <param name="Bias">[PaddedOutputs], zeros in the padding; null where the layer has none.</param>
    internal sealed record Linear(PackedMatrix Weights, FloatBuffer? Bias) : IDisposable
    {
        public unsafe void Multiply(float* x, int xStride, int rows, float* y)
        {
            Weights.Multiply(x, xStride, rows, y, Weights.PaddedOutputs);
            if (Bias is null)
                return;
            for (var row = 0; row < rows; row++)
                RowKernels.Add(y + (long)row * Weights.PaddedOutputs, Bias.Start, Weights.PaddedOutputs);
        }

        public void Dispose()
        {
            Weights.Dispose();
            Bias?.Dispose();
        }
    }

    /// <exception cref="AgoraException">A weight is NaN or infinite.</exception>
    public static TransformerWeights Load(CheckpointFolder checkpoint)
    {
        var config = checkpoint.Config;
        var reader = new Reader(checkpoint);
        var embedding = reader.Matrix(config.HiddenSize, ("model.embed_tokens.weight", config.VocabularySize));
        var head = config.Head == ModelHead.Score ? reader.Matrix(config.HiddenSize, ("score.weight", 1))
            : config.TieEmbeddings ? null
            : reader.Matrix(config.HiddenSize, ("lm_head.weight", config.VocabularySize));
        var layers = new Layer[config.Layers];
        for (var i = 0; i < layers.Length; i++)
        {
            var prefix = $"model.layers.{i}.";
            layers[i] = new Layer(
                reader.Vector(prefix + "input_layernorm.weight"),
                reader.Linear(config.HiddenSize, config.QueryKeyValueBias,
                    (prefix + "self_attn.q_proj", config.QueryWidth), (prefix + "self_attn.k_proj", config.KeyValueWidth), (prefix + "self_attn.v_proj", config.KeyValueWidth)),
                config.QueryKeyNorm ? reader.Vector(prefix + "self_attn.q_norm.weight") : null,
                config.QueryKeyNorm ? reader.Vector(prefix + "self_attn.k_norm.weight") : null,
                reader.Linear(config.QueryWidth, config.AttentionOutputBias, (prefix + "self_attn.o_proj", config.HiddenSize)),
                reader.Vector(prefix + "post_attention_layernorm.weight"),
                reader.Linear(config.HiddenSize, config.FeedForwardBias, (prefix + "mlp.gate_proj", config.IntermediateSize), (prefix + "mlp.up_proj", config.IntermediateSize)),
                reader.Linear(config.IntermediateSize, config.FeedForwardBias, (prefix + "mlp.down_proj", config.HiddenSize)));
        }
        return new TransformerWeights(checkpoint.Folder, config, embedding, head, reader.Vector("model.norm.weight"), new RotaryTable(config.RopeFrequencies()), layers);
    }

    public void Dispose()
    {
        Embedding.Dispose();
        head?.Dispose();
        FinalNorm.Dispose();
        Rotary.Dispose();
        foreach (var layer in Layers)
            layer.Dispose();
    }

    private sealed class Reader(CheckpointFolder checkpoint)
    {
        public FloatBuffer Vector(string name)
        {
            var count = (int)checkpoint.Entry(name).Elements;
            var vector = new FloatBuffer(PackedMatrix.Pad(count));
            checkpoint.Read(name, 0, vector.Slice(0, count));
            return vector;
        }

        public Linear Linear(int inputs, bool bias, params ReadOnlySpan<(string Name, int Outputs)> segments)
        {
            var named = new (string, int)[segments.Length];
            for (var i = 0; i < segments.Length; i++)
                named[i] = (segments[i].Name + ".weight", segments[i].Outputs);
            var weights = Matrix(inputs, named);
            if (!bias)
                return new Linear(weights, null);
            var values = new FloatBuffer(weights.PaddedOutputs);
            for (var i = 0; i < segments.Length; i++)
                checkpoint.Read(segments[i].Name + ".bias", 0, values.Slice(weights.SegmentStarts[i], segments[i].Outputs));
            return new Linear(weights, values);
        }

        public PackedMatrix Matrix(int inputs, params ReadOnlySpan<(string Name, int Outputs)> segments)
        {
            var sizes = new int[segments.Length];
            for (var i = 0; i < segments.Length; i++)
                sizes[i] = segments[i].Outputs;
            var matrix = new PackedMatrix(inputs, sizes);
            var row = new float[inputs];
            for (var i = 0; i < segments.Length; i++)
            {
                for (var output = 0; output < segments[i].Outputs; output++)
                {
                    checkpoint.Read(segments[i].Name, (long)output * inputs, row);
                    matrix.SetColumn(matrix.SegmentStarts[i] + output, row);
                }
            }
            return matrix;
        }
    }
}
