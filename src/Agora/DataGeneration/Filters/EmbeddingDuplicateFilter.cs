using System.Globalization;
using System.Numerics.Tensors;
using Agora.Experiments;
using Microsoft.Extensions.AI;

namespace Agora.DataGeneration.Filters;

/// <summary>Turns away texts whose vector points where a kept one's does: cosine similarity from the threshold on. Exact: every kept vector is compared.</summary>
internal sealed class EmbeddingDuplicateFilter(EmbeddingDuplicateSpec spec, IEmbeddingGenerator<string, Embedding<float>> model) : KeptFilter
{
    private readonly List<(string Name, float[] Vector)> kept = [];
    private float[][] block = [];
    private (int Place, double Cosine)?[] earlier = [];
    private int blockStart;

    /// <exception cref="AgoraException">The model cannot be reached, or gives vectors of different lengths or without direction.</exception>
    public override async Task ReadAsync(IReadOnlyList<InstructionResponse> candidates, CancellationToken cancellationToken)
    {
        var embeddings = await model.GenerateAsync(candidates.Select(pair => Part(pair, spec.Of)), cancellationToken: cancellationToken);
        block = [.. embeddings.Select(embedding => Unit(embedding.Vector))];
        if (block.Length != candidates.Count || block.Any(vector => vector.Length != block[0].Length || (kept.Count > 0 && vector.Length != kept[0].Vector.Length)))
            throw new AgoraException("the embedding model does not give one vector of one length for each text", spec.Model, "name a model that makes embeddings in generation.filters.embeddingDuplicates.model");
        earlier = new (int, double)?[block.Length];
        blockStart = kept.Count;
        Parallel.For(0, block.Length, new ParallelOptions { CancellationToken = cancellationToken }, i => earlier[i] = Find(block[i], 0));
    }

    public override Rejection? Check(int candidate) => (earlier[candidate] ?? Find(block[candidate], blockStart)) is var (place, cosine)
        ? new(RejectReason.EmbeddingDuplicate, string.Create(CultureInfo.InvariantCulture, $"cosine {cosine:0.000} with {kept[place].Name}"))
        : null;

    public override void Keep(int candidate, string name) => kept.Add((name, block[candidate]));

    private (int Place, double Cosine)? Find(float[] vector, int from)
    {
        for (var place = from; place < kept.Count; place++)
            if (TensorPrimitives.Dot<float>(vector, kept[place].Vector) is var cosine && cosine >= spec.Threshold)
                return (place, cosine);
        return null;
    }

    private float[] Unit(ReadOnlyMemory<float> vector)
    {
        var length = TensorPrimitives.Norm(vector.Span);
        if (!float.IsFinite(length) || length == 0)
            throw new AgoraException("the embedding model gave a vector without direction", spec.Model, "name a model that makes embeddings in generation.filters.embeddingDuplicates.model");
        var unit = new float[vector.Length];
        TensorPrimitives.Divide(vector.Span, length, unit);
        return unit;
    }
}
