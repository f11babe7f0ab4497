using System.Collections.Concurrent;
using TorchSharp;
using static TorchSharp.torch;

namespace Agora.Students.Training;

/// <summary>Gradients of a small model on several threads: the step's documents are dealt to a fixed number of lanes, each of which computes with one thread.</summary>
/// <remarks>
/// Splitting small operations over threads costs more than it gains. The lanes' gradients are summed in order and their number is fixed, so the result does not
/// depend on how many threads there are or how they are scheduled.
/// </remarks>
internal sealed class LanedGradient : IStepGradient
{
    /// <summary>Parameters. Above this, a gradient per lane costs too much memory, and single operations are large enough to be split.</summary>
    public const long LargestModel = 50_000_000;

    public const int Lanes = 4;
    // Enough rows for efficient matrix products, few enough that a layer's values stay in the cache.
    public const int TokensAtOnce = 1024;

    private readonly TransformerModel model;
    private readonly int threads;
    private readonly ConcurrentBag<FusedWorkspace> workspaces = [];
    private FusedBackpropagation[] lanes;
    private RotaryTable rotary;

    public LanedGradient(TransformerModel model, int threads)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threads);
        this.model = model;
        this.threads = threads;
        rotary = new RotaryTable(model.Config.RopeFrequencies(), TokensAtOnce);
        lanes = MakeLanes();
    }

    public Tensor Sum => lanes[0].Gradient;

    public double Compute(IReadOnlyList<TrainingDocument> documents)
    {
        using var scope = NewDisposeScope();
        Fit(documents);
        foreach (var lane in lanes)
            lane.Gradient.zero_();
        var loss = Run(documents, (lane, batch, share, workspace) => lane.Add(batch, share, workspace));
        foreach (var lane in lanes.Skip(1))
            Sum.add_(lane.Gradient, HeldScalars.One);
        return loss;
    }

    public double Loss(IReadOnlyList<TrainingDocument> documents)
    {
        Fit(documents);
        return Run(documents, (lane, batch, share, workspace) => lane.Loss(batch, share, workspace));
    }

    public void Dispose()
    {
        foreach (var lane in lanes)
            lane.Dispose();
        foreach (var workspace in workspaces)
            workspace.Dispose();
    }

    private double Run(IReadOnlyList<TrainingDocument> documents, Func<FusedBackpropagation, IReadOnlyList<TrainingDocument>, float, FusedWorkspace, double> compute)
    {
        var batches = Group(documents);
        var share = 1f / Math.Max(documents.Sum(document => document.TargetCount), 1);
        var losses = new double[batches.Count];
        Parallel.For(0, Lanes, new ParallelOptions { MaxDegreeOfParallelism = threads }, lane =>
        {
            set_num_threads(1);     // a setting of the thread, not of the process
            if (!workspaces.TryTake(out var workspace))
                workspace = new FusedWorkspace(model.Config, rotary.Positions);
            for (var i = lane; i < batches.Count; i += Lanes)
                losses[i] = compute(lanes[lane], batches[i], share, workspace);
            workspaces.Add(workspace);
        });
        set_num_threads(1);
        return losses.Sum();
    }

    private FusedBackpropagation[] MakeLanes() => [.. Enumerable.Range(0, Lanes).Select(_ => new FusedBackpropagation(model, rotary))];

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

    /// <summary>Runs of neighbouring documents, of about equal size; at least one a lane where there are enough.</summary>
    private static List<List<TrainingDocument>> Group(IReadOnlyList<TrainingDocument> documents)
    {
        var tokens = documents.Sum(document => document.Tokens.Length);
        var rounds = Math.Max(1, (tokens + Lanes * TokensAtOnce - 1) / (Lanes * TokensAtOnce));
        var wanted = Math.Min(TokensAtOnce, (tokens + rounds * Lanes - 1) / (rounds * Lanes));
        var groups = new List<List<TrainingDocument>>();
        var room = 0;
        foreach (var document in documents)
        {
            if (room < document.Tokens.Length)
            {
                groups.Add([]);
                room = Math.Max(TokensAtOnce, document.Tokens.Length);
            }
            groups[^1].Add(document);
            room -= document.Tokens.Length;
            if (TokensAtOnce - room >= wanted)
                room = 0;
        }
        return groups;
    }
}
