using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Agora.Students.Tokenization;

namespace Agora.Students.Inference;

/// <summary>The text of an answer as its tokens arrive: ends before the first stop text, and lets go only of what can no longer be part of one.</summary>
internal sealed class AnswerText(Tokenizer tokenizer, ImmutableArray<string> stops)
{
    private readonly StreamingDecoder decoder = new(tokenizer, skipSpecialTokens: true);
    private readonly List<char> text = [];
    private readonly int longestStop = stops.Select(stop => stop.Length).DefaultIfEmpty(0).Max();
    private int taken;

    /// <returns>True where a stop text is complete; the text ends before it and takes no more tokens.</returns>
    public bool Add(int token) => Append(decoder.Add(token));

    /// <summary>The end of the tokens: an incomplete character becomes U+FFFD.</summary>
    public void Complete() => Append(decoder.Complete());

    /// <summary>Text that is sure and was not taken before.</summary>
    /// <param name="toTheEnd">No more tokens will come.</param>
    public string Take(bool toTheEnd)
    {
        var all = CollectionsMarshal.AsSpan(text);
        var sure = toTheEnd ? all.Length : all.Length - HeldBack(all);
        if (sure <= taken)
            return "";
        var piece = new string(all[taken..sure]);
        taken = sure;
        return piece;
    }

    public override string ToString() => new(CollectionsMarshal.AsSpan(text));

    private bool Append(string more)
    {
        var before = text.Count;
        text.AddRange(more);
        if (stops.IsEmpty)
            return false;
        // A stop text may have begun in earlier tokens, but it was not complete then.
        var from = Math.Max(0, before - longestStop + 1);
        var searched = CollectionsMarshal.AsSpan(text)[from..];
        var found = -1;
        foreach (var stop in stops)
        {
            var at = searched.IndexOf(stop, StringComparison.Ordinal);
            if (at >= 0 && (found < 0 || at < found))
                found = at;
        }
        if (found < 0)
            return false;
        CollectionsMarshal.SetCount(text, from + found);
        return true;
    }

    /// <summary>Length of the longest end of the text that begins a stop text.</summary>
    private int HeldBack(ReadOnlySpan<char> all)
    {
        for (var length = Math.Min(all.Length, longestStop - 1); length > 0; length--)
        {
            foreach (var stop in stops)
            {
                if (stop.AsSpan().StartsWith(all[^length..], StringComparison.Ordinal))
                    return length;
            }
        }
        return 0;
    }
}
