using System.Collections.Immutable;

namespace Agora.IntrinsicMetrics;

/// <summary>Texts as words: runs of letters and digits in lower case, and every other visible character by itself, so that code counts too.</summary>
internal static class WordText
{
    public static ImmutableArray<string> Of(string text)
    {
        var words = ImmutableArray.CreateBuilder<string>();
        for (var place = 0; place < text.Length;)
        {
            var start = place;
            while (place < text.Length && char.IsLetterOrDigit(text[place]))
                place++;
            if (place > start)
                words.Add(text[start..place].ToLowerInvariant());
            else
            {
                if (!char.IsWhiteSpace(text[place]) && !char.IsControl(text[place]))
                    words.Add(text[place].ToString());
                place++;
            }
        }
        return words.ToImmutable();
    }

    /// <summary>Runs of <paramref name="length"/> words, joined by a blank, which no word holds.</summary>
    public static IEnumerable<string> Runs(ImmutableArray<string> words, int length)
    {
        for (var place = 0; place + length <= words.Length; place++)
            yield return string.Join(' ', words.AsSpan(place, length).ToArray());
    }
}
