using Agora.Students.Tokenization;
using Agora.Training;

namespace Agora.Students.Training;

/// <summary>Turns an instruction-response pair into tokens in the student's chat format, with the response and its end-of-turn token as targets.</summary>
/// <param name="render">The model's chat template over (system, instruction, response); without a response, up to where the answer begins.</param>
internal sealed class SupervisedText(Tokenizer tokenizer, Func<string, string?, string> render)
{
    public TrainingDocument Encode(TrainingPair pair)
    {
        // Templates write the begin-of-sequence token themselves.
        var prompt = tokenizer.Encode(render(pair.Instruction, null), addSpecialTokens: false);
        var tokens = tokenizer.Encode(render(pair.Instruction, pair.Response), addSpecialTokens: false);
        // Where a token spans the end of the prompt and the start of the response, it belongs to the response.
        var start = tokens.AsSpan().CommonPrefixLength(prompt);
        // The last special token ends the turn. Some templates write on after it (Qwen's new line), which the model never has to say.
        var end = tokens.Length;
        for (var i = tokens.Length - 1; i >= start; i--)
        {
            if (!tokenizer.IsSpecial(tokens[i]))
                continue;
            end = i + 1;
            break;
        }
        var targets = new bool[tokens.Length];
        targets.AsSpan(start, end - start).Fill(true);
        return new TrainingDocument(tokens, targets);
    }

    /// <summary>The token with which the document teaches the model to stop; null where its template has none.</summary>
    public int? EndOfTurn(TrainingDocument document)
    {
        var last = Array.LastIndexOf(document.Targets!, true);
        return last >= 0 && tokenizer.IsSpecial(document.Tokens[last]) ? document.Tokens[last] : null;
    }

    /// <summary>Targets that are text, not just the end of the turn.</summary>
    public int ResponseTokens(TrainingDocument document)
    {
        var count = 0;
        for (var i = 1; i < document.Tokens.Length; i++)
        {
            if (document.IsTarget(i) && !tokenizer.IsSpecial(document.Tokens[i]))
                count++;
        }
        return count;
    }
}
