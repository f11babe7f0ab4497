using Agora.Students.Checkpoints;

namespace Agora.Students.Training;

/// <summary>The memory that one thread needs for a forward and backward pass over at most <see cref="Capacity"/> tokens; kept from step to step.</summary>
internal sealed class FusedWorkspace : IDisposable
{
    /// <summary>Rows of logits that exist at once.</summary>
    public const int LogitRows = 256;

    public FusedWorkspace(TransformerConfig config, int capacity)
    {
        Capacity = capacity;
        Layers = [.. Enumerable.Range(0, config.Layers).Select(_ => new LayerMemory(config, capacity))];
        Hidden = new TensorFloats(capacity, config.HiddenSize);
        HiddenGradient = new TensorFloats(capacity, config.HiddenSize);
        Normed = new TensorFloats(capacity, config.HiddenSize);
        NormedGradient = new TensorFloats(capacity, config.HiddenSize);
        ProjectedGradient = new TensorFloats(capacity, config.QueryWidth + 2 * config.KeyValueWidth);
        MixedGradient = new TensorFloats(capacity, config.QueryWidth);
        GatedGradient = new TensorFloats(capacity, config.IntermediateSize);
        ChosenMixed = new TensorFloats(capacity, config.QueryWidth);
        ChosenInput = new TensorFloats(capacity, config.HiddenSize);
        Logits = new TensorFloats(LogitRows, config.VocabularySize);
        Inverse = new float[capacity];
        Scratch = new float[Math.Max(Math.Max(config.HiddenSize, config.IntermediateSize), 2 * config.HeadSize)];
        Attention = new CausalAttention(config.HeadSize);
    }

    public int Capacity { get; }
    public IReadOnlyList<LayerMemory> Layers { get; }
    /// <summary>[N, hidden]: the last layer's output.</summary>
    public TensorFloats Hidden { get; }
    public TensorFloats HiddenGradient { get; }
    /// <summary>[N, hidden]: the final norm's output where there is a target.</summary>
    public TensorFloats Normed { get; }
    public TensorFloats NormedGradient { get; }
    public TensorFloats ProjectedGradient { get; }
    public TensorFloats MixedGradient { get; }
    public TensorFloats GatedGradient { get; }
    /// <summary>[rows with a loss, query width]: attention's output in the last layer.</summary>
    public TensorFloats ChosenMixed { get; }
    public TensorFloats ChosenInput { get; }
    public TensorFloats Logits { get; }
    /// <summary>1 / rms of the final norm.</summary>
    public float[] Inverse { get; }
    public float[] Scratch { get; }
    public CausalAttention Attention { get; }
    public WideMatrixProduct Product { get; } = new();

    public void Dispose()
    {
        foreach (var layer in Layers)
            layer.Dispose();
        foreach (var matrix in new[] { Hidden, HiddenGradient, Normed, NormedGradient, ProjectedGradient, MixedGradient, GatedGradient, ChosenMixed, ChosenInput, Logits })
            matrix.Dispose();
        Attention.Dispose();
        Product.Dispose();
    }

    /// <summary>What a layer's backward pass needs of its forward pass.</summary>
    internal sealed class LayerMemory(TransformerConfig config, int capacity) : IDisposable
    {
        /// <summary>[N, hidden]: what came into the layer.</summary>
        public TensorFloats Input { get; } = new(capacity, config.HiddenSize);
        public TensorFloats AttentionNormed { get; } = new(capacity, config.HiddenSize);
        /// <summary>[N, (heads + 2 kv) D]: queries, keys and values; the first two rotated.</summary>
        public TensorFloats Projected { get; } = new(capacity, config.QueryWidth + 2 * config.KeyValueWidth);
        /// <summary>Queries and keys before their own norm, where the model has one (Qwen3).</summary>
        public TensorFloats? BeforeHeadNorm { get; } = config.QueryKeyNorm ? new(capacity, config.QueryWidth + config.KeyValueWidth) : null;
        public float[] HeadInverse { get; } = config.QueryKeyNorm ? new float[capacity * (config.Heads + config.KeyValueHeads)] : [];
        public TensorFloats LogNormalisers { get; } = new(capacity, config.Heads);
        public TensorFloats Mixed { get; } = new(capacity, config.QueryWidth);
        /// <summary>[N, hidden]: after attention was added.</summary>
        public TensorFloats Middle { get; } = new(capacity, config.HiddenSize);
        public TensorFloats FeedForwardNormed { get; } = new(capacity, config.HiddenSize);
        /// <summary>[N, 2 ffn]: gate and up; their gradients once these are known.</summary>
        public TensorFloats GateUp { get; } = new(capacity, 2 * config.IntermediateSize);
        public TensorFloats Gated { get; } = new(capacity, config.IntermediateSize);
        public float[] AttentionInverse { get; } = new float[capacity];
        public float[] FeedForwardInverse { get; } = new float[capacity];

        public void Dispose()
        {
            foreach (var matrix in new[] { Input, AttentionNormed, Projected, LogNormalisers, Mixed, Middle, FeedForwardNormed, GateUp, Gated })
                matrix.Dispose();
            BeforeHeadNorm?.Dispose();
        }
    }
}
