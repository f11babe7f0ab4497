using System.Collections.Immutable;
using System.Globalization;
using Agora.Analysis;
using Agora.Experiments;
using Agora.Reports.Tables;

namespace Agora.Reports;

/// <summary>What the money of whole data sets bought, as tables: frontiers, curves, and two generators for the same money.</summary>
internal static class PurchaseTables
{
    public static IEnumerable<TextTable> Of(StudyAnalysis analysis) => [.. Frontiers(analysis), .. Curves(analysis)];

    private static IEnumerable<TextTable> Frontiers(StudyAnalysis analysis)
    {
        if (analysis.Frontiers is not { } computed)
            yield break;
        if (computed is not Computed<ImmutableArray<ParetoFrontier>>.Value(var frontiers))
        {
            yield return AnalysisTables.Missing("pareto", "Dollars against PGR", computed.Why);
            yield break;
        }
        foreach (var frontier in frontiers)
        {
            yield return new TextTable
            {
                Id = Id(frontier),
                Title = $"Dollars against PGR: {Name(frontier)}",
                Columns = ["generator", "setting", "meta-prompt", new("instances", true), new("generation, $", true), new("of it filtering", true), new("training, $", true), new("all, $", true), new("PGR", true), new("low", true), new("high", true), "Pareto frontier"],
                Rows =
                [
                    .. frontier.Points.Select(point => (ImmutableArray<TextCell>)
                    [
                        point.Purchase.Generator, point.Purchase.Setting?.ToString() ?? "all", point.Purchase.MetaPrompt, TextCell.Count(point.Purchase.Instances), Dollars(point.Purchase.GenerationDollars), Dollars(point.Purchase.FilteringDollars),
                        analysis.Training.IsCounted ? Dollars(point.TrainingDollars) : new TextCell("not counted"), Dollars(point.Dollars), TextCell.Of(point.Purchase.Pgr, "0.0"), TextCell.Of(point.Purchase.Low, "0.0"), TextCell.Of(point.Purchase.High, "0.0"), Standing(point),
                    ]),
                ],
                Notes =
                [
                    "A purchase is on the frontier where no other beats it, that is costs no more and recovers at least as much. Generation counts rejected completions; filtering is the part of it for completions that checks and filters turned away, and for what a method's judge was asked.",
                    analysis.Training.IsCounted ? string.Create(CultureInfo.InvariantCulture, $"Training: one student{(frontier.Domain is null ? " a setting" : "")}, at {analysis.Training.DollarsPerHour:0.##} dollars an hour.") : "Training is not counted, since no price of an hour is given: budget.trainingDollarsPerHour in the experiment, or --gpu-price.",
                    .. frontier.Left.Select(reason => $"Without a place: {reason}."),
                ],
            };
        }
    }

    private static IEnumerable<TextTable> Curves(StudyAnalysis analysis)
    {
        if (analysis.Curves is not { } computed)
            yield break;
        if (computed is not Computed<ImmutableArray<ScalingCurve>>.Value(var curves))
        {
            yield return AnalysisTables.Missing("scaling", "PGR by the number of instances", computed.Why);
            yield break;
        }
        yield return new TextTable
        {
            Id = "scaling",
            Title = "PGR by the number of instances",
            Columns = ["generator", "setting", "meta-prompt", "measured", new("limit", true), new("half of it at", true), new("expected at four times the largest", true), new("low", true), new("high", true), new("misfit", true)],
            Rows =
            [
                .. curves.Select(curve =>
                {
                    var law = curve.Law.ResultOrDefault;
                    var far = law is null ? 0 : SameMoney.Extrapolation * law.LargestMeasured;
                    return (ImmutableArray<TextCell>)
                    [
                        curve.Generator, curve.Setting.ToString(), curve.MetaPrompt, string.Join(", ", curve.Points.Select(point => string.Create(CultureInfo.InvariantCulture, $"{point.Instances:#,0}: {point.Pgr:0.0}"))),
                        TextCell.Of(law?.Limit, "0.0"), TextCell.Of(law?.Half, "#,0"), TextCell.Of(law?.At(far), "0.0"), TextCell.Of(law?.IntervalAt(far).Low, "0.0"), TextCell.Of(law?.IntervalAt(far).High, "0.0"), TextCell.Of(law?.Misfit, "0.0"),
                    ];
                }),
            ],
            Notes =
            [
                "PGR(N) = limit · N / (N + half), by weighted least squares; intervals from 500 fits to points redrawn from their own intervals, widened by the misfit: how many times farther from the law the points lie than their intervals explain.",
                .. from curve in curves where curve.Law.Why is not null group $"{curve.Generator} {curve.Setting}" by curve.Law.Why into reason select $"No law for {string.Join(", ", reason)}: {reason.Key}.",
            ],
        };
        if (!analysis.SameMoney.IsEmpty)
            yield return Money(analysis);
    }

    private static TextTable Money(StudyAnalysis analysis) => new()
    {
        Id = "same_money",
        Title = "A cheap generator and more data, or a dear one and less",
        Columns = ["setting", new("dollars", true), "dear", new("instances", true), new("PGR", true), "cheap", new("instances", true), new("PGR", true), new("cheap minus dear", true), new("low", true), new("high", true), "better for this money"],
        Rows =
        [
            .. analysis.SameMoney.Select(pair => (ImmutableArray<TextCell>)
            [
                pair.Setting.ToString(), Dollars(pair.Dollars), pair.Dear.Generator, TextCell.Count(pair.Dear.Instances), TextCell.Of(pair.Dear.Pgr, "0.0"), pair.Cheap.Generator, TextCell.Count(pair.Cheap.Instances), TextCell.Of(pair.Cheap.Pgr, "0.0"),
                TextCell.Of(pair.Difference, "0.0"), TextCell.Of(pair.Low, "0.0"), TextCell.Of(pair.High, "0.0"), pair.Low > 0 ? "cheap and more" : pair.High < 0 ? "dear and less" : "not decided",
            ]),
        ],
        Notes = [$"The dear generator's largest measured data set, and as many instances of the cheap one as that costs, but no more than {SameMoney.Extrapolation} times its largest. Both PGRs by their fitted curves, the interval by independent redraws of both{(analysis.Training.IsCounted ? "" : "; training is not counted")}."],
    };

    internal static string Id(ParetoFrontier frontier) => frontier.Domain is { } domain ? $"pareto_{domain.Name()}" : "pareto_all";

    internal static string Name(ParetoFrontier frontier) => frontier.Domain is { } domain ? domain.Title().ToLowerInvariant() : "all settings together";

    private static string Standing(ParetoPoint point) => point.BetterOne is not { } better ? "yes"
        : $"no: {better.Generator}{(better.Setting is { } setting ? $", {setting.Method.Name().Replace('_', ' ')}" : "")}{(better.MetaPrompt != point.Purchase.MetaPrompt ? $" ({better.MetaPrompt})" : "")} beats it; {(point.IsCertain switch { true => "intervals apart", false => "intervals overlap", _ => "without intervals" })}";

    private static TextCell Dollars(double? dollars) => TextCell.Of(dollars, dollars is > 0 and < 1 ? "0.00##" : "#,0.00");
}
