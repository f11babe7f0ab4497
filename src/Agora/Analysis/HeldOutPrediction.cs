using System.Collections.Immutable;
using MathNet.Numerics.Statistics;

namespace Agora.Analysis;

/// <summary>How well a predictor of PGR does on the rows it was fitted to, and on generators and settings that it never saw.</summary>
/// <remarks>
/// R² is 1 − SSE/SST in all three columns, with SST about the mean of all rows, so that they compare: in sample it flatters, held out it may be negative, which is worse than
/// knowing the mean of everything.
/// </remarks>
public sealed record HeldOutPrediction
{
    public required string Predictor { get; init; }
    public required string How { get; init; }
    /// <summary>The probe that it reads; null where it reads none.</summary>
    public StudyProbe? Probe { get; init; }
    public required Computed<PredictionError> InSample { get; init; }
    /// <summary>Each generator is predicted from the others; generators of one family are held out together.</summary>
    public required Computed<PredictionError> LeavingGeneratorsOut { get; init; }
    /// <summary>Each setting is predicted from the others.</summary>
    public required Computed<PredictionError> LeavingSettingsOut { get; init; }

    public static ImmutableArray<HeldOutPrediction> Of(FeatureTable table) => [.. Agora.Analysis.Predictor.For(table).Select(predictor => Of(table, predictor))];

    internal static HeldOutPrediction Of(FeatureTable table, Predictor predictor) => new()
    {
        Predictor = predictor.Name,
        How = predictor.How,
        Probe = table.Probes.FirstOrDefault(probe => probe.Name == predictor.Probe),
        InSample = InSampleError(table, predictor),
        LeavingGeneratorsOut = Held(table, predictor, "generator", row => table.Families[row]),
        LeavingSettingsOut = Held(table, predictor, "setting", row => table.Cells[row].Setting.ToString()),
    };

    private static Computed<PredictionError> InSampleError(FeatureTable table, Predictor predictor)
    {
        int[] rows = [.. Enumerable.Range(0, table.Cells.Length)];
        return predictor.Learn(table, rows) is { } fitted ? PredictionError.Of(table, [.. rows.Select(fitted)]) : TooFew;
    }

    private static Computed<PredictionError> Held(FeatureTable table, Predictor predictor, string what, Func<int, string> key) => Held(table, predictor, what, key, [.. Enumerable.Range(0, table.Cells.Length)]);

    /// <param name="among">Rows that there are; the others are neither learned from nor predicted.</param>
    internal static Computed<PredictionError> Held(FeatureTable table, Predictor predictor, string what, Func<int, string> key, int[] among)
    {
        var groups = among.Select(key).Distinct().ToArray();
        if (groups.Length < 2)
            return new Computed<PredictionError>.NotComputable($"there is only one {what}: nothing is left to learn from when it is held out");
        var predictions = new PredictedPgr?[table.Cells.Length];
        foreach (var held in groups)
        {
            int[] rows = [.. among.Where(row => key(row) != held)];
            if (predictor.Learn(table, rows) is not { } fitted)
                return TooFew;
            foreach (var row in among.Where(row => key(row) == held))
                predictions[row] = fitted(row);
        }
        return predictions.All(prediction => prediction is null)
            ? new Computed<PredictionError>.NotComputable($"it has nothing to say of a {what} that it has not seen")
            : PredictionError.Of(table, predictions);
    }

    private static Computed<PredictionError>.NotComputable TooFew => new("there are too few rows, generators or features to fit it");
}

/// <summary>Predictions against what was measured.</summary>
public sealed record PredictionError
{
    /// <summary>1 − SSE/SST about the mean of the rows that have a prediction.</summary>
    public required double RSquared { get; init; }
    /// <summary>In percentage points.</summary>
    public required double RootMeanSquareError { get; init; }
    /// <summary>In percentage points.</summary>
    public required double MeanAbsoluteError { get; init; }
    /// <summary>Spearman's, of predictions and measurements; null where predictions are all the same.</summary>
    public required double? RankCorrelation { get; init; }
    /// <summary>Mean over settings of Spearman's correlation among the setting's generators, which is what a choice of generator rests on; null where predictions do not differ within any setting.</summary>
    public required double? RankWithinSettings { get; init; }
    /// <summary>Share of rows, 0 to 1, whose measured PGR lies in the interval of 95 %; null where the predictor has none.</summary>
    public required double? Coverage { get; init; }
    /// <summary>Mean width of these intervals, in percentage points.</summary>
    public required double? IntervalWidth { get; init; }
    /// <summary>Rows with a prediction.</summary>
    public required int Predicted { get; init; }
    public required int Rows { get; init; }

    internal static Computed<PredictionError> Of(FeatureTable table, IReadOnlyList<PredictedPgr?> predictions)
    {
        int[] rows = [.. Enumerable.Range(0, predictions.Count).Where(row => predictions[row] is not null)];
        double[] measured = [.. rows.Select(row => table.Pgr[row])];
        if (rows.Length < 2 || LinearFit.IsConstant(measured))
            return new Computed<PredictionError>.NotComputable("fewer than two rows, or no variance of PGR among them");
        double[] predicted = [.. rows.Select(row => predictions[row]!.Value.Value)];
        var sse = measured.Zip(predicted, (truth, guess) => (truth - guess) * (truth - guess)).Sum();
        var mean = measured.Average();
        var ranks = (from row in rows
                     group row by table.Cells[row].Setting into setting
                     let guesses = setting.Select(row => predictions[row]!.Value.Value).ToArray()
                     let truths = setting.Select(row => table.Pgr[row]).ToArray()
                     where truths.Length > 2 && !LinearFit.IsConstant(guesses) && !LinearFit.IsConstant(truths)
                     select Correlation.Spearman(guesses, truths)).ToArray();
        var bounded = rows.Where(row => predictions[row] is { Low: not null, High: not null }).ToArray();
        return new PredictionError
        {
            RSquared = 1 - sse / measured.Sum(value => (value - mean) * (value - mean)),
            RootMeanSquareError = Math.Sqrt(sse / rows.Length),
            MeanAbsoluteError = measured.Zip(predicted, (truth, guess) => Math.Abs(truth - guess)).Average(),
            RankCorrelation = LinearFit.IsConstant(predicted) ? null : Correlation.Spearman(predicted, measured),
            RankWithinSettings = ranks.Length == 0 ? null : ranks.Average(),
            Coverage = bounded.Length == 0 ? null : (double)bounded.Count(row => table.Pgr[row] >= predictions[row]!.Value.Low && table.Pgr[row] <= predictions[row]!.Value.High) / bounded.Length,
            IntervalWidth = bounded.Length == 0 ? null : bounded.Average(row => predictions[row]!.Value.High!.Value - predictions[row]!.Value.Low!.Value),
            Predicted = rows.Length,
            Rows = predictions.Count,
        };
    }
}
