using Agora.Students.Checkpoints;

namespace Agora.Nano.Models;

/// <summary>Makes a larger model that computes the same as a smaller one, for training to go on from.</summary>
/// <remarks>
/// In the manner of Net2Net (arXiv:1511.05641) and bert2BERT (arXiv:2110.07143), by padding: what reads the new places of the residual stream, new heads and new
/// feed-forward units is random, what writes to them or from them is zero. So the new parts are silent at first, and have a gradient. New layers
/// stand last. It saves a large embedded model the hours of learning sums and sentences again.
/// </remarks>
internal static class ModelGrowth
{
    private const float Deviation = 0.02f;

    /// <param name="sourceFolder">A model of the same head size, not larger in any way, with tied embeddings.</param>
    /// <param name="target">What it becomes.</param>
    public static void Grow(string sourceFolder, TransformerConfig target, string folder, RandomStream random)
    {
        using var source = CheckpointFolder.Open(sourceFolder);
        var old = source.Config;
        if (old.HeadSize != target.HeadSize || old.HiddenSize > target.HiddenSize || old.Layers > target.Layers || old.IntermediateSize > target.IntermediateSize)
            throw new ArgumentException("a model can only grow, with heads of the same size", nameof(target));
        var oldShapes = old.Tensors().ToDictionary(tensor => tensor.Name, tensor => tensor.Shape);
        var tensors = target.Tensors().Select(tensor =>
        {
            var values = new float[tensor.Shape.Aggregate(1L, (product, size) => product * size)];
            var writes = tensor.Name.EndsWith("o_proj.weight", StringComparison.Ordinal) || tensor.Name.EndsWith("down_proj.weight", StringComparison.Ordinal)
                || tensor.Name.EndsWith("embed_tokens.weight", StringComparison.Ordinal);
            var isNorm = tensor.Shape.Length == 1;
            // A longer vector with the same sum of squares has a smaller mean of squares: the norm would make the old part larger.
            var scale = isNorm ? MathF.Sqrt((float)old.HiddenSize / target.HiddenSize) : 1;
            for (var i = 0; i < values.Length; i++)
                values[i] = isNorm ? scale : writes ? 0 : Deviation * MathF.Sqrt(3) * ((2 * (float)random.NextDouble()) - 1);
            if (oldShapes.TryGetValue(tensor.Name, out var oldShape))
            {
                var kept = source.Read(tensor.Name);
                var (oldWidth, width) = ((int)oldShape[^1], (int)tensor.Shape[^1]);
                for (var i = 0; i < kept.Length; i++)
                    values[(i / oldWidth * width) + (i % oldWidth)] = kept[i] * scale;
            }
            return new TensorToSave(tensor.Name, tensor.Shape, FloatType.F32, (first, destination) => values.AsSpan((int)first, destination.Length).CopyTo(destination));
        }).ToList();
        CheckpointWriter.SaveNew(target, folder, tensors);
        CheckpointWriter.CarryAlong(sourceFolder, folder);
    }
}
