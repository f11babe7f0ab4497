using System.Collections.Immutable;

namespace Agora.Analysis;

/// <summary>The error of choosing a predictor and using it, the choice included in what is held out.</summary>
/// <remarks>
/// A winner's own held-out error flatters: it was chosen by that figure. Here each generator (with all of its family), or setting, is predicted by the predictor that wins, by the same rule as <c>agora predict</c>'s, among the others alone.
/// </remarks>
public sealed record NestedSelection
{
    /// <summary>Among which predictors was chosen, in words.</summary>
    public required string Among { get; init; }
    public required Computed<PredictionError> LeavingGeneratorsOut { get; init; }
    public required Computed<PredictionError> LeavingSettingsOut { get; init; }
    /// <summary>Who won without each family, in the order of the table; null where none beat the mean of everything.</summary>
    public required ImmutableArray<NestedWinner> Winners { get; init; }

    internal static ImmutableArray<NestedSelection> Of(FeatureTable table)
    {
        var all = Predictor.For(table);
        var without = all.Where(predictor => predictor.Probe is null).ToImmutableArray();
        return without.Length == all.Length ? [Of(table, "all predictors", all)] : [Of(table, "all predictors", all), Of(table, "predictors without a probe", without)];
    }

    private static NestedSelection Of(FeatureTable table, string among, ImmutableArray<Predictor> predictors)
    {
        var (generators, winners) = Outer(table, predictors, "generator", row => table.Families[row]);
        var (settings, _) = Outer(table, predictors, "setting", row => table.Cells[row].Setting.ToString());
        return new NestedSelection { Among = among, LeavingGeneratorsOut = generators, LeavingSettingsOut = settings, Winners = winners };
    }

    private static (Computed<PredictionError> Error, ImmutableArray<NestedWinner> Winners) Outer(FeatureTable table, ImmutableArray<Predictor> predictors, string what, Func<int, string> key)
    {
        int[] all = [.. Enumerable.Range(0, table.Cells.Length)];
        string[] groups = [.. all.Select(key).Distinct()];
        if (groups.Length < 3)
            return (new Computed<PredictionError>.NotComputable($"{groups.Length} {what}{(groups.Length == 1 ? "" : "s")}: with one held out, a choice by holding out another needs at least 3"), []);
        var folds = groups.AsParallel().AsOrdered().Select(held =>
        {
            int[] seen = [.. all.Where(row => key(row) != held)];
            var winner = PredictionTrial.Ranked(predictors.Select(predictor => (predictor, HeldOutPrediction.Held(table, predictor, what, key, seen)))).FirstOrDefault();
            var fitted = winner.Predictor?.Learn(table, seen);
            return (Held: held, Winner: winner.Predictor, Predicted: all.Where(row => key(row) == held).Select(row => (Row: row, Value: fitted?.Invoke(row))).ToArray());
        }).ToArray();
        var predictions = new PredictedPgr?[table.Cells.Length];
        foreach (var (row, value) in folds.SelectMany(fold => fold.Predicted))
            predictions[row] = value;
        return (predictions.All(prediction => prediction is null) ? new Computed<PredictionError>.NotComputable($"without any one {what}, no predictor beats the mean of everything among the others") : PredictionError.Of(table, predictions),
            [.. folds.Select(fold => new NestedWinner(fold.Held, fold.Winner?.Name))]);
    }
}

/// <param name="Held">The family that was held out.</param>
/// <param name="Predictor">Null where none beat the mean of everything among the rest.</param>
public sealed record NestedWinner(string Held, string? Predictor);
