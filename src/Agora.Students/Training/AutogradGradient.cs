using TorchSharp;
using static TorchSharp.torch;

namespace Agora.Students.Training;

/// <summary>Gradients by torch's own differentiation, one micro-batch after another: for models whose single operations are large enough to be split over threads, and for devices.</summary>
/// <remarks>
/// With activation checkpointing a layer's inputs alone are kept from the forward pass (arXiv:1604.06174); its inner values are computed again when the backward pass comes to it. The gradient is the same, the
/// time a third more.
/// </remarks>
internal sealed class AutogradGradient : IStepGradient
{
    private readonly TransformerModel model;
    private readonly int threads;
    private readonly bool checkpointing;
    private readonly Dictionary<string, Tensor> pieces;
    private readonly List<Tensor> gradients = [];

    /// <param name="model">Its adapters are trained where it has some, else its weights.</param>
    /// <param name="threads">CPU threads.</param>
    /// <param name="checkpointing">Activation checkpointing.</param>
    public AutogradGradient(TransformerModel model, int threads, bool checkpointing = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threads);
        this.model = model;
        this.threads = threads;
        this.checkpointing = checkpointing;
        using var scope = NewDisposeScope();
        Sum = zeros_like(model.Adapters?.Values ?? model.Weights).DetachFromDisposeScope();
        pieces = model.Split(model.Weights);
        if (model.Adapters is { } adapters)
        {
            foreach (var (name, values) in adapters.Split(adapters.Values))
                pieces.Add(name, values);
            Collect(adapters.Split(Sum));
        }
        else
        {
            Collect(model.Split(Sum));
        }
        foreach (var piece in pieces.Values)
            piece.DetachFromDisposeScope();
    }

    public Tensor Sum { get; }

    public double Compute(IReadOnlyList<TrainingDocument> documents)
    {
        set_num_threads(threads);
        using var scope = NewDisposeScope();
        using (no_grad())
            Sum.zero_();
        using Scalar share = 1.0 / Math.Max(documents.Sum(document => document.TargetCount), 1);
        return Add(MicroBatch.Arrange(documents), (batch, input) => checkpointing ? AddCheckpointed(batch, input, share) : AddWhole(batch, input, share));
    }

    public double Loss(IReadOnlyList<TrainingDocument> documents)
    {
        set_num_threads(threads);
        using var noGradient = no_grad();
        return Add(MicroBatch.Arrange(documents), (batch, input) => Head(batch, model.Hidden(pieces, input))) / Math.Max(documents.Sum(document => document.TargetCount), 1);
    }

    public void Dispose()
    {
        foreach (var tensor in gradients.Concat(pieces.Values))
            tensor.Dispose();
        Sum.Dispose();
    }

    // Differentiation adds to a gradient that is there, in place; these are views of the whole one.
    private void Collect(Dictionary<string, Tensor> views)
    {
        foreach (var (name, view) in views)
        {
            pieces[name].requires_grad_(true);
            pieces[name].grad = view;
            gradients.Add(view.DetachFromDisposeScope());
        }
    }

    /// <summary>Sums losses on the device, so that they are waited for once.</summary>
    private double Add(List<MicroBatch> batches, Func<MicroBatch, ModelInput, Tensor> compute)
    {
        using var scope = NewDisposeScope();
        var losses = new List<Tensor>();
        foreach (var batch in batches.Where(batch => batch.Targets > 0))
        {
            using var inner = NewDisposeScope();
            using var input = batch.ToInput(model);
            losses.Add(compute(batch, input).detach().MoveToOuterDisposeScope());
        }
        return losses.Count == 0 ? 0 : stack(losses).to(float64).sum().item<double>();
    }

    private Tensor AddWhole(MicroBatch batch, ModelInput input, Scalar share)
    {
        var loss = Head(batch, model.Hidden(pieces, input)).mul(share);
        loss.backward();
        return loss;
    }

    private Tensor AddCheckpointed(MicroBatch batch, ModelInput input, Scalar share)
    {
        var inputs = new Tensor[model.Config.Layers + 1];
        using (no_grad())
        {
            inputs[0] = model.Embed(pieces, input);
            for (var layer = 0; layer < model.Config.Layers; layer++)
            {
                using var scope = NewDisposeScope();
                inputs[layer + 1] = model.Layer(pieces, layer, inputs[layer], input).MoveToOuterDisposeScope();
            }
        }
        Tensor loss, arriving;
        using (var scope = NewDisposeScope())
        {
            var last = inputs[^1].detach().requires_grad_(true);
            loss = Head(batch, model.FinalNorm(pieces, last)).mul(share);
            loss.backward();
            (loss, arriving) = (loss.detach().MoveToOuterDisposeScope(), last.grad!.MoveToOuterDisposeScope());
        }
        for (var layer = model.Config.Layers - 1; layer >= 0; layer--)
        {
            using var scope = NewDisposeScope();
            inputs[layer + 1].Dispose();
            var into = inputs[layer].detach().requires_grad_(true);
            model.Layer(pieces, layer, into, input).backward([arriving]);
            arriving.Dispose();
            arriving = into.grad!.MoveToOuterDisposeScope();
        }
        if (pieces["embedding"].requires_grad)
            model.Embed(pieces, input).backward([arriving]);
        return loss;
    }

    /// <param name="hidden">[B, T, hidden], normed.</param>
    /// <returns>float32 scalar []: the summed cross-entropy of the batch's targets in nats.</returns>
    private Tensor Head(MicroBatch batch, Tensor hidden)
    {
        var (places, targets) = batch.ToTargets();
        var device = model.Weights.device;
        var chosen = hidden.flatten(0, 1).index_select(0, tensor(places, device: device));     // [targets, hidden]: the head is computed only where it counts
        return nn.functional.cross_entropy(TransformerModel.Project(pieces, chosen).to(float32), tensor(targets, device: device), reduction: nn.Reduction.Sum);
    }
}
