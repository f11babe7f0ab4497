using System.Globalization;
using Agora.Experiments;
using Agora.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Agora.Students.Training;

/// <summary>One update of the weights: the documents it learns from, and the learning rate.</summary>
internal sealed record TrainingStep(IReadOnlyList<TrainingDocument> Documents, double LearningRate);

internal sealed record OptimizerSettings
{
    public double Beta1 { get; init; } = 0.9;
    public double Beta2 { get; init; } = 0.999;
    public double WeightDecay { get; init; } = 0.01;
    /// <summary>Norms and biases decay too, as in torch.optim.AdamW without parameter groups.</summary>
    public bool DecayVectors { get; init; } = true;
    /// <summary>0 turns clipping off.</summary>
    public double ClipNorm { get; init; }
}

/// <summary>Takes training steps: loss, gradients, clipping, AdamW.</summary>
/// <remarks>
/// The loss of a step is the sum over its target tokens divided by their number in the whole step, whatever the micro-batches: the mean of micro-batch means
/// would weigh tokens of sparse ones more. Micro-batches go to a fixed number of lanes, each with a gradient of its own, and each lane computes with one
/// thread; the lanes' gradients are summed in order. So small models use several cores without the cost of splitting small operations, and the
/// weights do not depend on how many threads there are.
/// </remarks>
internal sealed class TrainingLoop : IDisposable
{
    private const int MostLanes = 4;
    // Above this, a gradient per lane costs too much memory, and single operations are large enough to be split.
    private const long LargestLanedModel = 50_000_000;

    private readonly TransformerModel model;
    private readonly OptimizerSettings settings;
    private readonly int threads;
    private readonly AdamW optimizer;
    private readonly Tensor[] leaves;

    public TrainingLoop(TransformerModel model, OptimizerSettings settings, int threads)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threads);
        this.model = model;
        this.settings = settings;
        this.threads = threads;
        optimizer = new AdamW(model.Weights, settings.DecayVectors ? model.Layout.Elements : model.Layout.MatrixElements)
        {
            Beta1 = settings.Beta1, Beta2 = settings.Beta2, WeightDecay = settings.WeightDecay,
        };
        using var scope = NewDisposeScope();
        leaves = new Tensor[model.Layout.Elements <= LargestLanedModel ? MostLanes : 1];
        for (var lane = 0; lane < leaves.Length; lane++)
            leaves[lane] = model.NewLeaf().DetachFromDisposeScope();
    }

    /// <summary>Runs on the calling thread, whose number of torch threads it sets.</summary>
    /// <exception cref="AgoraException">The loss is no longer a number.</exception>
    public TrainingSummary Run(IReadOnlyList<TrainingStep> steps, IProgress<TrainingProgress> progress, CancellationToken cancellationToken)
    {
        double first = 0, last = 0;
        long tokens = 0, targets = 0;
        for (var i = 0; i < steps.Count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var (loss, _) = Take(steps[i]);
            if (!double.IsFinite(loss))
            {
                throw new AgoraException(
                    string.Create(CultureInfo.InvariantCulture, $"the training loss became {loss} after {i} of {steps.Count} steps (it was {last:G4} before)"),
                    $"step {i + 1}, learning rate {steps[i].LearningRate.ToString("G3", CultureInfo.InvariantCulture)}",
                    "lower the learning rate, or clip gradients (clipNorm: 1)");
            }
            last = loss;
            if (i == 0)
                first = loss;
            tokens += steps[i].Documents.Sum(document => (long)document.Tokens.Length);
            targets += steps[i].Documents.Sum(document => (long)document.TargetCount);
            progress.Report(new TrainingProgress(i + 1, steps.Count, loss, tokens));
        }
        return new TrainingSummary
        {
            Steps = steps.Count, Tokens = tokens, ResponseTokens = targets, SkippedTooLong = 0, FirstLossNats = first, FinalLossNats = last,
        };
    }

    /// <returns>The loss before the update, in nats per target token, and the L2 norm of the gradient before clipping; 0 where no document has a target.</returns>
    public (double Loss, double? GradientNorm) Take(TrainingStep step)
    {
        var loss = AddGradients(step.Documents);
        if (!double.IsFinite(loss))
            return (loss, null);        // the weights stay as they were
        using var scope = NewDisposeScope();
        var gradient = leaves[0].grad!;
        double? norm = null;
        if (settings.ClipNorm > 0)
        {
            norm = gradient.norm().item<float>();
            if (norm > settings.ClipNorm)
            {
                using Scalar shrink = settings.ClipNorm / (norm.Value + 1e-6);
                gradient.mul_(shrink);
            }
        }
        optimizer.Step(gradient, step.LearningRate);
        return (loss, norm);
    }

    /// <summary>Leaves the whole step's gradient in the first lane.</summary>
    private double AddGradients(IReadOnlyList<TrainingDocument> documents)
    {
        using var scope = NewDisposeScope();
        foreach (var leaf in leaves)
            leaf.grad?.zero_();
        var batches = MicroBatch.Arrange(documents);
        var stepTargets = batches.Sum(batch => batch.Targets);
        var losses = new double[batches.Count];
        var lanes = Math.Min(leaves.Length, batches.Count);
        if (leaves.Length == 1)
        {
            set_num_threads(threads);
            RunLane(0);
        }
        else
        {
            Parallel.For(0, lanes, new ParallelOptions { MaxDegreeOfParallelism = Math.Min(threads, lanes) }, RunLane);
            set_num_threads(1);
        }
        for (var lane = 1; lane < lanes; lane++)
            leaves[0].grad!.add_(leaves[lane].grad!, HeldScalars.One);
        return losses.Sum();

        void RunLane(int lane)
        {
            if (leaves.Length > 1)
                set_num_threads(1);     // a setting of the thread, not of the process
            for (var i = lane; i < batches.Count; i += leaves.Length)
                losses[i] = AddGradient(leaves[lane], batches[i], stepTargets);
        }
    }

    private double AddGradient(Tensor leaf, MicroBatch batch, int stepTargets)
    {
        using var scope = NewDisposeScope();
        using var input = batch.ToInput(model.Config);
        using Scalar share = 1.0 / Math.Max(stepTargets, 1);
        var loss = Loss(model, leaf, batch, input).mul(share);
        loss.backward();
        return loss.item<float>();
    }

    /// <returns>float32 scalar []: the summed cross-entropy of the batch's targets in nats; lives in the surrounding scope.</returns>
    internal static Tensor Loss(TransformerModel model, Tensor leaf, MicroBatch batch, ModelInput input)
    {
        var (places, targets) = batch.ToTargets();
        var pieces = model.Split(leaf);
        var hidden = model.Hidden(pieces, input).flatten(0, 1).index_select(0, tensor(places));     // [targets, hidden]: the head is computed only where it counts
        return nn.functional.cross_entropy(TransformerModel.Project(pieces, hidden), tensor(targets), reduction: nn.Reduction.Sum);
    }

    public void Dispose()
    {
        optimizer.Dispose();
        foreach (var leaf in leaves)
        {
            leaf.grad?.Dispose();       // a second handle on the same memory
            leaf.Dispose();
        }
    }
}
