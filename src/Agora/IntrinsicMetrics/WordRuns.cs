namespace Agora.IntrinsicMetrics;

/// <summary>Runs of words, in which texts repeat themselves and each other.</summary>
internal static class WordRuns
{
    /// <summary>Runs of <paramref name="length"/> words, joined by a blank, which no word holds.</summary>
    public static IEnumerable<string> Of(string[] words, int length)
    {
        for (var place = 0; place + length <= words.Length; place++)
            yield return string.Join(' ', words.AsSpan(place, length));
    }
}
