namespace Agora.DataGeneration.Filters;

/// <summary>ROUGE-L's F-measure of two texts (Lin 2004, "ROUGE: A Package for Automatic Evaluation of Summaries", section 3, with β = 1).</summary>
public static class RougeL
{
    /// <param name="common">Length of the longest common subsequence, in words.</param>
    /// <returns>From 0 to 1; 0 where one of the texts has no word. Computed in the scorer's own order, so that a threshold divides at the same bit.</returns>
    public static double F(int common, int wordsOfOne, int wordsOfOther)
    {
        if (common == 0) return 0;
        var precision = common / (double)wordsOfOne;
        var recall = common / (double)wordsOfOther;
        return 2 * precision * recall / (precision + recall);
    }

    /// <summary>The shortest common subsequence with which two texts of these lengths reach the threshold.</summary>
    /// <returns>More than either length where none reaches it.</returns>
    internal static int Needed(int wordsOfOne, int wordsOfOther, double threshold)
    {
        // F = 2 L / (m + n) but for rounding: begin one below, and let F itself decide.
        var needed = Math.Max(1, (int)Math.Ceiling(threshold * (wordsOfOne + (long)wordsOfOther) / 2) - 1);
        var shorter = Math.Min(wordsOfOne, wordsOfOther);
        while (needed <= shorter && F(needed, wordsOfOne, wordsOfOther) < threshold) needed++;
        return needed;
    }
}
