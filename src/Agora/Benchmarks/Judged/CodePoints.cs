namespace Agora.Benchmarks.Judged;

/// <summary>Length as the published figures count it.</summary>
internal static class CodePoints
{
    /// <summary>Unicode code points: a character beyond U+FFFF is one, though two UTF-16 units; half of a pair is one too.</summary>
    public static int Count(string text)
    {
        var pairs = 0;
        for (var i = 1; i < text.Length; i++)
            if (char.IsSurrogatePair(text[i - 1], text[i]))
            {
                pairs++;
                i++;
            }
        return text.Length - pairs;
    }
}
