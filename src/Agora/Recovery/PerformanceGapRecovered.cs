using System.Globalization;

namespace Agora.Recovery;

/// <summary>Share of the gap between base model and reference that the student closed, or why there is none.</summary>
public abstract record PerformanceGapRecovered
{
    private PerformanceGapRecovered() { }

    /// <param name="Value">In percent. Negative values and values above 100 are results, and are never clamped.</param>
    public sealed record Percent(double Value) : PerformanceGapRecovered;

    /// <param name="Reason">A clause for the reader, with the figures behind it.</param>
    public sealed record Undefined(string Reason) : PerformanceGapRecovered;

    /// <summary>Share of the gap between base model and reference that the student closed, in percent.</summary>
    /// <remarks>arXiv:2412.03679, the PGR equation. 0: no better than the base model; 100: as good as the reference.</remarks>
    /// <param name="student">Score of the trained student, in the benchmark's own unit, like the other two.</param>
    /// <returns>Undefined, with both scores in the reason, where the reference does not beat the base model.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A score is not a finite number: an answer without a grade must be left out before.</exception>
    public static PerformanceGapRecovered Of(double student, double baseModel, double reference)
    {
        ThrowIfNotFinite(student, nameof(student));
        ThrowIfNotFinite(baseModel, nameof(baseModel));
        ThrowIfNotFinite(reference, nameof(reference));
        if (reference <= baseModel)
        {
            return new Undefined(string.Create(CultureInfo.InvariantCulture,
                $"the reference ({reference:0.####}) does not beat the base model ({baseModel:0.####})"));
        }
        // Scores so far apart that their difference overflows, or so close that the quotient does, have no share either.
        var percent = 100 * ((student - baseModel) / (reference - baseModel));
        return double.IsFinite(percent)
            ? new Percent(percent)
            : new Undefined(string.Create(CultureInfo.InvariantCulture, $"the gap between {baseModel:R} and {reference:R} is too small to divide by"));
    }

    private static void ThrowIfNotFinite(double score, string name)
    {
        if (!double.IsFinite(score))
            throw new ArgumentOutOfRangeException(name, score, "a score must be a finite number");
    }
}
