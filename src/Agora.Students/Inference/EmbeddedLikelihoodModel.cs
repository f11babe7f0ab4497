using Agora.LanguageModels;
using Agora.Students.ChatTemplates;
using Agora.Students.Tokenization;

namespace Agora.Students.Inference;

/// <summary>How likely a model holds given responses, in its own chat format.</summary>
/// <param name="engine">The caller disposes it.</param>
/// <param name="systemMessage">Put before each instruction; null where there is none.</param>
public sealed class EmbeddedLikelihoodModel(InferenceEngine engine, string? systemMessage) : ILikelihoodModel
{
    private readonly ChatTemplate template = ChatTemplate.Load(engine.Folder);

    /// <returns>One loss per token of the response's text; the end-of-turn token is not part of it. Empty for an empty response.</returns>
    /// <exception cref="PromptRefusedException">A conversation is longer than the model's context, or a response holds nothing but special tokens.</exception>
    public async Task<IReadOnlyList<float[]>> TokenLossesAsync(IReadOnlyList<(string Instruction, string Response)> pairs, CancellationToken cancellationToken)
    {
        // A bounded number at once, so that 10⁵ pairs do not all wait in memory as tokens.
        var losses = new float[pairs.Count][];
        await Parallel.ForAsync(0, pairs.Count, new ParallelOptions { MaxDegreeOfParallelism = 256, CancellationToken = cancellationToken }, async (i, stop) =>
        {
            var (tokens, from) = Encode(pairs[i].Instruction, pairs[i].Response);
            losses[i] = await engine.TokenLossesAsync(tokens, from, stop);
        });
        return losses;
    }

    private (int[] Tokens, int From) Encode(string instruction, string response)
    {
        List<ChatTurn> turns = systemMessage is null ? [] : [new ChatTurn("system", systemMessage)];
        turns.Add(new ChatTurn("user", instruction));
        var prompt = engine.Tokenizer.Encode(template.Render(turns, addGenerationPrompt: true), addSpecialTokens: false);
        turns.Add(new ChatTurn("assistant", response));
        var tokens = engine.Tokenizer.Encode(template.Render(turns, addGenerationPrompt: false), addSpecialTokens: false);
        // Where a token spans the end of the prompt and the start of the response, it belongs to the response, as in training.
        var from = tokens.AsSpan().CommonPrefixLength(prompt);
        // The turn's end and what some templates write after it belong to the format.
        var end = tokens.Length;
        for (var i = tokens.Length - 1; i >= from; i--)
        {
            if (!engine.Tokenizer.IsSpecial(tokens[i]))
                continue;
            end = i;
            break;
        }
        if (end > engine.Config.MaxPositions)
            throw new PromptRefusedException($"the conversation has {end} tokens, the model's context is {engine.Config.MaxPositions}");
        if (from < end && Array.TrueForAll(tokens[from..end], engine.Tokenizer.IsSpecial))
            throw new PromptRefusedException("the response holds nothing but special tokens, whose likelihood says nothing about it");
        return (tokens[..end], from);
    }
}
