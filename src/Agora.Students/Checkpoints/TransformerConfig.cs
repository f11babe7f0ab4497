using System.Collections.Immutable;

namespace Agora.Students.Checkpoints;

public enum ModelFamily { Llama, Mistral, Qwen2, Qwen3 }

/// <summary>What the last hidden state is mapped to: logits over the vocabulary, or one score (a reward model).</summary>
public enum ModelHead { LanguageModel, Score }

/// <summary>A decoder-only transformer in the words of its config.json: pre-norm RMSNorm, rotary positions, grouped-query attention, SwiGLU.</summary>
public sealed record TransformerConfig
{
    public ModelFamily Family { get; init; } = ModelFamily.Llama;
    public ModelHead Head { get; init; } = ModelHead.LanguageModel;
    /// <summary>Rows of the embedding; may exceed the tokenizer's.</summary>
    public required int VocabularySize { get; init; }
    public required int HiddenSize { get; init; }
    /// <summary>Width of the feed-forward layer.</summary>
    public required int IntermediateSize { get; init; }
    public required int Layers { get; init; }
    /// <summary>Query heads.</summary>
    public required int Heads { get; init; }
    /// <summary>Divides <see cref="Heads"/>; each serves as many neighbouring query heads as the quotient says.</summary>
    public required int KeyValueHeads { get; init; }
    /// <summary>May differ from hidden / heads; then the query and output projections are not square.</summary>
    public required int HeadSize { get; init; }
    /// <summary>Tokens of context the model was made for.</summary>
    public required int MaxPositions { get; init; }
    public double NormEpsilon { get; init; } = 1e-5;
    public double RopeTheta { get; init; } = 10000;
    public RopeScaling? RopeScaling { get; init; }
    /// <summary>The output layer is the embedding itself: no <c>lm_head.weight</c> in the file, one parameter in training.</summary>
    public bool TieEmbeddings { get; init; }
    /// <summary>Bias on the query, key and value projections.</summary>
    public bool QueryKeyValueBias { get; init; }
    public bool AttentionOutputBias { get; init; }
    public bool FeedForwardBias { get; init; }
    /// <summary>RMSNorm over each query and key head before the rotation (Qwen3).</summary>
    public bool QueryKeyNorm { get; init; }
    /// <summary>Keys that a query sees in each layer, itself included; null sees all before it. One entry per layer.</summary>
    public required ImmutableArray<int?> AttentionWindows { get; init; }
    public int? BeginOfSequenceId { get; init; }
    public ImmutableArray<int> EndOfSequenceIds { get; init; } = [];
    public int? PaddingId { get; init; }
    /// <summary>Standard deviation of randomly initialised weights.</summary>
    public double InitializerRange { get; init; } = 0.02;

    public int QueryWidth => Heads * HeadSize;

    public int KeyValueWidth => KeyValueHeads * HeadSize;

    /// <summary>Every tensor of a checkpoint by its name in Hugging Face's files, with its shape; linear layers are [out, in].</summary>
    public IEnumerable<(string Name, ImmutableArray<long> Shape)> Tensors()
    {
        yield return ("model.embed_tokens.weight", [VocabularySize, HiddenSize]);
        for (var layer = 0; layer < Layers; layer++)
        {
            var prefix = $"model.layers.{layer}.";
            yield return (prefix + "input_layernorm.weight", [HiddenSize]);
            foreach (var tensor in Linear(prefix + "self_attn.q_proj", QueryWidth, HiddenSize, QueryKeyValueBias))
                yield return tensor;
            foreach (var tensor in Linear(prefix + "self_attn.k_proj", KeyValueWidth, HiddenSize, QueryKeyValueBias))
                yield return tensor;
            foreach (var tensor in Linear(prefix + "self_attn.v_proj", KeyValueWidth, HiddenSize, QueryKeyValueBias))
                yield return tensor;
            if (QueryKeyNorm)
            {
                yield return (prefix + "self_attn.q_norm.weight", [HeadSize]);
                yield return (prefix + "self_attn.k_norm.weight", [HeadSize]);
            }
            foreach (var tensor in Linear(prefix + "self_attn.o_proj", HiddenSize, QueryWidth, AttentionOutputBias))
                yield return tensor;
            yield return (prefix + "post_attention_layernorm.weight", [HiddenSize]);
            foreach (var tensor in Linear(prefix + "mlp.gate_proj", IntermediateSize, HiddenSize, FeedForwardBias))
                yield return tensor;
            foreach (var tensor in Linear(prefix + "mlp.up_proj", IntermediateSize, HiddenSize, FeedForwardBias))
                yield return tensor;
            foreach (var tensor in Linear(prefix + "mlp.down_proj", HiddenSize, IntermediateSize, FeedForwardBias))
                yield return tensor;
        }
        yield return ("model.norm.weight", [HiddenSize]);
        if (Head == ModelHead.Score)
            yield return ("score.weight", [1, HiddenSize]);
        else if (!TieEmbeddings)
            yield return ("lm_head.weight", [VocabularySize, HiddenSize]);
    }

    /// <summary>Tied embeddings count once.</summary>
    public long Parameters => Tensors().Sum(tensor => tensor.Shape.Aggregate(1L, (product, size) => product * size));

    /// <summary>Radians per position of each rotated pair: element i of a head turns together with element i + HeadSize / 2.</summary>
    public float[] RopeFrequencies()
    {
        var frequencies = new float[HeadSize / 2];
        for (var i = 0; i < frequencies.Length; i++)
        {
            var frequency = Math.Pow(RopeTheta, -2.0 * i / HeadSize);
            frequencies[i] = (float)(RopeScaling?.Apply(frequency) ?? frequency);
        }
        return frequencies;
    }

    private static IEnumerable<(string, ImmutableArray<long>)> Linear(string name, long output, long input, bool bias)
    {
        yield return (name + ".weight", [output, input]);
        if (bias)
            yield return (name + ".bias", [output]);
    }
}
