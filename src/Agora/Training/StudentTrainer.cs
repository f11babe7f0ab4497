using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Agora.Experiments;

namespace Agora.Training;

/// <summary>A row of training data; the loss is taken on the response and its end-of-turn token only.</summary>
public sealed record TrainingPair(string Instruction, string Response);

public sealed record TrainingRequest
{
    /// <summary>Hugging Face folder of S_∅.</summary>
    public required string BaseModelFolder { get; init; }
    public required IReadOnlyList<TrainingPair> Data { get; init; }
    public required StudentRecipe Recipe { get; init; }
    /// <summary>Order of the data; the same seed gives the same weights on the same machine.</summary>
    public required long Seed { get; init; }
    /// <summary>An existing empty folder that becomes a Hugging Face folder.</summary>
    public required string OutputFolder { get; init; }
    /// <summary>Where an interrupted training goes on from; none are written where absent.</summary>
    public TrainingCheckpoints? Checkpoints { get; init; }
    /// <summary>Told what the user might wonder about, such as that training goes on from a checkpoint.</summary>
    public Action<string>? Notice { get; init; }
}

/// <summary>Where the state of an unfinished training is kept.</summary>
/// <param name="Folder">Made where it is missing; nobody else writes into it meanwhile. The caller removes it once the student is safe.</param>
/// <param name="Key">Names everything that decides the result; a checkpoint with another key is not used.</param>
public sealed record TrainingCheckpoints(string Folder, string Key);

public readonly record struct TrainingProgress(int Step, int Steps, double LossNats, long Tokens);

/// <summary>One optimiser step.</summary>
/// <param name="Step">From 1.</param>
/// <param name="LossNats">Mean over the step's response tokens, before the update.</param>
public readonly record struct StepLoss(int Step, int Epoch, double LossNats, double LearningRate);

/// <summary>Loss on rows that were not trained on.</summary>
/// <param name="Rows">How many there are.</param>
/// <param name="LossNats">Mean over their response tokens: before the first step, then after each epoch.</param>
public sealed record HeldOutLoss(int Rows, ImmutableArray<double> LossNats);

/// <summary>What training did.</summary>
public sealed record TrainingSummary
{
    public required int Steps { get; init; }
    public required long Tokens { get; init; }
    public required long ResponseTokens { get; init; }
    /// <summary>Rows longer than the recipe's maximum, left out.</summary>
    public required int SkippedTooLong { get; init; }
    public required double FirstLossNats { get; init; }
    public required double FinalLossNats { get; init; }
    /// <summary>Null where nothing was held out.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public HeldOutLoss? HeldOut { get; init; }
    /// <summary>Tokens that this process trained on; fewer than <see cref="Tokens"/> where it went on from a checkpoint.</summary>
    [JsonIgnore]
    public long TokensHere { get; init; }
    /// <summary>The loss curve, one entry a step.</summary>
    [JsonIgnore]
    public ImmutableArray<StepLoss> Losses { get; init; } = [];
}

/// <summary>Fine-tunes a student on instruction-response pairs.</summary>
public interface IStudentTrainer
{
    /// <summary>Changes when the same request would give other weights; part of the step's key.</summary>
    string Version { get; }

    /// <summary>The version as far as it depends on recipe and base model: devices round differently, and so may ways to compute that only some models take.</summary>
    /// <exception cref="AgoraException">The recipe names a device that is not there, or the base model cannot be read.</exception>
    string VersionFor(StudentRecipe recipe, string baseModelFolder) => Version;

    /// <exception cref="AgoraException">No token to learn from, all rows too long, all rows equal, too little memory, or a loss that is no number or rises.</exception>
    Task<TrainingSummary> TrainAsync(TrainingRequest request, IProgress<TrainingProgress> progress, CancellationToken cancellationToken);
}
