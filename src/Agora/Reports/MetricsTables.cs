using System.Collections.Immutable;
using Agora.IntrinsicMetrics;
using Agora.Reports.Tables;

namespace Agora.Reports;

/// <summary>Profiles of data sets as a table, one row a metric.</summary>
public static class MetricsTables
{
    public static TextTable Of(IEnumerable<DataSetProfile> profiles) => new()
    {
        Id = "metrics",
        Title = "Intrinsic metrics",
        Columns = ["generator", "setting", "metric", new("value", true), new("low", true), new("high", true), new("instances", true), new("without a value", true), "why there is none"],
        Rows =
        [
            .. from profile in profiles
               from metric in profile.Metrics
               select (ImmutableArray<TextCell>)
               [
                   profile.Generator, profile.Setting?.ToString() ?? "–", metric.Name, Figure(metric.Value), Figure(metric.Low), Figure(metric.High),
                   TextCell.Count(metric.Count), TextCell.Count(metric.Left), metric.Missing ?? "",
               ],
        ],
        Notes = ["Intervals of 95 % over instances. Distinct shares, self-BLEU, nearest distances, Vendi scores and topics are means over sets of 100 texts; of fewer texts they compare only with sets of that size."],
    };

    private static TextCell Figure(double? value) => value is { } known && TextCell.Tiny(known, 0.0005) is { } text ? new TextCell(text, known) : TextCell.Of(value, "0.####");
}
