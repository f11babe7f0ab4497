using Agora.Experiments;
using Agora.LanguageModels;
using Agora.Students.ChatTemplates;

namespace Agora.Students.Inference;

/// <summary>Rewards by a sequence-classification checkpoint (as Skywork-Reward-Llama-3.1-8B), read at the last token of the conversation in the model's own chat format.</summary>
/// <param name="engine">The caller disposes it.</param>
public sealed class EmbeddedRewardModel(InferenceEngine engine) : IRewardModel
{
    private const int InFlight = 256;

    private readonly ChatTemplate template = ChatTemplate.Load(engine.Folder);

    /// <exception cref="AgoraException">The model has no score head.</exception>
    /// <exception cref="PromptRefusedException">A conversation is longer than the model's context.</exception>
    public async Task<IReadOnlyList<float>> ScoreAsync(IReadOnlyList<(string Instruction, string Response)> pairs, CancellationToken cancellationToken)
    {
        var scores = new float[pairs.Count];
        // A bounded number at once, so that 10⁵ pairs do not all wait in memory as tokens.
        await Parallel.ForAsync(0, pairs.Count, new ParallelOptions { MaxDegreeOfParallelism = InFlight, CancellationToken = cancellationToken }, async (place, stop) =>
        {
            var rendered = template.Render([new ChatTurn("user", pairs[place].Instruction), new ChatTurn("assistant", pairs[place].Response)], addGenerationPrompt: false);
            var tokens = engine.Tokenizer.Encode(rendered, addSpecialTokens: false);
            if (tokens.Length > engine.Config.MaxPositions)
                throw new PromptRefusedException($"the conversation has {tokens.Length} tokens, the model's context is {engine.Config.MaxPositions}");
            scores[place] = await engine.ScoreAsync(tokens, stop);
        });
        return scores;
    }
}
