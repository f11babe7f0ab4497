using TorchSharp;
using static TorchSharp.torch;

namespace Agora.Students.Training;

/// <summary>Gradients by torch's own differentiation, one micro-batch after another: for models whose single operations are large enough to be split over threads.</summary>
internal sealed class AutogradGradient : IStepGradient
{
    private readonly TransformerModel model;
    private readonly int threads;
    private readonly Tensor leaf;

    public AutogradGradient(TransformerModel model, int threads)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threads);
        this.model = model;
        this.threads = threads;
        using var scope = NewDisposeScope();
        leaf = model.NewLeaf().DetachFromDisposeScope();
        leaf.grad = zeros_like(model.Weights);
        Sum = leaf.grad!.DetachFromDisposeScope();
    }

    public Tensor Sum { get; }

    public double Compute(IReadOnlyList<TrainingDocument> documents)
    {
        set_num_threads(threads);
        using var scope = NewDisposeScope();
        Sum.zero_();
        using Scalar share = 1.0 / Math.Max(documents.Sum(document => document.TargetCount), 1);
        var sum = 0.0;
        foreach (var batch in MicroBatch.Arrange(documents))
            sum += Add(batch, share);
        return sum;
    }

    public double Loss(IReadOnlyList<TrainingDocument> documents)
    {
        set_num_threads(threads);
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var sum = 0.0;
        foreach (var batch in MicroBatch.Arrange(documents))
        {
            using var inner = NewDisposeScope();
            using var input = batch.ToInput(model.Config);
            sum += Loss(model, leaf, batch, input).item<float>();
        }
        return sum / Math.Max(documents.Sum(document => document.TargetCount), 1);
    }

    public void Dispose()
    {
        Sum.Dispose();
        leaf.Dispose();
    }

    private double Add(MicroBatch batch, Scalar share)
    {
        using var scope = NewDisposeScope();
        using var input = batch.ToInput(model.Config);
        var loss = Loss(model, leaf, batch, input).mul(share);
        loss.backward();
        return loss.item<float>();
    }

    /// <returns>float32 scalar []: the summed cross-entropy of the batch's targets in nats; lives in the surrounding scope.</returns>
    private static Tensor Loss(TransformerModel model, Tensor leaf, MicroBatch batch, ModelInput input)
    {
        var (places, targets) = batch.ToTargets();
        var pieces = model.Split(leaf);
        var hidden = model.Hidden(pieces, input).flatten(0, 1).index_select(0, tensor(places));     // [targets, hidden]: the head is computed only where it counts
        return nn.functional.cross_entropy(TransformerModel.Project(pieces, hidden), tensor(targets), reduction: nn.Reduction.Sum);
    }
}
