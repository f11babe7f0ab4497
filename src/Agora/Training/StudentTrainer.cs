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
}

public readonly record struct TrainingProgress(int Step, int Steps, double LossNats, long Tokens);

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
}

/// <summary>Fine-tunes a student on instruction-response pairs.</summary>
public interface IStudentTrainer
{
    /// <summary>Changes when the same request would give other weights; part of the step's key.</summary>
    string Version { get; }

    /// <exception cref="AgoraException">No token to learn from, all rows too long, or all rows equal.</exception>
    Task<TrainingSummary> TrainAsync(TrainingRequest request, IProgress<TrainingProgress> progress, CancellationToken cancellationToken);
}
