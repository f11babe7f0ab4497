using System.Globalization;
using Agora.Experiments;
using Agora.Students.Checkpoints;

namespace Agora.Students.Training;

/// <summary>What a training needs on its device, in bytes, before anything is allocated.</summary>
/// <param name="Optimizer">Its state.</param>
/// <param name="Activations">Of the largest micro-batch, logits included; what an update works with, where that is more.</param>
internal sealed record TrainingMemory(long Weights, long Gradients, long Optimizer, long Activations)
{
    public long Total => Weights + Gradients + Optimizer + Activations;

    /// <summary>What decides the need.</summary>
    /// <param name="Fused">The written-out backward pass, with a gradient a lane.</param>
    /// <param name="LongestDocument">Tokens.</param>
    internal sealed record Shape(TransformerConfig Config, bool Fused, Precision Precision, Bfloat16Update Bfloat16, bool Checkpointing, LoraSpec? Lora, int LongestDocument, int Threads)
    {
        public bool OnCpu { get; init; } = true;
    }

    // Measured on the CPU with libtorch and glibc (docs/log.md): what the backward pass holds beside what the forward pass kept, and freed memory that is not given back at once.
    private const double BackwardShare = 1.11;
    // Logits, in float32 too where they are not, their normalised form, their gradients: bytes for each.
    private const int LogitBytes = 22, NarrowLogitBytes = 27;
    // Buffers of the libraries, whatever the model's size.
    private const long LibraryBytes = 32 << 20;

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
        var state = (brain && shape.Bfloat16 == Bfloat16Update.MasterWeights ? 12 : 8) * trained;
        var update = brain ? Bfloat16AdamW.WorkingBytes * Math.Min(trained, Bfloat16AdamW.StretchOf(shape.OnCpu)) : 4 * trained;
        return new TrainingMemory(size * parameters + 4 * adapters, (shape.Lora is null ? size : 4) * trained + largest, state, Math.Max(AutogradActivations(shape, size), update) + LibraryBytes);
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
        // What differentiation keeps of a layer for each token: the stream twice, both norms' products and outputs (and, in bfloat16, their float32 inputs), projections, those that are rotated once more, repeated
        // heads, attention's output twice, gate and up, the gate's sigmoid product and their product.
        var repeated = config.KeyValueHeads == config.Heads ? 0 : 2 * query;
        var layer = size * (6 * hidden + query + 2 * keyValue + query + keyValue + repeated + 2 * query + 4 * wide) + 4 * config.Heads + (size == 2 ? 8 * hidden : 0);
        if (config.QueryKeyNorm)
            layer += (query + keyValue) * (size == 2 ? 10 : 12);
        // The adapters' narrow values, and the holes that their outputs leave.
        if (shape.Lora is { } lora)
            layer += size * (lora.Rank * lora.Targets.Length + 3 * hidden + wide);
        layer = (long)(BackwardShare * layer);
        // Logits, and a mask of documents by documents.
        var head = tokens * config.VocabularySize * (size == 2 ? NarrowLogitBytes : LogitBytes) + size * tokens * Math.Max(MicroBatch.ShortestRow, Math.Min(tokens, shape.LongestDocument));
        return shape.Checkpointing
            ? tokens * size * hidden * (config.Layers + 2) + tokens * layer + Math.Max(tokens * layer, head)
            : tokens * layer * config.Layers + head;
    }
}
