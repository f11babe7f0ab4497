using Agora.Students.ChatTemplates;
using Agora.Students.Tokenization;
using Agora.Students.Training;

namespace Agora.Nano.Corpora;

/// <summary>Conversations as token sequences, rendered and tokenised as they are when the models are asked.</summary>
internal sealed class ChatDocuments(Tokenizer tokenizer, ChatTemplate template)
{
    private readonly int beginOfText = Id(tokenizer, TrainedTokenizer.BeginOfText);
    private readonly int endOfText = Id(tokenizer, TrainedTokenizer.EndOfText);
    private readonly int endOfTurn = Id(tokenizer, TrainedTokenizer.EndOfTurn);

    /// <summary>A text on its own, without dialogue.</summary>
    public TrainingDocument Raw(string text) => new([beginOfText, .. tokenizer.Encode(text, addSpecialTokens: false), endOfText]);

    /// <summary>A conversation of one turn each.</summary>
    /// <param name="learnPrompt">Whether the loss counts the prompt's tokens too: what a generator is shown is of the kind that it is to write.</param>
    public TrainingDocument Chat(string system, string user, string answer, bool learnPrompt)
    {
        var prompt = tokenizer.Encode(template.Render([new ChatTurn("system", system), new ChatTurn("user", user)], addGenerationPrompt: true), addSpecialTokens: false);
        int[] tokens = [.. prompt, .. tokenizer.Encode(answer, addSpecialTokens: false), endOfTurn];
        if (learnPrompt)
            return new TrainingDocument(tokens);
        var targets = new bool[tokens.Length];
        targets.AsSpan(prompt.Length).Fill(true);
        return new TrainingDocument(tokens, targets);
    }

    private static int Id(Tokenizer tokenizer, string token) =>
        tokenizer.TokenId(token) ?? throw new InvalidOperationException($"the tokenizer of the embedded models lacks {token}");
}
