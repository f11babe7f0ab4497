namespace Agora.Students.Tokenization;

/// <summary>The part of a tokenizer that turns a piece of normalized text into token ids. Safe for concurrent use.</summary>
internal abstract class TokenModel
{
    /// <param name="piece">Not empty.</param>
    /// <param name="output">The ids are appended.</param>
    public abstract void Encode(ReadOnlySpan<char> piece, List<int> output);
}
