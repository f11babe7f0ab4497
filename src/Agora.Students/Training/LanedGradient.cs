using System.Collections.Concurrent;
using TorchSharp;
using static TorchSharp.torch;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Agora.Students.Training;

/// <summary>Gradients of a small model on several threads: the step's documents are dealt to a fixed number of lanes, each of which computes with one thread.</summary>
/// <remarks>
/// Splitting small operations over threads costs more than it gains. The lanes' gradients are summed in order and their number is fixed, so the result does not
/// depend on how many threads there are or how they are scheduled.
/// <para>
/// With sharing, what a lane's documents begin with alike is computed once (<see cref="DocumentRows"/>), rows that no loss looks at are left out where the last layer allows it, and our own products multiply
/// whatever the model's size. The gradient differs in its last bits only; without it the embedded models come out as they were shipped.
/// </para>
/// </remarks>
internal sealed class LanedGradient : IStepGradient
{
    /// <summary>Parameters. Above this, a gradient per lane costs too much memory, and single operations are large enough to be split.</summary>
    public const long LargestModel = 50_000_000;

    public const int Lanes = 4;
    // Enough rows for efficient matrix products, few enough that a layer's values stay in the cache.
    public const int TokensAtOnce = 1024;
    private const long ElementsAtOnce = 1 << 14;

    private readonly TransformerModel model;
    private readonly int threads;
    private readonly bool sharing;
    private readonly ConcurrentBag<FusedWorkspace> workspaces = [];
    private FusedBackpropagation[] lanes;
    private RotaryTable rotary;

    public LanedGradient(TransformerModel model, int threads, bool sharing)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threads);
        this.model = model;
        this.threads = threads;
        this.sharing = sharing;
        rotary = new RotaryTable(model.Config.RopeFrequencies(), TokensAtOnce);
        lanes = MakeLanes();
    }

    public Tensor Sum => lanes[0].Gradient;

    public double Compute(IReadOnlyList<TrainingDocument> documents)
    {
        using var scope = NewDisposeScope();
        Fit(documents);
        var loss = Run(documents, lane => lane.Gradient.zero_(), (lane, rows, share, workspace) => lane.Add(rows, share, workspace));
        AddUp();
        return loss;
    }

    private unsafe void AddUp()
    {
        var starts = lanes.Select(lane => TensorFloats.StartOf(lane.Gradient)).ToArray();
        var count = Sum.numel();
        Parallel.For(0, (count + ElementsAtOnce - 1) / ElementsAtOnce, new ParallelOptions { MaxDegreeOfParallelism = threads }, chunk =>
        {
            var first = chunk * ElementsAtOnce;
            Span<float> Of(nint start) => new((float*)start + first, (int)Math.Min(ElementsAtOnce, count - first));
            foreach (var start in starts.AsSpan(1))
                TensorPrimitives.Add(Of(starts[0]), Of(start), Of(starts[0]));
        });
    }

    public double Loss(IReadOnlyList<TrainingDocument> documents)
    {
        Fit(documents);
        return Run(documents, _ => { }, (lane, rows, share, workspace) => lane.Loss(rows, share, workspace));
    }

    public void Dispose()
    {
        foreach (var lane in lanes)
            lane.Dispose();
        foreach (var workspace in workspaces)
            workspace.Dispose();
    }

    private double Run(
        IReadOnlyList<TrainingDocument> documents, Action<FusedBackpropagation> prepare, Func<FusedBackpropagation, DocumentRows, float, FusedWorkspace, double> compute)
    {
        var groups = Group(documents);
        var share = 1f / Math.Max(documents.Sum(document => document.TargetCount), 1);
        var losses = new double[groups.Count];
        Parallel.For(0, Lanes, new ParallelOptions { MaxDegreeOfParallelism = threads }, lane =>
        {
            set_num_threads(1);     // a setting of the thread, not of the process
            if (!workspaces.TryTake(out var workspace))
                workspace = new FusedWorkspace(model.Config, rotary.Positions);
            prepare(lanes[lane]);
            for (var i = lane; i < groups.Count; i += Lanes)
                losses[i] = compute(lanes[lane], DocumentRows.Of(groups[i], sharing), share, workspace);
            workspaces.Add(workspace);
        });
        set_num_threads(1);
        return losses.Sum();
    }

    private FusedBackpropagation[] MakeLanes() => [.. Enumerable.Range(0, Lanes).Select(_ => new FusedBackpropagation(model, rotary, sharing))];

    /// <summary>Makes room for documents longer than any before.</summary>
    private void Fit(IReadOnlyList<TrainingDocument> documents)
    {
        var longest = documents.Count == 0 ? 0 : documents.Max(document => document.Tokens.Length);
        if (longest <= rotary.Positions)
            return;
        Dispose();
        workspaces.Clear();
        rotary = new RotaryTable(model.Config.RopeFrequencies(), longest);
        lanes = MakeLanes();
    }

    /// <summary>Runs of neighbouring documents, of about equally many rows; at least one a lane where there are enough.</summary>
    private List<List<TrainingDocument>> Group(IReadOnlyList<TrainingDocument> documents)
    {
        var ordered = documents;
        if (sharing)
            ordered = [.. documents.Order(Comparer<TrainingDocument>.Create(DocumentRows.Compare))];      // a stable sort
        var rows = new int[ordered.Count];      // that a document adds to those of the ones before it
        for (var i = 0; i < rows.Length; i++)
            rows[i] = ordered[i].Tokens.Length - (sharing && i > 0 ? DocumentRows.CommonLength(ordered[i - 1], ordered[i]) : 0);
        var total = rows.Sum();
        var rounds = Math.Max(1, (total + Lanes * TokensAtOnce - 1) / (Lanes * TokensAtOnce));
        var wanted = Math.Min(TokensAtOnce, (total + rounds * Lanes - 1) / (rounds * Lanes));
        var groups = new List<List<TrainingDocument>>();
        var room = 0;
        for (var i = 0; i < rows.Length; i++)
        {
            var length = rows[i];
            if (room < length || groups.Count == 0)
            {
                groups.Add([]);
                length = ordered[i].Tokens.Length;
                room = Math.Max(TokensAtOnce, length);
            }
            groups[^1].Add(ordered[i]);
            room -= length;
            if (TokensAtOnce - room >= wanted)
                room = 0;
        }
        return groups;
    }
}
