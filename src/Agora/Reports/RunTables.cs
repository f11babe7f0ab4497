using System.Collections.Immutable;
using System.Globalization;
using Agora.Experiments;
using Agora.IntrinsicMetrics;
using Agora.Recovery;
using Agora.Reports.Tables;

namespace Agora.Reports;

/// <summary>A run's tables, for LaTeX, CSV and the page alike.</summary>
public static class RunTables
{
    /// <summary>All that the run has, PGR first; the analysis last.</summary>
    public static ImmutableArray<TextTable> Of(RunReport report) =>
    [
        .. Pgr(report.Recovery),
        .. Besides(report),
    ];

    /// <summary>All but PGR.</summary>
    internal static ImmutableArray<TextTable> Besides(RunReport report) =>
    [
        .. report.DataSets.IsEmpty ? [] : (TextTable[])[Costs(report)],
        .. report.Profiles.IsEmpty ? [] : (TextTable[])[Metrics(report.Profiles)],
        .. report.Training.IsEmpty ? [] : (TextTable[])[Training(report.Training)],
        .. report.Analysis is { } analysis ? AnalysisTables.Of(analysis) : [],
    ];

    private static IEnumerable<TextTable> Pgr(RecoveryTable recovery)
    {
        var tables = PgrTable.Of(recovery);
        foreach (var (place, table) in tables.Index())
        {
            if (table.Blocks.IsEmpty)
                continue;
            yield return new TextTable
            {
                Id = place == 0 ? "pgr" : $"pgr_{place + 1}",
                Title = $"Student {table.Student}: performance gap recovered, %",
                Columns = ["generator", .. table.Blocks.SelectMany(block => block.Columns.Select(column => new TextColumn($"{block.Title}: {column}", true)))],
                Rows =
                [
                    .. table.Blocks[0].Rows.Select((row, index) => (ImmutableArray<TextCell>)
                    [
                        row.Generator,
                        .. table.Blocks.SelectMany(block => block.Rows[index].Cells).Select(cell => new TextCell($"{cell.Value}{(cell.Interval == "" ? "" : " ")}{cell.Interval}{(cell.Note is null ? "" : $" ({cell.Note})")}", cell.Percent)),
                    ]),
                ],
                Notes = [string.Create(CultureInfo.InvariantCulture, $"In brackets: intervals of {table.ConfidenceLevel:0.##} %."), .. table.Notes.Select((note, index) => $"({index + 1}) {note}")],
            };
        }
    }

    /// <summary>What each generator's data cost, and what a kept instance and a point of PGR cost by that.</summary>
    public static TextTable Costs(RunReport report)
    {
        var students = report.Recovery.Estimates.Select(estimate => estimate.Student).Distinct().ToArray();
        return new TextTable
        {
            Id = "costs",
            Title = "What the data cost",
            Columns = ["generator", new("instances", true), new("completions for each", true), new("output tokens for each", true), new("of these rejected", true), new("dollars", true), new("dollars for 1,000 instances", true), new("mean PGR, %", true), new("dollars for a point of PGR", true)],
            Rows =
            [
                .. report.DataSets.GroupBy(data => data.Generator).Select(own =>
                {
                    var valid = own.Sum(data => (long)data.Valid);
                    var output = own.Sum(data => data.OutputTokens);
                    var dollars = own.All(data => data.Dollars is not null) ? own.Sum(data => data.Dollars) : null;
                    var pgr = students.Length == 0 ? null : (Find(report.Recovery, students[0], own.Key)?.Pgr as PerformanceGapRecovered.Percent)?.Value;
                    return (ImmutableArray<TextCell>)
                    [
                        own.Key, TextCell.Count(valid), TextCell.Of(Ratio(own.Sum(data => data.Completions), valid), "0.00"), TextCell.Of(Ratio(output, valid), "#,0"),
                        TextCell.Of(100 * Ratio(output - own.Sum(data => data.KeptOutputTokens), output), "0.0' %'"),
                        Dollars((double?)dollars), Dollars(1000 * Ratio((double?)dollars, valid)), TextCell.Of(pgr, "0.0"),
                        pgr is > 0 ? Dollars(Ratio((double?)dollars, pgr)) : new TextCell(ReportText.NotMeasured),
                    ];
                }),
            ],
            Notes =
            [
                "Rejected completions are paid for and counted. Dollars by the prices in the experiment, of data generation alone; what was asked besides, by reason, stands in bill.json.",
                .. students.Length > 1 ? (string[])[$"PGR is that of student {students[0]}."] : [],
            ],
        };
    }

    // Overall, or the only setting where there is one.
    private static RecoveryEstimate? Find(RecoveryTable recovery, string student, string generator)
    {
        var own = recovery.Estimates.Where(estimate => estimate.Student == student && estimate.Generator == generator).ToArray();
        return own.FirstOrDefault(estimate => estimate.Scope is RecoveryScope.Overall) ?? (own.Where(estimate => estimate.Scope is RecoveryScope.OneSetting).ToArray() is [var only] ? only : null);
    }

    /// <summary>One row a data set, one column a metric.</summary>
    public static TextTable Metrics(ImmutableArray<DataSetProfile> profiles)
    {
        string[] names = [.. profiles.SelectMany(profile => profile.Metrics).Select(metric => metric.Name).Distinct()];
        return new TextTable
        {
            Id = "intrinsic_metrics",
            Title = "Intrinsic metrics of the data sets",
            Columns = ["generator", "setting", new("measured", true), .. names.Select(name => new TextColumn(name.Replace('_', ' '), true))],
            Rows =
            [
                .. profiles.Select(profile => (ImmutableArray<TextCell>)
                [
                    profile.Generator, profile.Setting?.Title() ?? ReportText.NotMeasured, TextCell.Count(profile.Measured),
                    .. names.Select(name => profile.Metrics.FirstOrDefault(metric => metric.Name == name) is { Value: { } value } metric
                        ? new TextCell(metric.Low is null ? Figure(value) : $"{Figure(value)} [{Figure(metric.Low.Value)}, {Figure(metric.High!.Value)}]", value)
                        : new TextCell(ReportText.NotMeasured)),
                ]),
            ],
            Notes =
            [
                "In brackets: intervals of 95 % over instances.",
                .. from profile in profiles
                   from metric in profile.Metrics
                   where metric.Missing is not null || metric.Left > 0
                   group $"{profile.Generator} {profile.Setting}" by $"{metric.Name.Replace('_', ' ')}: {metric.Missing ?? $"{ReportText.Count(metric.Left)} instances have no value"}" into reason
                   select $"{reason.Key} ({Listed([.. reason])}).",
            ],
        };
    }

    /// <summary>One row a trained student.</summary>
    public static TextTable Training(ImmutableArray<TrainingFacts> training) => new()
    {
        Id = "training",
        Title = "Training of the students",
        Columns = ["student", "data", "setting", new("seed", true), new("steps", true), new("tokens", true), new("response tokens", true), new("rows too long", true), new("first loss, nats", true), new("last loss, nats", true), new("held out: before, nats", true), new("after, nats", true)],
        Rows =
        [
            .. training.Select(one => (ImmutableArray<TextCell>)
            [
                one.Student, one.Generator, one.Setting.Title(), new(one.Seed.ToString(CultureInfo.InvariantCulture), one.Seed), TextCell.Count(one.Steps), TextCell.Count(one.Tokens), TextCell.Count(one.ResponseTokens), TextCell.Count(one.SkippedTooLong),
                TextCell.Of(one.FirstLossNats, "0.000"), TextCell.Of(one.FinalLossNats, "0.000"), TextCell.Of(one.HeldOut is [var before, ..] ? before.LossNats : null, "0.000"), TextCell.Of(one.HeldOut is [.., var after] ? after.LossNats : null, "0.000"),
            ]),
        ],
    };

    private static string Listed(string[] names) => names.Length <= 4 ? string.Join(", ", names) : $"{string.Join(", ", names.Take(4))} and {names.Length - 4} more";

    private static double? Ratio(double? part, double? whole) => whole is > 0 ? part / whole : null;

    private static TextCell Dollars(double? dollars) => dollars is { } known ? new(ReportText.Dollars((decimal)known), known) : new("no price");

    // Three digits that say something.
    private static string Figure(double value) => TextCell.Tiny(value, 0.0005) ?? Math.Abs(value) switch
    {
        0 => "0",
        >= 100 => value.ToString("#,0", CultureInfo.InvariantCulture),
        >= 10 => value.ToString("0.0", CultureInfo.InvariantCulture),
        >= 1 => value.ToString("0.00", CultureInfo.InvariantCulture),
        _ => value.ToString("0.000", CultureInfo.InvariantCulture),
    };
}
