using System.Globalization;
using Agora.Experiments;
using Agora.Students.Checkpoints;

namespace Agora.Students.Training;

/// <summary>What a training needs on its device, in bytes, before anything is allocated.</summary>
/// <param name="Optimizer">Its state, and the vectors that an update works with.</param>
/// <param name="Activations">Of the largest micro-batch, logits included.</param>
internal sealed record TrainingMemory(long Weights, long Gradients, long Optimizer, long Activations)
{
    public long Total => Weights + Gradients + Optimizer + Activations;

    /// <summary>What decides the need.</summary>
    /// <param name="Fused">The written-out backward pass, with a gradient a lane.</param>
    /// <param name="LongestDocument">Tokens.</param>
    internal sealed record Shape(TransformerConfig Config, bool Fused, Precision Precision, Bfloat16Update Bfloat16, bool Checkpointing, LoraSpec? Lora, int LongestDocument, int Threads);

    public static TrainingMemory Of(Shape shape)
    {
        var layout = new ParameterLayout(shape.Config);
        long parameters = layout.Elements, size = shape.Precision == Precision.Bf16 ? 2 : 4;
        if (shape.Fused)
            return new TrainingMemory(4 * parameters, 4 * LanedGradient.Lanes * parameters, 12 * parameters, FusedActivations(shape));
        var adapters = shape.Lora is { } lora ? LoraAdapters.Elements(layout, lora) : 0;
        var trained = shape.Lora is null ? parameters : adapters;
        var largest = shape.Lora is null ? size * layout.Pieces.Max(piece => piece.Elements) : 0;      // a piece's gradient before it is added
        var brain = shape.Precision == Precision.Bf16 && shape.Lora is null;
        var state = 8 * trained + (brain ? (shape.Bfloat16 == Bfloat16Update.MasterWeights ? 4 * trained : 0) + 24 * Math.Min(trained, 1L << 24) : 4 * trained);
        return new TrainingMemory(size * parameters + 4 * adapters, (shape.Lora is null ? size : 4) * trained + largest, state, AutogradActivations(shape, size));
    }

    /// <exception cref="AgoraException">More is needed than there is; says what would make it fit.</exception>
    public static TrainingMemory Check(Shape shape, long available, string device, string where)
    {
        var need = Of(shape);
        if (need.Total <= available)
            return need;
        var ways = Ways(shape).Where(way => Of(way.Shape).Total <= available).Select(way => $"{way.Text} ({Gigabytes(Of(way.Shape).Total)})").ToArray();
        throw new AgoraException(
            $"training needs {need.Describe()} on {device}, which has {Gigabytes(available)}", where,
            ways.Length > 0 ? $"one of: {string.Join("; ", ways)}. recipe.batchSize changes nothing: documents are computed about {MicroBatch.TokensAtOnce} tokens at a time"
                : "take a device with more memory or a smaller model: neither bfloat16 with activation checkpointing nor LoRA is enough");
    }

    public string Describe() =>
        $"{Gigabytes(Total)} (weights {Gigabytes(Weights)}, gradients {Gigabytes(Gradients)}, optimiser {Gigabytes(Optimizer)}, activations {Gigabytes(Activations)})";

    private static string Gigabytes(long bytes) => bytes < 1_000_000_000
        ? string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:F0} MB")
        : string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:F1} GB");

    // From what costs least to what changes the training most.
    private static IEnumerable<(string Text, Shape Shape)> Ways(Shape shape)
    {
        var slow = shape with { Fused = false };
        if (!shape.Checkpointing)
            yield return ("recipe.activationCheckpointing: true", slow with { Checkpointing = true });
        if (shape.LongestDocument > MicroBatch.TokensAtOnce)
            yield return ($"recipe.maxLength: {MicroBatch.TokensAtOnce}", shape with { LongestDocument = MicroBatch.TokensAtOnce });
        if (shape.Precision == Precision.F32)
        {
            yield return ("recipe.precision: bf16", slow with { Precision = Precision.Bf16 });
            yield return ("recipe.precision: bf16 with activationCheckpointing: true", slow with { Precision = Precision.Bf16, Checkpointing = true });
        }
        if (shape.Lora is not null)
            yield break;
        yield return ("recipe.lora: {}", slow with { Lora = new LoraSpec() });
        yield return ("recipe.lora: {} with precision: bf16 and activationCheckpointing: true", slow with { Lora = new LoraSpec(), Precision = Precision.Bf16, Checkpointing = true });
    }

    private static long FusedActivations(Shape shape)
    {
        var config = shape.Config;
        long hidden = config.HiddenSize, projected = config.QueryWidth + 2 * config.KeyValueWidth, wide = config.IntermediateSize;
        var layer = 4 * hidden + projected + config.Heads + config.QueryWidth + 3 * wide + 2 + (config.QueryKeyNorm ? projected : 0);
        var token = config.Layers * layer + 4 * hidden + projected + config.QueryWidth + wide + 1;
        var capacity = Math.Max(LanedGradient.TokensAtOnce, shape.LongestDocument);
        return 4 * Math.Min(shape.Threads, LanedGradient.Lanes) * (capacity * token + (long)FusedWorkspace.LogitRows * config.VocabularySize);
    }

    private static long AutogradActivations(Shape shape, long size)
    {
        var config = shape.Config;
        long hidden = config.HiddenSize, query = config.QueryWidth, keyValue = config.KeyValueWidth, wide = config.IntermediateSize;
        var tokens = Math.Max(MicroBatch.TokensAtOnce, (long)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)shape.LongestDocument));
        // What differentiation keeps of a layer for each token: the stream twice, both norms' inner values in float32 and outputs, projections before and after the rotation (computed in float32), repeated
        // heads, attention's output twice, gate and up, the gate's sigmoid product and their product.
        var layer = size * (4 * hidden + query + 2 * keyValue + 2 * query + 2 * query + 4 * wide) + 4 * (2 * hidden + 2 * (query + keyValue) + config.Heads) + (size == 2 ? 4 * hidden : 0);
        // A mask of documents by documents, and logits: themselves, in float32, their normalised form and their gradient.
        var rest = size * tokens * Math.Max(MicroBatch.ShortestRow, Math.Min(tokens, shape.LongestDocument)) + tokens * config.VocabularySize * (size == 2 ? 14 : 12);
        return shape.Checkpointing
            ? tokens * size * hidden * (config.Layers + 2) + Math.Max(2 * tokens * layer, rest)
            : tokens * layer * config.Layers + rest;
    }
}
