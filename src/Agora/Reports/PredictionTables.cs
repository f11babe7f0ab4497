using System.Collections.Immutable;
using System.Globalization;
using Agora.Analysis;
using Agora.Reports.Tables;

namespace Agora.Reports;

/// <summary>How predictors of PGR did, and what they predict.</summary>
public static class PredictionTables
{
    public static TextTable OfTrial(PredictionStudy study, PredictionTrial trial) => new()
    {
        Id = "predictors",
        Title = $"Predictors of PGR on what they never saw: {study.Study.Source}, {trial.Table.Cells.Length} data sets",
        Columns =
        [
            "predictor", new("cost", true), new("time", true), new("rank corr.", true), new("within settings", true), new("mean abs. error", true), new("R²", true), new("coverage", true), new("width", true),
            new("rank corr., settings out", true), new("error, settings out", true),
        ],
        Rows =
        [
            .. trial.Results.Select(entry =>
            {
                var (generators, settings) = (entry.LeavingGeneratorsOut.ResultOrDefault, entry.LeavingSettingsOut.ResultOrDefault);
                return (ImmutableArray<TextCell>)
                [
                    entry.Predictor, Share(entry.Probe?.CostShare ?? 0), Share(entry.Probe?.SecondsShare ?? 0),
                    TextCell.Of(generators?.RankCorrelation, "0.00"), TextCell.Of(generators?.RankWithinSettings, "0.00"), TextCell.Of(generators?.MeanAbsoluteError, "0.0"), TextCell.Of(generators?.RSquared, "0.00"),
                    generators?.Coverage is { } covered ? Share(covered) : "–", TextCell.Of(generators?.IntervalWidth, "0"),
                    TextCell.Of(settings?.RankCorrelation, "0.00"), TextCell.Of(settings?.MeanAbsoluteError, "0.0"),
                ];
            }),
        ],
        Notes =
        [
            "Held out: each generator, with all that share its weights, is predicted from the others; in the last two columns each setting from the others. Cost is training tokens times the size of the student, time is what training and answering took, both against one full student; generating the data is not counted. Errors and widths are in points of PGR; coverage is of intervals of 95 %.",
            study.AgreementOfSeeds is { } agreement ? string.Create(CultureInfo.InvariantCulture, $"PGR is the mean over {study.TrainingSeeds} training seeds; single seeds agree with each other with a rank correlation of {agreement:0.00}.") : "PGR is of one training seed.",
            .. trial.Results.Select(entry => $"{entry.Predictor}: {entry.How}."),
        ],
    };

    /// <summary>What choosing a predictor costs: the winner's error without the flattery of having won by it.</summary>
    public static TextTable OfNested(ImmutableArray<NestedSelection> nested) => new()
    {
        Id = "nested",
        Title = "The predictor chosen anew without what is predicted",
        Columns = ["chosen among", new("rank corr.", true), new("within settings", true), new("mean abs. error", true), new("R²", true), new("coverage", true), new("width", true), new("predicted", true), new("rank corr., settings out", true), new("error, settings out", true), new("predicted, settings out", true)],
        Rows =
        [
            .. nested.Select(entry =>
            {
                var (generators, settings) = (entry.LeavingGeneratorsOut.ResultOrDefault, entry.LeavingSettingsOut.ResultOrDefault);
                return (ImmutableArray<TextCell>)
                [
                    entry.Among, TextCell.Of(generators?.RankCorrelation, "0.00"), TextCell.Of(generators?.RankWithinSettings, "0.00"), TextCell.Of(generators?.MeanAbsoluteError, "0.0"), TextCell.Of(generators?.RSquared, "0.00"),
                    generators?.Coverage is { } covered ? Share(covered) : "–", TextCell.Of(generators?.IntervalWidth, "0"), generators is null ? "–" : $"{generators.Predicted} of {generators.Rows}",
                    TextCell.Of(settings?.RankCorrelation, "0.00"), TextCell.Of(settings?.MeanAbsoluteError, "0.0"), settings is null ? "–" : $"{settings.Predicted} of {settings.Rows}",
                ];
            }),
        ],
        Notes =
        [
            "For each family of generators (and in the last columns, each setting) the predictor is the one that does best among the others, itself judged by holding out: the error of choosing and predicting together, which the winner's own error above understates.",
            .. nested.Where(entry => !entry.Winners.IsEmpty).Select(entry => $"Chosen among {entry.Among}: {string.Join("; ", entry.Winners.Select(winner => $"without {winner.Held}: {winner.Predictor ?? "none"}"))}."),
            .. from entry in nested
               from part in ((string, Computed<PredictionError>)[])[("generators", entry.LeavingGeneratorsOut), ("settings", entry.LeavingSettingsOut)]
               where part.Item2.Why is not null
               select $"{entry.Among}, {part.Item1} held out: cannot be computed, since {part.Item2.Why}.",
        ],
    };

    public static TextTable OfPredictions(IEnumerable<(string Generator, string Setting, Computed<PgrPrediction> Prediction)> predictions, PredictionStudy study) => new()
    {
        Id = "predictions",
        Title = "Expected PGR",
        Columns = ["data", "setting", new("expected PGR", true), new("low", true), new("high", true), "predictor", new("its error", true), "remark"],
        Rows =
        [
            .. predictions.Select(entry => entry.Prediction.ResultOrDefault is { } found
                ? (ImmutableArray<TextCell>)
                [
                    entry.Generator, entry.Setting, TextCell.Of(found.Pgr, "0.0"), TextCell.Of(found.Low, "0.0"), TextCell.Of(found.High, "0.0"), found.Predictor, TextCell.Of(found.MeanAbsoluteError, "0.0"),
                    found.LooksAtData ? "" : "knows the setting only: nothing measured of these data predicts better",
                ]
                : [entry.Generator, entry.Setting, "–", "–", "–", "none", "–", entry.Prediction.Why!]),
        ],
        Notes =
        [
            $"Learned from {study.Study.Source} (Agora {study.Agora}), and valid for its student, reference, recipe and benchmarks alone, with {study.SmallestData} to {study.LargestData} instances. The interval is of 95 % for a measurement with {study.TrainingSeeds} training seeds; the error is the predictor's mean absolute error on generators or settings that it never saw, a little flattered by having been chosen by it: \"agora predict learn\" prints the error of choosing and predicting together.",
        ],
    };

    private static TextCell Share(double share) => new(share.ToString("0 %", CultureInfo.InvariantCulture), share);
}
