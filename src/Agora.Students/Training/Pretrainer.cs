using Agora.Experiments;
using Agora.Students.Checkpoints;
using Agora.Training;

namespace Agora.Students.Training;

/// <summary>How a model is trained on ready token sequences.</summary>
public sealed record PretrainingRecipe
{
    public int Epochs { get; init; } = 1;
    public double LearningRate { get; init; } = 1e-3;
    public DecayShape Decay { get; init; } = DecayShape.Cosine;
    /// <summary>Share of the peak learning rate that the last step has.</summary>
    public double FinalLearningRateShare { get; init; } = 0.1;
    public int WarmupSteps { get; init; }
    public double WeightDecay { get; init; } = 0.1;
    public double Beta2 { get; init; } = 0.95;
    /// <summary>0 turns clipping off.</summary>
    public double ClipNorm { get; init; } = 1;
    /// <summary>Tokens per sequence; with isolated packing also the longest document.</summary>
    public int SequenceLength { get; init; } = 256;
    public int SequencesPerStep { get; init; } = 16;
    /// <summary>Plain: the documents are one stream, cut into sequences. Isolated: each document sees only itself.</summary>
    public Packing Packing { get; init; } = Packing.Isolated;
}

public sealed record PretrainingRequest
{
    /// <summary>A new model, initialised from the seed; exclusive with <see cref="StartFolder"/>.</summary>
    public TransformerConfig? NewModel { get; init; }
    /// <summary>Hugging Face folder of a model to go on from.</summary>
    public string? StartFolder { get; init; }
    /// <summary>Without any special token added: what begins and ends a document is for the caller to put in.</summary>
    public required IReadOnlyList<TrainingDocument> Documents { get; init; }
    public required PretrainingRecipe Recipe { get; init; }
    /// <summary>Initial weights and order of the documents.</summary>
    public required long Seed { get; init; }
    /// <summary>Existing or not; becomes a Hugging Face folder. The tokenizer's files are carried along from <see cref="StartFolder"/> or <see cref="TokenizerFolder"/>.</summary>
    public required string OutputFolder { get; init; }
    public string? TokenizerFolder { get; init; }
    /// <summary>Type that the weights are stored in; they are trained in float32.</summary>
    public FloatType StoredType { get; init; } = FloatType.F32;
}

/// <summary>Trains a language model on token sequences, from random weights or from a checkpoint.</summary>
/// <param name="threads">CPU threads; the weights do not depend on it below 50 million parameters.</param>
public sealed class Pretrainer(int threads)
{
    /// <exception cref="AgoraException">No document with a token to learn from, a document longer than the sequence length, or a loss that is no longer a number.</exception>
    public Task<TrainingSummary> TrainAsync(PretrainingRequest request, IProgress<TrainingProgress> progress, CancellationToken cancellationToken) =>
        // A thread of its own: torch keeps the number of threads, and the scopes that dispose tensors, per thread.
        Task.Factory.StartNew(() => Train(request, progress, cancellationToken), cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private TrainingSummary Train(PretrainingRequest request, IProgress<TrainingProgress> progress, CancellationToken cancellationToken)
    {
        Check(request);
        var recipe = request.Recipe;
        var random = new RandomStreams(request.Seed);
        using var model = Start(request, random);
        var plan = TrainingPlan.Make(request.Documents, recipe.Epochs, recipe.SequenceLength, recipe.Packing, recipe.SequencesPerStep, random);
        var steps = plan.Select((step, i) => new TrainingStep(
            step.Documents,
            recipe.LearningRate * LearningRateSchedule.Share(i, plan.Count, recipe.WarmupSteps, recipe.Decay, recipe.FinalLearningRateShare))
        { Epoch = step.Epoch }).ToList();
        var settings = new OptimizerSettings { Beta2 = recipe.Beta2, WeightDecay = recipe.WeightDecay, DecayVectors = false, ClipNorm = recipe.ClipNorm };
        // Without sharing: the embedded models are rebuilt to the last byte.
        IStepGradient gradient = model.Layout.Elements <= LanedGradient.LargestModel ? new LanedGradient(model, threads, sharing: false) : new AutogradGradient(model, threads);
        using var loop = new TrainingLoop(model, settings, gradient);
        var summary = loop.Run(new TrainingSession { Steps = steps }, progress, cancellationToken);
        Save(request, model);
        return summary;
    }

    private static void Check(PretrainingRequest request)
    {
        if (request.NewModel is null == request.StartFolder is null)
            throw new ArgumentException("give either a new model or a folder to start from", nameof(request));
        if (!request.Documents.Any(document => document.TargetCount > 0))
            throw new AgoraException("there is no token to learn from", request.OutputFolder, "give documents of at least two tokens, with at least one that counts in the loss");
        var longest = request.Documents.Max(document => document.Tokens.Length);
        if (request.Recipe.Packing == Packing.Isolated && longest > request.Recipe.SequenceLength)
            throw new AgoraException($"a document has {longest} tokens; the sequence length is {request.Recipe.SequenceLength}", request.OutputFolder, "raise the sequence length, cut the document, or pack plainly");
    }

    private static TransformerModel Start(PretrainingRequest request, RandomStreams random)
    {
        if (request.NewModel is { } config)
            return TransformerModel.Initialise(config, random.For("initial weights"));
        using var checkpoint = CheckpointFolder.Open(request.StartFolder!);
        return TransformerModel.Load(checkpoint);
    }

    private static void Save(PretrainingRequest request, TransformerModel model)
    {
        var tensors = model.TensorsToSave(request.StoredType);
        if (request.StartFolder is { } source)
            CheckpointWriter.SaveLike(source, request.OutputFolder, tensors);
        else
            CheckpointWriter.SaveNew(model.Config, request.OutputFolder, tensors);
        if (request.TokenizerFolder is { } tokenizer)
            CheckpointWriter.CarryAlong(tokenizer, request.OutputFolder);
    }
}
