using System.Collections.Immutable;
using Agora.Students.Checkpoints;

namespace Agora.Students.Training;

/// <summary>A stretch of the flat weight vector that the model uses as one matrix or vector.</summary>
/// <param name="Name">As in <see cref="TransformerModel"/>; several of Hugging Face's tensors lie in it one after another, joined by rows.</param>
/// <param name="Tensors">Those tensors, with their place in the whole vector.</param>
internal sealed record ParameterPiece(string Name, long Offset, ImmutableArray<long> Shape, ImmutableArray<ParameterPlace> Tensors)
{
    public long Elements => Shape.Aggregate(1L, (product, size) => product * size);
}

/// <summary>Where one tensor of the checkpoint lies in the flat weight vector.</summary>
internal sealed record ParameterPlace(string Name, long Offset, ImmutableArray<long> Shape)
{
    public long Elements => Shape.Aggregate(1L, (product, size) => product * size);
}

/// <summary>All weights of a model as one vector: projections that read the same input stand together, so that they are one matrix product.</summary>
/// <remarks>
/// One vector makes the optimiser a handful of operations whatever the number of layers, and summing the gradients of two threads a single one. Matrices
/// come before vectors, so that weight decay can leave out norms and biases by leaving out the end.
/// </remarks>
internal sealed class ParameterLayout
{
    public ParameterLayout(TransformerConfig config)
    {
        var shapes = config.Tensors().ToDictionary(tensor => tensor.Name, tensor => tensor.Shape, StringComparer.Ordinal);
        var groups = new List<(string Name, string[] Tensors)> { ("embedding", ["model.embed_tokens.weight"]) };
        for (var layer = 0; layer < config.Layers; layer++)
        {
            var prefix = $"model.layers.{layer}.";
            groups.Add(($"{layer}.attention_norm", [prefix + "input_layernorm.weight"]));
            groups.Add(($"{layer}.query_norm", [prefix + "self_attn.q_norm.weight"]));
            groups.Add(($"{layer}.key_norm", [prefix + "self_attn.k_norm.weight"]));
            groups.Add(($"{layer}.feed_forward_norm", [prefix + "post_attention_layernorm.weight"]));
            foreach (var kind in new[] { "weight", "bias" })
            {
                groups.Add(($"{layer}.qkv.{kind}", [prefix + $"self_attn.q_proj.{kind}", prefix + $"self_attn.k_proj.{kind}", prefix + $"self_attn.v_proj.{kind}"]));
                groups.Add(($"{layer}.output.{kind}", [prefix + $"self_attn.o_proj.{kind}"]));
                groups.Add(($"{layer}.gate_up.{kind}", [prefix + $"mlp.gate_proj.{kind}", prefix + $"mlp.up_proj.{kind}"]));
                groups.Add(($"{layer}.down.{kind}", [prefix + $"mlp.down_proj.{kind}"]));
            }
        }
        groups.Add(("final_norm", ["model.norm.weight"]));
        groups.Add(("head", [config.Head == ModelHead.Score ? "score.weight" : "lm_head.weight"]));
        var present = groups.Where(group => shapes.ContainsKey(group.Tensors[0])).ToList();

        var pieces = ImmutableArray.CreateBuilder<ParameterPiece>();
        foreach (var (name, tensors) in present.OrderBy(group => shapes[group.Tensors[0]].Length == 1))     // a stable sort
        {
            var places = ImmutableArray.CreateBuilder<ParameterPlace>();
            var start = Elements;
            foreach (var tensor in tensors)
            {
                places.Add(new ParameterPlace(tensor, Elements, shapes[tensor]));
                Elements += places[^1].Elements;
            }
            pieces.Add(new ParameterPiece(name, start, [places.Sum(place => place.Shape[0]), .. places[0].Shape[1..]], places.ToImmutable()));
            if (shapes[tensors[0]].Length > 1)
                MatrixElements = Elements;
        }
        Pieces = pieces.ToImmutable();
        if (Pieces.Sum(piece => piece.Tensors.Length) != shapes.Count)
            throw new InvalidOperationException("the layout leaves out tensors of the model");
    }

    public ImmutableArray<ParameterPiece> Pieces { get; }

    /// <summary>Length of the weight vector.</summary>
    public long Elements { get; }

    /// <summary>The matrices' share of it, at its start.</summary>
    public long MatrixElements { get; }

    public IEnumerable<ParameterPlace> Places => Pieces.SelectMany(piece => piece.Tensors);
}
