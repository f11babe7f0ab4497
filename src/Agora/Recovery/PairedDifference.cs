using System.Collections.Immutable;
using static Agora.Recovery.PerformanceGapRecovered;

namespace Agora.Recovery;

/// <summary>Whether two PGRs differ, judged by the difference within each resample.</summary>
internal static class PairedDifference
{
    /// <remarks>
    /// The p-value inverts the percentile interval: twice the smaller share of resamples on either side of no difference, counting
    /// one more on each side, so that a finite number of resamples never claims certainty. Resamples without a value count on both.
    /// </remarks>
    public static ComparisonOutcome Of(ResampledRecovery first, ResampledRecovery second, double level)
    {
        foreach (var side in (ReadOnlySpan<ResampledRecovery>)[first, second])
            if (side.Pgr is Undefined(var reason))
                return new ComparisonOutcome.Undecided(reason);

        var defined = new List<double>(first.Draws.Length);
        int notAbove = 0, notBelow = 0;
        for (var draw = 0; draw < first.Draws.Length; draw++)
        {
            var difference = first.Draws[draw] - second.Draws[draw];
            if (double.IsNaN(difference))
                continue;
            defined.Add(difference);
            if (difference <= 0)
                notAbove++;
            if (difference >= 0)
                notBelow++;
        }
        var undefined = first.Draws.Length - defined.Count;
        var pValue = Math.Min(1, 2.0 * (1 + Math.Min(notAbove, notBelow) + undefined) / (first.Draws.Length + 1));
        return new ComparisonOutcome.Difference(
            ((Percent)first.Pgr).Value - ((Percent)second.Pgr).Value,
            ConfidenceInterval.Percentile(defined.ToArray(), undefined, level, ConfidenceInterval.NoGap),
            pValue,
            AdjustedPValue: pValue);
    }

    /// <summary>The same comparisons with p-values corrected for their number.</summary>
    public static ImmutableArray<GeneratorComparison> Corrected(IReadOnlyList<GeneratorComparison> family)
    {
        var decided = family.Select(pair => pair.Outcome).OfType<ComparisonOutcome.Difference>().ToList();
        var adjusted = new Queue<double>(HolmCorrection.Adjust([.. decided.Select(outcome => outcome.PValue)]));
        return
        [
            .. family.Select(pair => pair.Outcome is ComparisonOutcome.Difference difference
                ? pair with { Outcome = difference with { AdjustedPValue = adjusted.Dequeue() } }
                : pair),
        ];
    }
}
