namespace Agora.IntrinsicMetrics;

/// <summary>Self-BLEU: each text's BLEU-4 with all other texts as references (Zhu et al., arXiv:1802.01886). High where a set repeats itself.</summary>
/// <remarks>
/// Exact for all texts in time linear in their length: a run's count is clipped by the greatest count in any other text, which is the greatest of all or, for the text that has it,
/// the second greatest. A precision of 0 becomes 0.1 over the number of runs, so that a short text has a score; the reference length is the nearest among the others, the shorter of two.
/// </remarks>
internal static class SelfBleu
{
    private const int LongestRun = 4;
    private const double Smoothing = 0.1;

    /// <returns>One score, 0 to 1, for each text that has words; empty with fewer than two of them.</returns>
    public static double[] Scores(IReadOnlyList<string[]> texts)
    {
        string[][] written = [.. texts.Where(text => text.Length > 0)];
        if (written.Length < 2)
            return [];
        var logarithms = new double[written.Length];
        for (var length = 1; length <= LongestRun; length++)
        {
            var own = written.Select(text => WordRuns.Of(text, length).CountBy(run => run).ToDictionary()).ToArray();
            var greatest = new Dictionary<string, (int First, int Owner, int Second)>(StringComparer.Ordinal);
            foreach (var (owner, counts) in own.Index())
                foreach (var (run, count) in counts)
                    greatest[run] = !greatest.TryGetValue(run, out var known) ? (count, owner, 0)
                        : count > known.First ? (count, owner, known.First)
                        : (known.First, known.Owner, Math.Max(known.Second, count));
            for (var place = 0; place < written.Length; place++)
            {
                var runs = Math.Max(1, written[place].Length - length + 1);
                var matched = own[place].Sum(entry => Math.Min(entry.Value, greatest[entry.Key].Owner == place ? greatest[entry.Key].Second : greatest[entry.Key].First));
                logarithms[place] += Math.Log((matched == 0 ? Smoothing : matched) / runs) / LongestRun;
            }
        }
        int[] lengths = [.. written.Select(text => text.Length).Order()];
        return [.. written.Select((text, place) => Math.Exp(logarithms[place] + Math.Min(0, 1 - (double)Nearest(lengths, text.Length) / text.Length)))];
    }

    // The length nearest to a text's own among the others: its own where another text has it too.
    private static int Nearest(int[] sorted, int length)
    {
        var place = Array.BinarySearch(sorted, length);
        if ((place > 0 && sorted[place - 1] == length) || (place < sorted.Length - 1 && sorted[place + 1] == length))
            return length;
        if (place == 0)
            return sorted[1];
        if (place == sorted.Length - 1)
            return sorted[place - 1];
        return length - sorted[place - 1] <= sorted[place + 1] - length ? sorted[place - 1] : sorted[place + 1];
    }
}
