using System.Collections.Immutable;
using System.Globalization;
using Agora.Analysis;
using Agora.Analysis.Published;
using Agora.Experiments;
using Agora.Reports.Tables;

namespace Agora.Reports;

/// <summary>An analysis as tables.</summary>
public static class AnalysisTables
{
    /// <summary>What the paper says beside what its tables give, the slips in them, then the analyses.</summary>
    public static ImmutableArray<TextTable> Of(PublishedAnalysis published) =>
    [
        Claims(published),
        Slips(published),
        .. Of(published.Analysis, [("coarse, averages as printed", published.CoarseAsPrinted)]),
    ];

    public static ImmutableArray<TextTable> Of(StudyAnalysis analysis) => Of(analysis, []);

    private static ImmutableArray<TextTable> Of(StudyAnalysis analysis, ImmutableArray<(string Name, AbilityRegression Regression)> more) =>
    [
        Regressions(analysis, more),
        Components(analysis),
        Contributions(analysis),
        ComponentRegression(analysis),
        Predictions(analysis),
        .. MetaPrompts(analysis),
        .. Prices(analysis),
        .. PurchaseTables.Of(analysis),
    ];

    private static TextTable Claims(PublishedAnalysis published) => new()
    {
        Id = "claims",
        Title = "What the paper states and what its tables give",
        Columns = ["what", "where", "stated", new("computed", true), new("difference", true), "holds", "likely cause"],
        Rows =
        [
            .. published.Claims.Select(claim => (ImmutableArray<TextCell>)
            [
                claim.What, claim.Where, claim.StatedText, TextCell.Of(claim.Computed, claim.Computed is < 0.01 ? "0.00000" : "0.0000"), TextCell.Of(claim.Difference, "+0.0000;-0.0000"),
                claim.Holds switch { true => "yes", false => "no", _ => "cannot be said" }, claim.LikelyCause,
            ]),
        ],
        Notes = ["Nothing computed is bent to what is stated."],
    };

    private static TextTable Slips(PublishedAnalysis published) => new()
    {
        Id = "slips",
        Title = "Slips inside the tables",
        Columns = ["where", "what", new("stated", true), new("from the printed cells", true), new("difference", true), "likely cause"],
        Rows = [.. published.Slips.Select(slip => (ImmutableArray<TextCell>)[slip.Where, slip.What, TextCell.Of(slip.Stated, "0.00"), TextCell.Of(slip.Computed, "0.0000"), TextCell.Of(slip.Difference, "+0.0000;-0.0000"), slip.LikelyCause])],
        Notes = published.Slips.IsEmpty ? ["None was found."] : [],
    };

    private static TextTable Regressions(StudyAnalysis analysis, ImmutableArray<(string Name, AbilityRegression Regression)> more)
    {
        ImmutableArray<(string Name, AbilityRegression Regression)> all =
            [("coarse", analysis.Coarse), .. more, ("fine, by domain", analysis.FineByDomain), ("fine, by average", analysis.FineByAverage)];
        return new TextTable
        {
            Id = "ability",
            Title = "Does problem-solving ability explain PGR?",
            Columns = ["regression", new("n", true), new("R²", true), new("F", true), new("p", true), new("slope", true), new("low", true), new("high", true)],
            Rows =
            [
                .. all.Select(entry => (ImmutableArray<TextCell>)(entry.Regression.Fit.ResultOrDefault is { } fit
                    ? [entry.Name, TextCell.Count(fit.Observations), TextCell.Of(fit.RSquared, "0.0000"), TextCell.Of(fit.F, "0.000"), P(fit.P), TextCell.Of(fit.Slopes[0].Value, "0.000"), TextCell.Of(fit.Slopes[0].Low, "0.000"), TextCell.Of(fit.Slopes[0].High, "0.000")]
                    : [entry.Name, TextCell.Count(entry.Regression.Data.Length), .. Enumerable.Repeat<TextCell>("–", 6)])),
            ],
            Notes =
            [
                $"Slope in points of PGR for a point of benchmark score, with {Level(analysis)} intervals.",
                .. all.Select(entry => entry.Regression.Fit.Why is { } why ? $"{entry.Name}: cannot be computed, since {why}." : $"{entry.Name}: {entry.Regression.Points}."),
            ],
        };
    }

    private static TextTable Components(StudyAnalysis analysis)
    {
        var (title, components) = ("Components of the intrinsic profile", analysis.Components);
        if (components.Components.ResultOrDefault is not { } found)
            return Missing("components", title, components.Components.Why);
        return new TextTable
        {
            Id = "components",
            Title = title,
            Columns = ["feature", .. Enumerable.Range(1, found.Eigenvalues.Length).Select(place => new TextColumn($"{place}", true))],
            Rows =
            [
                Row("explained variance, %", found.ExplainedVariance.Select(share => TextCell.Of(100 * share, "0.00"))),
                Row("cumulative, %", found.ExplainedVariance.Select((_, place) => TextCell.Of(100 * found.ExplainedVariance.Take(place + 1).Sum(), "0.00"))),
                .. found.Features.Select((feature, place) => Row(feature, found.Loadings.Select(loading => TextCell.Of(loading[place], "0.000")))),
            ],
            Notes = [$"{components.Rows} rows. Features are standardised by their population deviation; loadings are unit eigenvectors of the correlation matrix, each with its largest entry positive."],
        };
    }

    private static TextTable Contributions(StudyAnalysis analysis)
    {
        const string Title = "Contribution of each feature";
        return analysis.Components.Contributions.IsEmpty ? Missing("contributions", Title, analysis.Components.Components.Why) : new TextTable
        {
            Id = "contributions",
            Title = Title,
            Columns = ["feature", new("strength", true), new("contribution, %", true)],
            Rows = [.. analysis.Components.Contributions.OrderByDescending(entry => entry.Strength).Select(entry => (ImmutableArray<TextCell>)[entry.Feature, TextCell.Of(entry.Strength, "0.000"), TextCell.Of(entry.Percent, "0.00")])],
            Notes = ["Strength: mean over all components of |loading|·√eigenvalue, which is the mean absolute correlation of feature and component. Contribution: its share of the sum."],
        };
    }

    private static TextTable ComponentRegression(StudyAnalysis analysis)
    {
        const string Title = "PGR on the components";
        if (analysis.Components.Regression.ResultOrDefault is not { } fit)
            return Missing("component_regression", Title, analysis.Components.Regression.Why);
        return new TextTable
        {
            Id = "component_regression",
            Title = Title,
            Columns = ["term", new("coefficient", true), new("standard error", true), new("t", true), new("p", true), new("low", true), new("high", true)],
            Rows =
            [
                .. ((IEnumerable<Coefficient>)[fit.Intercept, .. fit.Slopes]).Select(term => (ImmutableArray<TextCell>)
                    [term.Name, TextCell.Of(term.Value, "0.000"), TextCell.Of(term.StandardError, "0.000"), TextCell.Of(term.T, "0.00"), P(term.P), TextCell.Of(term.Low, "0.000"), TextCell.Of(term.High, "0.000")]),
            ],
            Notes =
            [
                string.Create(CultureInfo.InvariantCulture, $"R² = {fit.RSquared:0.0000}, adjusted {fit.AdjustedRSquared:0.0000}; F({fit.ModelDegrees}, {fit.ResidualDegrees}) = {fit.F:0.000}, p = {fit.P:0.00000}; residual standard error {fit.ResidualStandardError:0.00} points; {fit.Observations} rows."),
                "In-sample figures flatter: see what survives when generators are held out.",
            ],
        };
    }

    private static TextTable Predictions(StudyAnalysis analysis) => new()
    {
        Id = "predictions",
        Title = "What predicts PGR of a generator or a setting that was not seen",
        Columns = ["predictor", new("R² in sample", true), new("R² generators held out", true), new("error, points", true), new("rank correlation", true), new("R² settings held out", true), new("error, points", true)],
        Rows =
        [
            .. analysis.Predictions.Select(entry => (ImmutableArray<TextCell>)
            [
                entry.Predictor, RSquared(entry.InSample), RSquared(entry.LeavingGeneratorsOut), TextCell.Of(entry.LeavingGeneratorsOut.ResultOrDefault?.RootMeanSquareError, "0.0"),
                TextCell.Of(entry.LeavingGeneratorsOut.ResultOrDefault?.RankCorrelation, "0.00"), RSquared(entry.LeavingSettingsOut), TextCell.Of(entry.LeavingSettingsOut.ResultOrDefault?.RootMeanSquareError, "0.0"),
            ]),
        ],
        Notes =
        [
            .. analysis.Verdict() is { } verdict ? (IEnumerable<string>)[$"{char.ToUpperInvariant(verdict[0])}{verdict[1..]}."] : [],
            "R² = 1 − SSE/SST about the mean of all rows in every column, so that the columns compare; below 0 is worse than the mean of everything. Rank correlation (Spearman) and error belong to the column on their left.",
            .. analysis.Predictions.Select(entry => $"{entry.Predictor}: {entry.How}."),
            .. from entry in analysis.Predictions
               from part in ((string, Computed<PredictionError>)[])[("in sample", entry.InSample), ("generators held out", entry.LeavingGeneratorsOut), ("settings held out", entry.LeavingSettingsOut)]
               where part.Item2.Why is not null
               group $"{entry.Predictor} {part.Item1}" by part.Item2.Why into reason
               select $"{string.Join(", ", reason)}: cannot be computed, since {reason.Key}.",
        ],
    };

    private static IEnumerable<TextTable> MetaPrompts(StudyAnalysis analysis)
    {
        if (analysis.MetaPrompts is not Computed<ImmutableArray<MetaPromptComparison>>.Value(var comparisons))
        {
            yield return Missing("meta_prompts", "Meta-prompts", analysis.MetaPrompts.Why);
            yield break;
        }
        yield return new TextTable
        {
            Id = "meta_prompts",
            Title = "Meta-prompts, paired by generator and setting",
            Columns = ["first", "second", "over", new("pairs", true), new("difference", true), new("low", true), new("high", true), new("effect size", true), new("effect low", true), new("effect high", true), new("p (t)", true), new("p (Wilcoxon)", true), "first better : second better"],
            Rows =
            [
                .. comparisons.Select(pair => (ImmutableArray<TextCell>)
                [
                    pair.First, pair.Second, pair.Method?.Name() ?? pair.Generator ?? "all", TextCell.Count(pair.Pairs), TextCell.Of(pair.Difference, "0.00"), TextCell.Of(pair.Test.ResultOrDefault?.Low, "0.00"), TextCell.Of(pair.Test.ResultOrDefault?.High, "0.00"),
                    TextCell.Of(pair.Test.ResultOrDefault?.EffectSize, "0.00"), TextCell.Of(pair.Test.ResultOrDefault?.EffectLow, "0.00"), TextCell.Of(pair.Test.ResultOrDefault?.EffectHigh, "0.00"), pair.Test.ResultOrDefault is { } test ? P(test.P) : "–", P(pair.WilcoxonP), $"{pair.FirstBetter} : {pair.SecondBetter}",
                ]),
            ],
            Notes =
            [
                $"Difference in points of PGR, first minus second, with {Level(analysis)} intervals of a paired t-test; effect size is the mean over the sample deviation of the differences, its interval that of the noncentral t. Pairs of one generator are not independent of each other, which makes p and intervals too small; p is not corrected for the number of rows.",
                .. from pair in comparisons where pair.Test.Why is not null select $"{pair.First}, {pair.Second}, {pair.Method?.Name() ?? pair.Generator ?? "all"}: no test, since {pair.Test.Why}.",
            ],
        };
    }

    private static IEnumerable<TextTable> Prices(StudyAnalysis analysis)
    {
        if (analysis.Prices is not Computed<ImmutableArray<PriceComparison>>.Value(var prices))
        {
            yield return Missing("prices", "What the money buys", analysis.Prices.Why);
            yield break;
        }
        yield return new TextTable
        {
            Id = "prices",
            Title = "What the money buys",
            Columns = ["generator", new("$ per M input", true), new("$ per M output", true), new("mean PGR", true), new("PGR per $", true), new("times cheaper than the dearest", true), new("instances for the dearest's 10,000", true), "Pareto frontier"],
            Rows =
            [
                .. prices.OrderBy(price => price.OutputPrice).Select(price => (ImmutableArray<TextCell>)
                [
                    price.Generator, TextCell.Of(price.InputPrice, "0.000"), TextCell.Of(price.OutputPrice, "0.000"), TextCell.Of(price.Pgr, "0.00"), TextCell.Of(price.PgrPerDollar, "0.00"), TextCell.Of(price.TimesCheaperThanDearest, "0.0"),
                    TextCell.Of(price.InstancesForTheSameMoney, "#,0"), price.DominatedBy is { } better ? $"no: {better} is no dearer and no worse" : "yes",
                ]),
            ],
            Notes = ["Prices of output tokens decide; instances for the same money assume the same number of tokens each. More instances are not better instances: only a measured curve says what they add."],
        };
    }

    internal static TextTable Missing(string id, string title, string? why) => new() { Id = id, Title = title, Columns = ["cannot be computed"], Rows = [[why ?? "no reason given"]] };

    private static ImmutableArray<TextCell> Row(string name, IEnumerable<TextCell> cells) => [name, .. cells];

    private static TextCell RSquared(Computed<PredictionError> error) => TextCell.Of(error.ResultOrDefault?.RSquared, "0.000");

    private static TextCell P(double p) => new(p < 0.0001 ? "< 0.0001" : p.ToString("0.0000", CultureInfo.InvariantCulture), p);

    private static string Level(StudyAnalysis analysis) => string.Create(CultureInfo.InvariantCulture, $"{analysis.ConfidenceLevel:0.##} %");
}
