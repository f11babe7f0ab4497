using System.Globalization;
using System.Text;
using Agora.Experiments;
using Agora.Recovery;

namespace Agora.Reports;

/// <summary>results.csv: one row per PGR, long form (RFC 4180), columns as the published tables name them.</summary>
internal static class ResultsCsv
{
    private static readonly string[] Columns =
    [
        "student", "generator", "method", "domain", "benchmark", "scope", "pgr_percent", "low_percent", "high_percent", "undefined_reason",
        "base_score", "reference_score", "student_score", "items", "excluded_items", "undefined_share", "training_seeds",
    ];

    public static string Render(RunReport report)
    {
        var text = new StringBuilder();
        Row(text, Columns);
        foreach (var estimate in report.Recovery.Estimates)
        {
            var entry = PgrEntry.Of(estimate);
            var (baseScore, reference, student) = estimate.Scope is RecoveryScope.OneBenchmark(var setting, var benchmark)
                ? (Score(new ScoredModel.OfAnchor(Anchor.Base)), Score(new ScoredModel.OfAnchor(Anchor.Reference)), Score(new ScoredModel.OfStudent(estimate.Generator, setting)))
                : (null, null, (double?)null);
            Row(text,
            [
                entry.Student, entry.Generator, entry.Method ?? "", entry.Domain ?? "", entry.Benchmark ?? "", entry.Scope, Number(entry.Percent), Number(entry.Low),
                Number(entry.High), entry.Undefined ?? "", Number(baseScore), Number(reference), Number(student), Number(entry.Items), Number(entry.ExcludedItems),
                Number(entry.UndefinedShare), Number(entry.TrainingSeeds),
            ]);

            double? Score(ScoredModel model) => report.Recovery.Scores
                .FirstOrDefault(score => score.Student == estimate.Student && score.Model == model && score.Domain == setting.Domain && score.Benchmark == benchmark)
                ?.Score is ScoreValue.Mean(var value, _) ? value : null;
        }
        return text.ToString();
    }

    private static string Number(double? value) => value?.ToString("R", CultureInfo.InvariantCulture) ?? "";

    private static void Row(StringBuilder text, IEnumerable<string> cells) => text.AppendJoin(',', cells.Select(CsvTable.Quoted)).Append("\r\n");
}
