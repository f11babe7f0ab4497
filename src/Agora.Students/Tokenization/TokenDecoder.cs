using System.Globalization;
using System.Text;

namespace Agora.Students.Tokenization;

/// <summary>One stage of a decoder, working on a stream of tokens so that whole and streamed decoding are the same code.</summary>
internal abstract class DecoderStage
{
    /// <param name="token">Handed on, changed or held back.</param>
    public abstract void Accept(string token, Action<string> emit);

    /// <summary>The end of the tokens: hands on what was held back.</summary>
    public virtual void Complete(Action<string> emit) { }
}

/// <summary>What the reference does without a decoder: tokens separated by spaces.</summary>
internal sealed class SpaceBetweenTokens : DecoderStage
{
    private bool first = true;

    public override void Accept(string token, Action<string> emit)
    {
        emit(first ? token : " " + token);
        first = false;
    }
}

/// <summary>Joins the bytes of all tokens and decodes them once; each maximal invalid part becomes U+FFFD.</summary>
internal sealed class ByteLevelDecoding : DecoderStage
{
    private readonly Decoder utf8 = Encoding.UTF8.GetDecoder();

    public override void Accept(string token, Action<string> emit) => Decode(BytesOf(token), flush: false, emit);

    public override void Complete(Action<string> emit) => Decode([], flush: true, emit);

    /// <summary>A token with a character outside the byte alphabet is an added one, and stands for itself.</summary>
    public static byte[] BytesOf(string token)
    {
        var bytes = new byte[token.Length];
        for (var i = 0; i < token.Length; i++)
            if (!ByteAlphabet.TryByteOf(token[i], out bytes[i]))
                return Encoding.UTF8.GetBytes(token);
        return bytes;
    }

    private void Decode(ReadOnlySpan<byte> bytes, bool flush, Action<string> emit)
    {
        Span<char> characters = new char[utf8.GetCharCount(bytes, flush)];
        utf8.GetChars(bytes, characters, flush);
        if (characters.Length > 0)
            emit(characters.ToString());
    }
}

/// <summary>Turns runs of tokens like &lt;0x0A&gt; into text; every byte of a run that is not valid UTF-8 becomes U+FFFD.</summary>
internal sealed class ByteFallbackDecoding : DecoderStage
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);
    private readonly List<byte> run = [];

    public override void Accept(string token, Action<string> emit)
    {
        if (TryByteOf(token, out var value))
        {
            run.Add(value);
            return;
        }
        Complete(emit);
        emit(token);
    }

    public static bool TryByteOf(string token, out byte value)
    {
        value = 0;
        return token is ['<', '0', 'x', _, _, '>']
            && byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }

    public override void Complete(Action<string> emit)
    {
        if (run.Count == 0)
            return;
        try
        {
            emit(Strict.GetString([.. run]));
        }
        catch (DecoderFallbackException)
        {
            emit(new string('\uFFFD', run.Count));
        }
        run.Clear();
    }
}

internal sealed class ReplaceDecoding(ReplacePattern replace) : DecoderStage
{
    public override void Accept(string token, Action<string> emit) => emit(replace.Apply(token));
}

/// <summary>Joins all tokens into one, for stages after it that look at the whole text.</summary>
internal sealed class FuseDecoding : DecoderStage
{
    private readonly StringBuilder text = new();

    public override void Accept(string token, Action<string> emit) => text.Append(token);

    public override void Complete(Action<string> emit) => emit(text.ToString());
}

/// <summary>Takes up to so many of a character off the ends of each token.</summary>
internal sealed class StripDecoding(char content, int start, int stop) : DecoderStage
{
    public override void Accept(string token, Action<string> emit)
    {
        var from = 0;
        while (from < Math.Min(start, token.Length) && token[from] == content)
            from++;
        var to = token.Length;
        while (to > from && token.Length - to < stop && token[to - 1] == content)
            to--;
        emit(token[from..to]);
    }
}

/// <summary>Takes up to so many of a character off the start of the whole text, without waiting for its end.</summary>
internal sealed class StripStartDecoding(char content, int start) : DecoderStage
{
    private int left = start;

    public override void Accept(string token, Action<string> emit)
    {
        var from = 0;
        for (; from < token.Length && left > 0 && token[from] == content; from++)
            left--;
        if (from < token.Length)
            left = 0;
        emit(token[from..]);
    }
}

internal sealed class MetaspaceDecoding(char mark, PrependScheme scheme) : DecoderStage
{
    private bool first = true;

    public override void Accept(string token, Action<string> emit)
    {
        emit(first && scheme != PrependScheme.Never ? token.Replace(mark.ToString(), "", StringComparison.Ordinal) : token.Replace(mark, ' '));
        first = false;
    }
}

/// <summary>BERT's: tokens are words but for those that continue one, which begin with ##.</summary>
/// <param name="cleans">Takes spaces before signs and in contractions out, within each token only.</param>
internal sealed class WordPieceDecoding(string continuing, bool cleans) : DecoderStage
{
    private bool first = true;

    public override void Accept(string token, Action<string> emit)
    {
        if (!first)
            token = token.StartsWith(continuing, StringComparison.Ordinal) ? token[continuing.Length..] : " " + token;
        first = false;
        emit(cleans ? Clean(token) : token);
    }

    public static string Clean(string text)
    {
        foreach (var (dirty, clean) in (ReadOnlySpan<(string, string)>)[
            (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"), (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re")])
            text = text.Replace(dirty, clean, StringComparison.Ordinal);
        return text;
    }
}

/// <summary>Of speech recognizers: repeated tokens count once, the padding that keeps real repetitions apart goes.</summary>
internal sealed class CtcDecoding(string padding, string wordDelimiter, bool cleans) : DecoderStage
{
    private string? previous;

    public override void Accept(string token, Action<string> emit)
    {
        if (token == previous)
            return;
        previous = token;
        var text = padding.Length > 0 ? token.Replace(padding, "", StringComparison.Ordinal) : token;
        if (cleans)
        {
            text = WordPieceDecoding.Clean(text);
            text = wordDelimiter.Length > 0 ? text.Replace(wordDelimiter, " ", StringComparison.Ordinal) : text;
        }
        if (text.Length > 0)
            emit(text);
    }
}

/// <summary>Of the first byte-pair models: a suffix marks the end of a word, a space but for the last word.</summary>
internal sealed class WordEndDecoding(string suffix) : DecoderStage
{
    private string? held;       // the last token is known only at the end

    public override void Accept(string token, Action<string> emit)
    {
        if (held is not null)
            emit(held.Replace(suffix, " ", StringComparison.Ordinal));
        held = token;
    }

    public override void Complete(Action<string> emit)
    {
        if (held is not null)
            emit(held.Replace(suffix, "", StringComparison.Ordinal));
        held = null;
    }
}
