using System.Collections.Immutable;
using Agora.Experiments;

namespace Agora.Benchmarks.Judged;

/// <param name="ModelLength">In Unicode code points; not UTF-16 units, of which an emoji has two.</param>
/// <param name="BaselineLength">Likewise.</param>
/// <param name="Difficulty">Index of the instruction's difficulty: its number in the official set, or the row's place where published figures are reproduced.</param>
/// <param name="Preference">As <see cref="PreferenceSummary.Of"/> takes it.</param>
public readonly record struct LengthControlPair(int ModelLength, int BaselineLength, int Difficulty, double? Preference);

/// <summary>Length-controlled win rate (arXiv:2404.04475): what the win rate would be if both outputs were equally long.</summary>
public sealed record LengthControlledWinRate
{
    // The published grid: 10^(-4 + 8k/9).
    private static readonly ImmutableArray<double> Grid = [.. Enumerable.Range(0, 10).Select(k => Math.Pow(10, -4 + 8 * k / 9.0))];

    /// <summary>The inverse regularisation strengths that cross-validation chooses among, rising.</summary>
    public static ImmutableArray<double> Strengths => Grid;

    /// <summary>In percent.</summary>
    public required double WinRate { get; init; }
    /// <summary>In percentage points: the spread of the predictions over instructions only, as published. It leaves out the error of the fit; see <see cref="Contributions"/>.</summary>
    public required double? StandardError { get; init; }
    public required LengthControlWeights Weights { get; init; }
    /// <summary>Index into <see cref="Strengths"/>.</summary>
    public required int StrengthIndex { get; init; }
    /// <summary>Mean held-out loss at each strength; empty where the strength was given.</summary>
    public required ImmutableArray<double> CrossValidationLosses { get; init; }
    /// <summary>Predicted preference for the model at equal length, 0 to 1, of each pair in order.</summary>
    public required ImmutableArray<double> Predictions { get; init; }
    /// <summary>
    /// Each pair's contribution to <see cref="WinRate"/>, in the unit 0 to 1 though single ones may lie outside; null for a pair without a preference. Their
    /// mean is the win rate, and their spread is its error, that of the fit included (infinitesimal jackknife; docs/statistics.md).
    /// </summary>
    public required ImmutableArray<double?> Contributions { get; init; }

    /// <param name="pairs">Of one model against one baseline.</param>
    /// <param name="strengthIndex">Null: chosen by cross-validation over the published folds.</param>
    /// <exception cref="AgoraException">No pair has a preference, or an instruction has no difficulty.</exception>
    public static LengthControlledWinRate Of(IReadOnlyList<LengthControlPair> pairs, LengthControlData data, int? strengthIndex = null)
    {
        if (!pairs.Any(pair => PreferenceSummary.Share(pair.Preference) is not null))
            throw new AgoraException("no pair has a preference", "length-controlled win rate", "judge at least one answer readably") { ExitCode = 2 };
        if (pairs.Any(pair => pair.Difficulty < 0 || pair.Difficulty >= data.Difficulties.Length))
            throw new AgoraException(
                $"an instruction has no difficulty: there are {data.Difficulties.Length}, and the pairs name number {pairs.Max(pair => pair.Difficulty) + 1}",
                "length-controlled win rate", "use the official instructions and their difficulties, or take the plain win rate")
            { ExitCode = 2 };
        var rows = Rows(pairs, data);
        ImmutableArray<double> losses = [];
        if (strengthIndex is null)
        {
            losses = CrossValidate(rows);
            strengthIndex = losses.IndexOf(losses.Min());
        }
        LengthControlWeights weights = default;
        for (var k = 0; k <= strengthIndex; k++)        // each start close to the next minimum
            weights = k == strengthIndex || k % 3 == 0 ? LengthControlFit.Minimum(rows, Grid[k], weights) : weights;

        var predictions = pairs.Select(pair => LengthControlFit.Sigmoid(weights.Difficulty * data.Difficulties[pair.Difficulty] + weights.Model)).ToImmutableArray();
        var mean = predictions.Sum() / predictions.Length;
        return new LengthControlledWinRate
        {
            WinRate = 100 * mean,
            StandardError = pairs.Count < 2 ? null : 100 * Math.Sqrt(predictions.Sum(q => (q - mean) * (q - mean)) / (pairs.Count - 1) / pairs.Count),
            Weights = weights,
            StrengthIndex = strengthIndex.Value,
            CrossValidationLosses = losses,
            Predictions = predictions,
            Contributions = ContributionsOf(pairs, data, rows, weights, predictions, mean),
        };
    }

    /// <summary>The first of <paramref name="data"/>'s rows, then the pairs with a preference.</summary>
    internal static LengthControlRows Rows(IReadOnlyList<LengthControlPair> pairs, LengthControlData data)
    {
        var deltas = pairs.Select(pair => (double)pair.BaselineLength - pair.ModelLength).ToArray();
        var middle = deltas.Sum() / deltas.Length;
        // Over all pairs, judged or not; where all differences are equal there is no scale, and none is needed.
        var scale = deltas.Length < 2 ? 0 : Math.Sqrt(deltas.Sum(delta => (delta - middle) * (delta - middle)) / (deltas.Length - 1));
        var judged = Enumerable.Range(0, pairs.Count).Where(i => PreferenceSummary.Share(pairs[i].Preference) is not null).ToArray();
        var gamed = data.Gamed;
        return new LengthControlRows(
            [.. gamed.Select(row => Math.Tanh(row.ScaledLength)), .. judged.Select(i => scale == 0 ? Math.Sign(deltas[i]) : Math.Tanh(deltas[i] / scale))],
            [.. gamed.Select(row => row.Difficulty), .. judged.Select(i => data.Difficulties[pairs[i].Difficulty])],
            [.. gamed.Select(_ => 0.0), .. judged.Select(_ => 1.0)],
            [.. gamed.Select(row => row.Preference), .. judged.Select(i => PreferenceSummary.Share(pairs[i].Preference)!.Value)],
            [.. gamed.Select(_ => LengthControlData.GamedWeight), .. judged.Select(_ => 1.0)]);
    }

    private static ImmutableArray<double> CrossValidate(LengthControlRows rows)
    {
        if (rows.Count < LengthControlFolds.Count)
            throw new AgoraException($"{rows.Count} rows are too few for a cross-validation in {LengthControlFolds.Count} folds", "length-controlled win rate", $"use the whole {LengthControlData.FileName}") { ExitCode = 2 };
        var folds = LengthControlFolds.Assign(rows.Count);
        var losses = new double[LengthControlFolds.Count][];
        Parallel.For(0, losses.Length, fold =>
        {
            var (training, held) = (rows.Of(folds, fold, inside: false), rows.Of(folds, fold, inside: true));
            LengthControlWeights weights = default;
            losses[fold] = [.. Grid.Select(c => -LengthControlFit.MeanLogLikelihood(held, weights = LengthControlFit.Minimum(training, c, weights)))];
        });
        return [.. Grid.Select((_, k) => losses.Sum(fold => fold[k]) / losses.Length)];
    }

    // A pair enters the mean of the predictions once, and the coefficients through its residual: dWinRate/dweight_i = (q_i - mean) / n + gᵀ H⁻¹ x_i (y_i - p_i).
    private static ImmutableArray<double?> ContributionsOf(
        IReadOnlyList<LengthControlPair> pairs, LengthControlData data, LengthControlRows rows, LengthControlWeights weights, ImmutableArray<double> predictions, double mean)
    {
        var n = pairs.Count;
        var (byDifficulty, byModel) = (0.0, 0.0);
        for (var i = 0; i < n; i++)
        {
            var slope = predictions[i] * (1 - predictions[i]);
            byDifficulty += slope * data.Difficulties[pairs[i].Difficulty];
            byModel += slope;
        }
        // H⁻¹ g over the coefficients that are not 0; the others stay 0 under small changes of the data.
        var pull = LengthControlFit.ActiveSolve(LengthControlFit.Curvature(rows, weights), [0, byDifficulty, byModel], [weights.Length != 0, weights.Difficulty != 0, weights.Model != 0]);

        var contributions = new double?[n];
        var row = data.Gamed.Length;
        for (var i = 0; i < n; i++)
        {
            if (PreferenceSummary.Share(pairs[i].Preference) is null)
                continue;
            var (t, d) = (rows.Length[row], rows.Difficulty[row]);
            var residual = rows.Target[row] - LengthControlFit.Sigmoid(weights.Length * t + weights.Difficulty * d + weights.Model);
            contributions[i] = predictions[i] + residual * (pull[0] * t + pull[1] * d + pull[2]);
            row++;
        }
        // The gamed rows and the penalty hold the residuals' sum away from 0.
        var shift = mean - contributions.OfType<double>().Average();
        return [.. contributions.Select(value => value + shift)];
    }
}
