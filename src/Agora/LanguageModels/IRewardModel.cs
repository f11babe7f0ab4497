namespace Agora.LanguageModels;

/// <summary>How good a model holds given responses: one scalar each, in the model's own unit.</summary>
public interface IRewardModel
{
    /// <returns>One reward per pair, in their order.</returns>
    Task<IReadOnlyList<float>> ScoreAsync(IReadOnlyList<(string Instruction, string Response)> pairs, CancellationToken cancellationToken);
}
