using System.Text;

namespace Agora.Students.Tokenization;

/// <summary>Decodes one token after another; what is not yet sure, such as half of a character, is held back.</summary>
/// <remarks>All that it returns, joined, is what <see cref="Tokenizer.Decode"/> returns for the same ids. For one stream, one thread at a time.</remarks>
public sealed class StreamingDecoder
{
    private readonly Tokenizer tokenizer;
    private readonly bool skipSpecialTokens;
    private readonly IReadOnlyList<DecoderStage> stages;
    private readonly StringBuilder text = new();

    public StreamingDecoder(Tokenizer tokenizer, bool skipSpecialTokens)
    {
        this.tokenizer = tokenizer;
        this.skipSpecialTokens = skipSpecialTokens;
        stages = tokenizer.MakeDecoder();
    }

    /// <returns>The text that has become sure; often empty.</returns>
    public string Add(int id)
    {
        if (tokenizer.TokenText(id) is not { } token || (skipSpecialTokens && tokenizer.IsSpecial(id)))
            return "";
        Feed(0, token);
        return Take();
    }

    /// <summary>The end of the stream.</summary>
    /// <returns>What was held back; an incomplete character becomes U+FFFD.</returns>
    public string Complete()
    {
        for (var stage = 0; stage < stages.Count; stage++)
        {
            var next = stage + 1;
            stages[stage].Complete(token => Feed(next, token));
        }
        return Take();
    }

    private void Feed(int stage, string token)
    {
        if (stage == stages.Count)
            text.Append(token);
        else
            stages[stage].Accept(token, changed => Feed(stage + 1, changed));
    }

    private string Take()
    {
        var taken = text.ToString();
        text.Clear();
        return taken;
    }
}
