using System.Diagnostics;
using System.Globalization;
using Agora.Experiments;
using Agora.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Agora.Students.Training;

/// <summary>One update of the weights: the documents it learns from, and the learning rate.</summary>
internal sealed record TrainingStep(IReadOnlyList<TrainingDocument> Documents, double LearningRate)
{
    /// <summary>From 0.</summary>
    public int Epoch { get; init; }
}

internal sealed record OptimizerSettings
{
    public double Beta1 { get; init; } = 0.9;
    public double Beta2 { get; init; } = 0.999;
    /// <summary>Added to the root of the second moment, after its correction.</summary>
    public double Epsilon { get; init; } = 1e-8;
    public double WeightDecay { get; init; } = 0.01;
    /// <summary>Norms and biases decay too, as in torch.optim.AdamW without parameter groups.</summary>
    public bool DecayVectors { get; init; } = true;
    /// <summary>0 turns clipping off.</summary>
    public double ClipNorm { get; init; }
    /// <summary>Where the weights are bfloat16.</summary>
    public Bfloat16Update Bfloat16 { get; init; }
    /// <summary>Of the random numbers that stochastic rounding draws.</summary>
    public long RoundingSeed { get; init; }
    /// <summary>See <see cref="AdamW.Threads"/>; float32 on the CPU.</summary>
    public int? UpdateThreads { get; init; }
}

/// <summary>Everything that one training does, decided before the first step.</summary>
internal sealed record TrainingSession
{
    public required IReadOnlyList<TrainingStep> Steps { get; init; }
    /// <summary>Documents whose loss is measured before the first step and after each epoch.</summary>
    public IReadOnlyList<TrainingDocument> HeldOut { get; init; } = [];
    /// <summary>Where the training goes on from and leaves its state; null for one that cannot be interrupted.</summary>
    public TrainingCheckpoint? Checkpoint { get; init; }
    public double CheckpointSeconds { get; init; } = double.PositiveInfinity;
    public int? CheckpointSteps { get; init; }
    public long Seed { get; init; }
    public Action<string>? Notice { get; init; }
}

/// <summary>Takes training steps: loss, gradients, clipping, AdamW.</summary>
/// <remarks>
/// The loss of a step is the sum over its target tokens divided by their number in the whole step, whatever the micro-batches: the mean of micro-batch means
/// would weigh tokens of sparse ones more.
/// </remarks>
internal sealed class TrainingLoop : IDisposable
{
    // A checkpoint by time waits at least this many times as long as the last one took to write.
    private const int LeastCheckpointPause = 20;
    private const int RowsNamed = 64;

    private readonly TransformerModel model;
    private readonly OptimizerSettings settings;
    private readonly IOptimizer optimizer;
    private readonly IStepGradient gradient;

    /// <param name="gradient">Of the same model; disposed with the loop.</param>
    public TrainingLoop(TransformerModel model, OptimizerSettings settings, IStepGradient gradient)
    {
        this.model = model;
        this.settings = settings;
        this.gradient = gradient;
        using var scope = NewDisposeScope();
        var decayed = settings.DecayVectors || model.Adapters is not null ? Trained.numel() : model.Layout.MatrixElements;
        optimizer = Trained.dtype == ScalarType.BFloat16 ? new Bfloat16AdamW(Trained, decayed, settings) : new AdamW(Trained, decayed)
        {
            Beta1 = settings.Beta1,
            Beta2 = settings.Beta2,
            Epsilon = settings.Epsilon,
            WeightDecay = settings.WeightDecay,
            Threads = settings.UpdateThreads,
        };
    }

    private Tensor Trained => model.Adapters?.Values ?? model.Weights;

    /// <summary>Runs on the calling thread, whose number of torch threads it sets.</summary>
    /// <exception cref="AgoraException">The loss is no longer a number, or rises; a checkpoint cannot be written.</exception>
    public TrainingSummary Run(TrainingSession session, IProgress<TrainingProgress> progress, CancellationToken cancellationToken)
    {
        var steps = session.Steps;
        var losses = new List<StepLoss>();
        var heldOut = new List<double>();
        var rising = new RisingLoss();
        var pause = new CheckpointPause(session);
        Restore(session, losses, heldOut, rising);
        var tokens = steps.Take(losses.Count).Sum(Tokens);
        if (heldOut.Count == 0 && session.HeldOut.Count > 0)
            heldOut.Add(gradient.Loss(session.HeldOut));
        var (saved, earlier) = (losses.Count, tokens);
        for (var i = losses.Count; i < steps.Count; i++)
        {
            if (cancellationToken.IsCancellationRequested)
            {
                if (i > saved)
                    Save();
                cancellationToken.ThrowIfCancellationRequested();
            }
            var (loss, _) = Take(steps[i]);
            if (!double.IsFinite(loss))
                throw NotANumber(steps, i, loss, losses);
            losses.Add(new StepLoss(i + 1, steps[i].Epoch + 1, loss, steps[i].LearningRate));
            if (rising.Add(i, loss, step => gradient.Loss(steps[step].Documents)))
                throw Rising(steps, i, rising);
            if (session.HeldOut.Count > 0 && (i + 1 == steps.Count || steps[i + 1].Epoch > steps[i].Epoch))
                heldOut.Add(gradient.Loss(session.HeldOut));
            tokens += Tokens(steps[i]);
            progress.Report(new TrainingProgress(i + 1, steps.Count, loss, tokens));
            if (i + 1 < steps.Count && pause.IsOver(i + 1))
                Save();
        }
        CheckWeights();
        return new TrainingSummary
        {
            Steps = steps.Count,
            Tokens = tokens,
            TokensHere = tokens - earlier,
            ResponseTokens = steps.Sum(step => step.Documents.Sum(document => (long)document.TargetCount)),
            SkippedTooLong = 0,
            FirstLossNats = losses is [var first, ..] ? first.LossNats : 0,
            FinalLossNats = losses is [.., var final] ? final.LossNats : 0,
            HeldOut = session.HeldOut.Count > 0 ? new HeldOutLoss(session.HeldOut.Count, [.. heldOut]) : null,
            Losses = [.. losses],
        };

        void Save()
        {
            if (session.Checkpoint is not { } checkpoint)
                return;
            pause.Measure(() => checkpoint.Save(
                new TrainingPosition { Key = checkpoint.Key, Steps = losses.Count, Seed = session.Seed, Losses = [.. losses], HeldOutLosses = [.. heldOut], Rising = rising.Reference }, State()));
            saved = losses.Count;
        }
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
            norm = NormOf(sum);
            if (norm > settings.ClipNorm)
            {
                using Scalar shrink = settings.ClipNorm / (norm.Value + 1e-6);
                sum.mul_(shrink);
            }
        }
        optimizer.Step(sum, step.LearningRate);
        return (loss, norm);
    }

    // In float32 whatever the gradient's type, and without a copy of all of it.
    private static double NormOf(Tensor gradient)
    {
        if (gradient.dtype == ScalarType.Float32)
            return gradient.norm().item<float>();
        const long chunk = 1 << 24;
        using var scope = NewDisposeScope();
        var squares = zeros([], float64, gradient.device);
        for (long first = 0; first < gradient.numel(); first += chunk)
        {
            using var inner = NewDisposeScope();
            var norm = gradient.narrow(0, first, Math.Min(chunk, gradient.numel() - first)).to(float32).norm().to(float64);
            squares.add_(norm * norm, HeldScalars.One);
        }
        return Math.Sqrt(squares.item<double>());
    }

    /// <exception cref="AgoraException">A weight is no number.</exception>
    private void CheckWeights()
    {
        using var noGradient = no_grad();
        var faults = new List<string>();
        foreach (var place in model.Layout.Places)
        {
            using var scope = NewDisposeScope();
            if (!model.Weights.narrow(0, place.Offset, place.Elements).isfinite().all().item<bool>())
                faults.Add(place.Name);
        }
        if (model.Adapters is { } adapters)
        {
            using var scope = NewDisposeScope();
            if (!adapters.Values.isfinite().all().item<bool>())
                faults.Add("the LoRA adapters");
        }
        if (faults.Count > 0)
        {
            throw new AgoraException(
                $"{faults.Count} of {model.Layout.Places.Count() + (model.Adapters is null ? 0 : 1)} tensors hold weights that are no finite numbers: {string.Join(", ", faults.Take(8))}{(faults.Count > 8 ? ", …" : "")}",
                $"the model after step {optimizer.Steps}", "lower recipe.learningRate, or clip gradients (recipe.clipNorm: 1)");
        }
    }

    public void Dispose()
    {
        optimizer.Dispose();
        gradient.Dispose();
    }

    private static long Tokens(TrainingStep step) => step.Documents.Sum(document => (long)document.Tokens.Length);

    private List<(string Name, Tensor Values)> State() => [(model.Adapters is null ? "weights" : "adapters", Trained), .. optimizer.State];

    private void Restore(TrainingSession session, List<StepLoss> losses, List<double> heldOut, RisingLoss rising)
    {
        if (session.Checkpoint?.TryLoad(State(), session.Notice ?? (_ => { })) is not { } position)
            return;
        if (position.Seed != session.Seed || position.Steps > session.Steps.Count)
        {
            throw new AgoraException("a checkpoint with the right key belongs to another plan of steps", session.Checkpoint.Path, "remove the file to train from the start");
        }
        optimizer.Steps = position.Steps;
        losses.AddRange(position.Losses);
        heldOut.AddRange(position.HeldOutLosses);
        rising.Restore(losses.Select(loss => loss.LossNats), position.Rising);
        session.Notice?.Invoke($"goes on after step {position.Steps} of {session.Steps.Count}");
    }

    private AgoraException NotANumber(IReadOnlyList<TrainingStep> steps, int index, double loss, List<StepLoss> losses)
    {
        // A row that is no number on its own is to blame; if all are, the weights are.
        var documents = steps[index].Documents;
        var guilty = documents.Where(document => document.TargetCount > 0 && !double.IsFinite(gradient.Loss([document]))).ToList();
        var before = losses is [.., var last] ? string.Create(CultureInfo.InvariantCulture, $"; it was {last.LossNats:G4} at the step before") : "";
        var blame = guilty.Count == documents.Count(document => document.TargetCount > 0) ? "every row of the batch gives none, so the weights have run away"
            : guilty.Count == 0 ? "each row alone gives a number"
            : $"{RowsOf(guilty)} alone give none";
        return new AgoraException(
            string.Create(CultureInfo.InvariantCulture, $"the training loss became {loss} at step {index + 1} of {steps.Count}{before}; {blame}"), Where(steps, index),
            "lower recipe.learningRate, or clip gradients (recipe.clipNorm: 1); look at the rows named");
    }

    private static AgoraException Rising(IReadOnlyList<TrainingStep> steps, int index, RisingLoss rising) => new(
        string.Create(CultureInfo.InvariantCulture,
            $"the training loss rises: {rising.MeanNats:G4} nats on average over the last {RisingLoss.Window} steps, {rising.Reference.MeanNats:G4} up to step {rising.Reference.Step + 1}, whose rows have become worse, too"),
        Where(steps, index), "lower recipe.learningRate, warm up longer (recipe.warmupSteps), or clip gradients (recipe.clipNorm: 1)");

    private static string Where(IReadOnlyList<TrainingStep> steps, int index) => string.Create(CultureInfo.InvariantCulture,
        $"step {index + 1} of {steps.Count}, batch {index - steps.TakeWhile(step => step.Epoch < steps[index].Epoch).Count() + 1} of epoch {steps[index].Epoch + 1}, learning rate {steps[index].LearningRate:G3}, {RowsOf(steps[index].Documents)}");

    private static string RowsOf(IReadOnlyList<TrainingDocument> documents)
    {
        var rows = documents.SelectMany(document => document.Rows).Distinct().Order().ToArray();
        return rows.Length == 0 ? $"{documents.Count} documents"
            : $"rows {string.Join(", ", rows.Take(RowsNamed))}{(rows.Length > RowsNamed ? $" and {rows.Length - RowsNamed} more" : "")} (from 0)";
    }

    /// <summary>When the next checkpoint is due.</summary>
    private sealed class CheckpointPause(TrainingSession session)
    {
        private long since = Stopwatch.GetTimestamp();
        private TimeSpan least;

        public bool IsOver(int step) => session.Checkpoint is not null
            && (step % (session.CheckpointSteps ?? int.MaxValue) == 0 || Stopwatch.GetElapsedTime(since) is var elapsed && elapsed.TotalSeconds >= session.CheckpointSeconds && elapsed >= least);

        public void Measure(Action save)
        {
            var start = Stopwatch.GetTimestamp();
            save();
            since = Stopwatch.GetTimestamp();
            least = LeastCheckpointPause * Stopwatch.GetElapsedTime(start, since);
        }
    }
}
