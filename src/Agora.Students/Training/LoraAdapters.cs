using System.Collections.Immutable;
using Agora.Experiments;
using TorchSharp;
using static TorchSharp.torch;

namespace Agora.Students.Training;

/// <summary>Low-rank changes of linear layers, W + alpha / rank · B A (arXiv:2106.09685); A and B of all layers are one float32 vector, as the weights are.</summary>
internal sealed class LoraAdapters : IDisposable
{
    private readonly double scale;
    private readonly ImmutableArray<Place> places;

    /// <param name="Tensor">Hugging Face's name of the changed matrix.</param>
    /// <param name="Piece">The joined matrix that it is part of, and its rows there.</param>
    /// <param name="Offset">Of A, [rank, in], in the vector; B, [out, rank], follows.</param>
    private sealed record Place(string Tensor, string Piece, long FirstRow, long Rows, long Columns, long WeightOffset, long Offset);

    /// <param name="random">A begins uniform within 1 / sqrt(in), B at zero, so that training begins at the base model.</param>
    public LoraAdapters(TransformerModel model, LoraSpec spec, RandomStream random)
    {
        Rank = spec.Rank;
        scale = spec.Alpha / spec.Rank;
        places = [.. PlacesOf(model.Layout, spec)];
        var initial = new float[Elements(model.Layout, spec)];
        foreach (var place in places)
        {
            var bound = 1 / Math.Sqrt(place.Columns);
            for (var i = 0L; i < Rank * place.Columns; i++)
                initial[place.Offset + i] = (float)((2 * random.NextDouble() - 1) * bound);
        }
        Values = tensor(initial, device: model.Weights.device).DetachFromDisposeScope();
    }

    public int Rank { get; }

    /// <summary>float32 [elements].</summary>
    public Tensor Values { get; }

    /// <summary>How many numbers are trained.</summary>
    public static long Elements(ParameterLayout layout, LoraSpec spec) => PlacesOf(layout, spec).Sum(place => spec.Rank * (place.Rows + place.Columns));

    /// <returns>A and B of each place as views of a vector laid out as <see cref="Values"/>, under names of their own; they live until the surrounding dispose scope ends.</returns>
    public Dictionary<string, Tensor> Split(Tensor whole)
    {
        var pieces = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach (var place in places)
        {
            pieces.Add(place.Tensor + ".A", whole.narrow(0, place.Offset, Rank * place.Columns).view(Rank, place.Columns).detach());
            pieces.Add(place.Tensor + ".B", whole.narrow(0, place.Offset + Rank * place.Columns, Rank * place.Rows).view(place.Rows, Rank).detach());
        }
        return pieces;
    }

    /// <summary>What the adapters add to a linear layer's output.</summary>
    /// <param name="pieces">With those of <see cref="Split"/>.</param>
    /// <param name="piece">The layer's matrix.</param>
    /// <param name="input">[B, T, in].</param>
    /// <returns>[B, T, out] in the input's type; null where the layer has no adapter.</returns>
    public Tensor? Change(IReadOnlyDictionary<string, Tensor> pieces, string piece, Tensor input)
    {
        var here = places.Where(place => place.Piece == piece).ToArray();
        if (here.Length == 0)
            return null;
        using Scalar factor = scale;
        var parts = new List<Tensor>();
        long row = 0, rows = pieces[piece].shape[0];
        foreach (var place in here)
        {
            Fill(place.FirstRow);
            var narrow = nn.functional.linear(input, pieces[place.Tensor + ".A"].to(input.dtype));
            parts.Add(nn.functional.linear(narrow, pieces[place.Tensor + ".B"].to(input.dtype)).mul_(factor));
            row = place.FirstRow + place.Rows;
        }
        Fill(rows);
        if (parts.Count == 1)
            return parts[0];
        var joined = cat(parts, -1);
        foreach (var part in parts)
            part.Dispose();
        return joined;

        // Parts of a joined matrix that have no adapter.
        void Fill(long end)
        {
            if (end > row)
                parts.Add(zeros([.. input.shape[..^1], end - row], input.dtype, input.device));
        }
    }

    /// <summary>Adds the changes to the weights, computed in float32; the adapters are then of no more use.</summary>
    public void Merge(TransformerModel model)
    {
        using var noGradient = no_grad();
        foreach (var place in places)
        {
            using var scope = NewDisposeScope();
            using Scalar factor = scale;
            var down = Values.narrow(0, place.Offset, Rank * place.Columns).view(Rank, place.Columns);
            var up = Values.narrow(0, place.Offset + Rank * place.Columns, Rank * place.Rows).view(place.Rows, Rank);
            var weights = model.Weights.narrow(0, place.WeightOffset, place.Rows * place.Columns).view(place.Rows, place.Columns);
            weights.copy_(weights.to(float32).add(up.matmul(down), factor));
        }
    }

    public void Dispose() => Values.Dispose();

    private static IEnumerable<Place> PlacesOf(ParameterLayout layout, LoraSpec spec)
    {
        var names = spec.Targets.Select(ExperimentWord).ToHashSet();
        var offset = 0L;
        foreach (var piece in layout.Pieces.Where(piece => piece.Shape.Length == 2))
        {
            foreach (var tensor in piece.Tensors.Where(tensor => names.Any(name => tensor.Name.EndsWith($".{name}.weight", StringComparison.Ordinal))))
            {
                long rows = tensor.Shape[0], columns = tensor.Shape[1];
                yield return new Place(tensor.Name, piece.Name, (tensor.Offset - piece.Offset) / columns, rows, columns, tensor.Offset, offset);
                offset += spec.Rank * (rows + columns);
            }
        }
    }

    private static string ExperimentWord(LoraTarget target) => target switch
    {
        LoraTarget.QProj => "q_proj",
        LoraTarget.KProj => "k_proj",
        LoraTarget.VProj => "v_proj",
        LoraTarget.OProj => "o_proj",
        LoraTarget.GateProj => "gate_proj",
        LoraTarget.UpProj => "up_proj",
        _ => "down_proj",
    };
}
