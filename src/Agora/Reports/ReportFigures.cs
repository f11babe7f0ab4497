using System.Collections.Immutable;
using Agora.Experiments;
using Agora.Recovery;

namespace Agora.Reports;

/// <summary>The figures of a report; null where there is nothing to draw.</summary>
internal static class ReportFigures
{
    public static IntervalPlot? Recovery(RunReport report)
    {
        var generators = Generators(report);
        var students = report.Recovery.Estimates.Select(estimate => estimate.Student).Distinct().ToList();
        var groups = report.Recovery.Estimates
            .Where(estimate => estimate.Scope is RecoveryScope.OneSetting or RecoveryScope.Overall)
            .GroupBy(estimate => (estimate.Student, estimate.Scope))
            .OrderBy(group => students.IndexOf(group.Key.Student))
            .ThenBy(group => group.Key.Scope is RecoveryScope.Overall)
            .ThenBy(group => group.Key.Scope is RecoveryScope.OneSetting(var setting) ? setting : default)
            .Select(group => new PlotGroup(
                students.Count > 1 ? $"{group.Key.Student}: {ReportText.Of(group.Key.Scope)}" : ReportText.Of(group.Key.Scope),
                [.. group.Select(estimate => Row(estimate, generators.IndexOf(estimate.Generator)))]))
            .ToImmutableArray();
        return groups.IsEmpty ? null : new IntervalPlot
        {
            Title = "Performance gap recovered, by setting and generator",
            Description = "One row per generator in each setting: the estimate as a mark, its confidence interval as a line. The table of PGR holds the same figures.",
            Axis = "PGR in percent: 0 is the base model, 100 the reference",
            Groups = groups,
            Range = (0, 100),
            Limit = (-100, 200),
            References = [0, 100],
        };
    }

    public static IntervalPlot? Scores(RunReport report)
    {
        var generators = Generators(report);
        var students = report.Recovery.Scores.Select(score => score.Student).Distinct().ToList();
        var groups = report.Recovery.Scores
            .GroupBy(score => (score.Student, score.Domain, score.Benchmark))
            .Select(group => new PlotGroup(
                (students.Count > 1 ? $"{group.Key.Student}: " : "") + $"{group.Key.Domain.Title()}, {group.Key.Benchmark}",
                [.. group.Select(score => Row(score, generators))]))
            .ToImmutableArray();
        return groups.IsEmpty ? null : new IntervalPlot
        {
            Title = "Scores by benchmark",
            Description = "Base model, reference and every student on each benchmark, with confidence intervals. The table of scores holds the same figures.",
            Axis = "score in percent",
            Groups = groups,
            Range = (0, 100),
            Limit = (0, 100),
        };
    }

    public static StackedBars? Tokens(RunReport report) => report.DataSets.IsEmpty ? null : new StackedBars
    {
        Title = "Tokens and dollars by data set",
        Description = "Input tokens, output tokens that became instances, and output tokens of rejected completions. The table of data sets holds the same figures.",
        Series = ["input", "output, kept", "output, rejected"],
        Rows =
        [
            .. report.DataSets.Select(data => new BarRow(
                Label(data),
                [data.InputTokens, data.KeptOutputTokens, Math.Max(0, data.OutputTokens - data.KeptOutputTokens)],
                $"{ReportText.Count(data.InputTokens + data.OutputTokens)} · {ReportText.Dollars(data.Dollars)}")),
        ],
    };

    public static StackedBars? Rejects(RunReport report)
    {
        var reasons = report.DataSets.SelectMany(data => data.Rejects).GroupBy(reject => reject.Reason)
            .OrderByDescending(group => group.Sum(reject => reject.Completions)).ThenBy(group => group.Key, StringComparer.Ordinal)
            .Select(group => group.Key).ToList();
        if (reasons.Count == 0)
            return null;
        // As many as there are colours; the table names them all.
        ImmutableArray<string> series = reasons.Count <= PlotMarker.Series ? [.. reasons] : [.. reasons.Take(PlotMarker.Series - 1), "other reasons"];
        return new StackedBars
        {
            Title = "Rejected completions by reason",
            Description = "How many completions each check rejected, by data set. The table of data sets holds the same figures.",
            Series = series,
            Rows =
            [
                .. report.DataSets.Select(data => new BarRow(
                    Label(data),
                    [
                        .. series.Select((name, index) => (double)data.Rejects
                            .Where(reject => reasons.IndexOf(reject.Reason) is var place && (place == index || (index == PlotMarker.Series - 1 && place > index)))
                            .Sum(reject => reject.Completions)),
                    ],
                    $"{ReportText.Count(data.Rejects.Sum(reject => reject.Completions))} of {ReportText.Count(data.Completions)}")),
            ],
        };
    }

    /// <summary>Decides a generator's colour and shape, the same in every figure.</summary>
    public static ImmutableArray<string> Generators(RunReport report) => [.. report.Recovery.Estimates.Select(estimate => estimate.Generator).Distinct()];

    private static PlotRow Row(RecoveryEstimate estimate, int series)
    {
        var bounds = estimate.Interval as ConfidenceInterval.Bounds;
        return new PlotRow(
            estimate.Generator, series % PlotMarker.Series, (estimate.Pgr as PerformanceGapRecovered.Percent)?.Value, bounds?.Low, bounds?.High,
            estimate.Pgr is PerformanceGapRecovered.Undefined ? ReportText.Undefined : $"{ReportText.Of(estimate.Pgr)} {ReportText.Of(estimate.Interval)}");
    }

    private static PlotRow Row(ScoreEstimate score, ImmutableArray<string> generators)
    {
        var mean = score.Score as ScoreValue.Mean;
        var bounds = mean?.Interval as ConfidenceInterval.Bounds;
        var (label, series) = score.Model switch
        {
            // Neither is a generator: they take the two series after the last of them.
            ScoredModel.OfAnchor(var anchor) => (ReportText.Of(score.Model), generators.Length + (int)anchor),
            ScoredModel.OfStudent(var generator, var setting) => ($"{generator}, {Short(setting.Method)}", generators.IndexOf(generator)),
            _ => throw new InvalidOperationException($"no row for {score.Model}"),
        };
        return new PlotRow(label, series % PlotMarker.Series, 100 * mean?.Value, 100 * bounds?.Low, 100 * bounds?.High, ReportText.Of(score.Score));
    }

    private static string Short(GenerationMethod method) =>
        method == GenerationMethod.InstanceGeneration ? "instances"
        : method == GenerationMethod.ResponseGeneration ? "responses"
        : method == GenerationMethod.QualityEnhancement ? "enhancement"
        : method.Name().Replace('_', ' ');

    /// <summary>For the axes of small figures, in two lines.</summary>
    public static string Abbreviated(Setting setting)
    {
        var domain = setting.Domain switch { Domain.Math => "Math", Domain.Code => "Code", _ => "IF" };
        var method = setting.Method == GenerationMethod.InstanceGeneration ? "IG"
            : setting.Method == GenerationMethod.ResponseGeneration ? "RG"
            : setting.Method == GenerationMethod.QualityEnhancement ? "QE"
            : Short(setting.Method);
        return $"{domain}\n{method}";
    }

    private static string Label(DataSetFacts data) => $"{data.Generator}, {data.Setting.Domain.Title()}, {Short(data.Setting.Method)}";
}
