using System.Collections.Immutable;
using Agora.Experiments;

namespace Agora.Benchmarks.Judged;

/// <summary>One judged pair of AlpacaEval.</summary>
/// <param name="Index">The instruction's place, which its difficulty is found by.</param>
/// <param name="Preference">1 for the baseline's output to 2 for the model's; 0 an old code for a draw; null where the judge could not be read.</param>
public sealed record AlpacaPair(int Index, string Instruction, string Baseline, string Output, double? Preference);

/// <summary>What AlpacaEval 2.0 says of one model: a row of the leaderboard, and what the leaderboard leaves out.</summary>
public sealed record AlpacaEvalScore
{
    public required PreferenceSummary Plain { get; init; }
    /// <summary>Mean length of the outputs in code points, rounded down; empty ones count as 0.</summary>
    public required int AverageLength { get; init; }
    /// <summary>In percent; null with the reason in <see cref="NoLengthControl"/>.</summary>
    public required double? LengthControlledWinRate { get; init; }
    /// <summary>As published: the spread of the predictions alone, which leaves out the error of the fit.</summary>
    public required double? LengthControlledStandardError { get; init; }
    /// <summary>Standard error of <see cref="LengthControlledWinRate"/>, that of the fit included; the honest one.</summary>
    public required double? LengthControlledFullError { get; init; }
    public LengthControlWeights? Weights { get; init; }
    /// <summary>Inverse strength of the regularisation that was used.</summary>
    public double? Strength { get; init; }
    public string? NoLengthControl { get; init; }

    /// <summary>Length-controlled where that can be computed, else the plain one.</summary>
    public double? Headline => LengthControlledWinRate ?? Plain.WinRate;

    /// <param name="data">Null where there is none: then the plain win rate is all there is.</param>
    /// <param name="lengths">Of all outputs, judged or not; those of the pairs where null.</param>
    /// <param name="strengthIndex">Null: by cross-validation.</param>
    /// <returns>The score, and each pair's contribution to its headline in the unit 0 to 1.</returns>
    public static (AlpacaEvalScore Score, ImmutableArray<double?> Contributions) Of(
        IReadOnlyList<AlpacaPair> pairs, LengthControlData? data, IReadOnlyList<int>? lengths = null, int? strengthIndex = null)
    {
        var plain = PreferenceSummary.Of(pairs.Select(pair => pair.Preference));
        var outputs = pairs.Select(pair => CodePoints.Count(pair.Output)).ToArray();
        var all = lengths ?? outputs;
        var why = data is null ? $"{LengthControlData.FileName} is not there"
            : plain.Total == 0 ? "no pair has a preference"
            : null;
        // Against itself the baseline stands at 50 by definition; there is nothing to fit.
        var itself = why is null && pairs.All(pair => pair.Output == pair.Baseline);
        Judged.LengthControlledWinRate? controlled = null;
        if (why is null && !itself)
            controlled = Judged.LengthControlledWinRate.Of(
                [.. pairs.Zip(outputs, (pair, length) => new LengthControlPair(length, CodePoints.Count(pair.Baseline), pair.Index, pair.Preference))], data!, strengthIndex);
        var contributions = itself ? [.. pairs.Select(_ => (double?)0.5)] : controlled?.Contributions ?? [.. pairs.Select(pair => PreferenceSummary.Share(pair.Preference))];
        var score = new AlpacaEvalScore
        {
            Plain = plain,
            AverageLength = all.Count == 0 ? 0 : (int)Math.Floor(all.Sum(length => (long)length) / (double)all.Count),
            LengthControlledWinRate = itself ? 50 : controlled?.WinRate,
            LengthControlledStandardError = itself ? 0 : controlled?.StandardError,
            LengthControlledFullError = itself ? 0 : controlled is null ? null : StandardError(contributions),
            Weights = controlled?.Weights,
            Strength = controlled is null ? null : Judged.LengthControlledWinRate.Strengths[controlled.StrengthIndex],
            NoLengthControl = why,
        };
        return (score, contributions);
    }

    /// <returns>In percentage points; null with fewer than two values.</returns>
    internal static double? StandardError(IEnumerable<double?> contributions)
    {
        var values = contributions.OfType<double>().ToArray();
        if (values.Length < 2)
            return null;
        var mean = values.Average();
        return 100 * Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / (values.Length - 1) / values.Length);
    }
}
