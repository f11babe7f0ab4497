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
/// would weigh tokens of sparse ones more.
/// </remarks>
internal sealed class TrainingLoop : IDisposable
{
    private readonly TransformerModel model;
    private readonly OptimizerSettings settings;
    private readonly AdamW optimizer;
    private readonly IStepGradient gradient;

    /// <param name="gradient">Of the same model; disposed with the loop.</param>
    public TrainingLoop(TransformerModel model, OptimizerSettings settings, IStepGradient gradient)
    {
        this.model = model;
        this.settings = settings;
        this.gradient = gradient;
        using var scope = NewDisposeScope();
        optimizer = new AdamW(model.Weights, settings.DecayVectors ? model.Layout.Elements : model.Layout.MatrixElements)
        {
            Beta1 = settings.Beta1,
            Beta2 = settings.Beta2,
            WeightDecay = settings.WeightDecay,
        };
    }

    /// <param name="threads">CPU threads.</param>
    public TrainingLoop(TransformerModel model, OptimizerSettings settings, int threads)
        : this(model, settings, model.Layout.Elements <= LanedGradient.LargestModel ? new LanedGradient(model, threads) : new AutogradGradient(model, threads))
    {
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
            Steps = steps.Count,
            Tokens = tokens,
            ResponseTokens = targets,
            SkippedTooLong = 0,
            FirstLossNats = first,
            FinalLossNats = last,
        };
    }

    /// <returns>The loss before the update, in nats per target token, and the L2 norm of the gradient before clipping; 0 where no document has a target.</returns>
    public (double Loss, double? GradientNorm) Take(TrainingStep step)
    {
        using var scope = NewDisposeScope();
        var loss = gradient.Compute(step.Documents);
        if (!double.IsFinite(loss))
            return (loss, null);        // the weights stay as they were
        var sum = gradient.Sum;
        double? norm = null;
        if (settings.ClipNorm > 0)
        {
            norm = sum.norm().item<float>();
            if (norm > settings.ClipNorm)
            {
                using Scalar shrink = settings.ClipNorm / (norm.Value + 1e-6);
                sum.mul_(shrink);
            }
        }
        optimizer.Step(sum, step.LearningRate);
        return (loss, norm);
    }

    public void Dispose()
    {
        optimizer.Dispose();
        gradient.Dispose();
    }
}
