namespace Agora.Recovery;

/// <summary>Holm's step-down correction: the chance of even one false claim among the comparisons stays at the level of one test.</summary>
internal static class HolmCorrection
{
    /// <returns>Adjusted p-values, in the order given.</returns>
    public static double[] Adjust(IReadOnlyList<double> pValues)
    {
        var adjusted = new double[pValues.Count];
        var largest = 0.0;
        foreach (var (rank, index) in Enumerable.Range(0, pValues.Count).OrderBy(index => pValues[index]).Index())
        {
            largest = Math.Max(largest, Math.Min(1, (pValues.Count - rank) * pValues[index]));
            adjusted[index] = largest;
        }
        return adjusted;
    }
}
