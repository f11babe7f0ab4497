using System.Collections.Immutable;
using System.Globalization;
using Agora.Benchmarks.Judged;

namespace Agora.Reports;

/// <summary>How the judged benchmarks are spelled out in reports.</summary>
internal static class JudgingText
{
    public static ImmutableArray<string> Header { get; } = ["benchmark", "model", "official figure", "plain win rate", "at equal style", "interval or error", "verdicts read", "gain of standing first"];

    public static IEnumerable<string[]> Rows(RunReport report) => report.Judgments.Select(entry => (string[])
    [
        entry.Judging.Benchmark, entry.Model, Percent(entry.Judging.Score), Percent(entry.Judging.AlpacaEval?.Plain.WinRate ?? entry.Judging.ArenaHard?.WinRate),
        Percent(entry.Judging.StyleControl?.WinRate ?? entry.Judging.AlpacaEval?.LengthControlledWinRate), Error(entry.Judging),
        string.Join(", ", entry.Judging.Judges.Select(judge => $"{ReportText.Count(judge.Readable)} of {ReportText.Count(judge.Games)}")),
        string.Join(", ", entry.Judging.Judges.Select(judge => judge.PositionGain is { } gain ? ReportText.Number(gain) : ReportText.NotMeasured)),
    ]);

    /// <summary>A sentence each: what to be wary of, how far judges agree, whom they favour.</summary>
    public static IEnumerable<string> Remarks(RunReport report)
    {
        foreach (var entry in report.Judgments)
        {
            foreach (var warning in entry.Judging.Warnings())
                yield return $"{entry.Judging.Benchmark}, {entry.Model}: {warning}.";
            foreach (var pair in entry.Judging.Agreements)
                yield return $"{entry.Judging.Benchmark}, {entry.Model}: {Agreement(pair)}.";
        }
        foreach (var self in report.SelfPreferences)
            yield return string.Create(CultureInfo.InvariantCulture, $"{self.Judge} gives its own answers {self.Own:+0.0;-0.0;0.0} points against the other judges{(self.Net is { } net ? $", {net:+0.0;-0.0;0.0} once its leniency with others is taken off" : "")}.");
    }

    public static string Agreement(JudgeAgreement pair) => string.Create(CultureInfo.InvariantCulture,
        $"{pair.First} and {pair.Second} name the same winner for {Percent(100 * pair.SameWinner)} of {pair.Items} answers (kappa {Decimal(pair.Kappa)}, Spearman {Decimal(pair.Spearman)}); mean shares {Percent(pair.FirstScore)} and {Percent(pair.SecondScore)}");

    private static string Error(JudgingSummary judging) => judging switch
    {
        { AlpacaEval: { LengthControlledFullError: { } error } } => $"± {ReportText.Number(error)}",
        { AlpacaEval.Plain.StandardError: { } error } => $"± {ReportText.Number(error)}",
        { ArenaHard.QuestionInterval: { } ends } => $"[{ReportText.Number(ends.Low)}, {ReportText.Number(ends.High)}]",
        _ => ReportText.NotMeasured,
    };

    private static string Percent(double? value) => value is { } percent ? $"{ReportText.Number(percent)} %" : ReportText.NotMeasured;

    private static string Decimal(double? value) => value?.ToString("0.00", CultureInfo.InvariantCulture) ?? "undefined";
}
