using System.Collections.Immutable;
using System.Globalization;
using Agora.Benchmarks;
using Agora.Recovery;
using Agora.Reports;
using Agora.Runs;
using Spectre.Console;

namespace Agora.Cli.Commands;

/// <summary>Evaluations, comparisons and self-tests as people read them; scores in percent.</summary>
internal static class EvaluationTable
{
    /// <summary>What the benchmarks are large enough to tell, before anything is asked.</summary>
    public static void PrintDetectable(EvaluationRequest request) =>
        PrintDetectable(request.Benchmarks.Select(benchmark => new BenchmarkSize(benchmark.Benchmark.Name, benchmark.Benchmark.Items.Length)), request.Confidence.Level);

    /// <param name="level">Of the test, in percent.</param>
    public static void PrintDetectable(IEnumerable<BenchmarkSize> benchmarks, double level)
    {
        foreach (var (name, items) in benchmarks)
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{name}: {items} items can tell {100 * DetectableDifference.Of(items, level: level):0.0} points apart"
                + $" (two students whose answers correlate by {DetectableDifference.UsualCorrelation}; {100 * DetectableDifference.Of(items, correlation: 0, level: level):0.0}"
                + $" where they do not; scores near 50, power 80 %, confidence {level:0.#} %)"));
    }

    public static void Print(EvaluationOutcome outcome)
    {
        var record = outcome.Record;
        var table = TerminalTable.Empty("benchmark", new("score", true), new("standard error", true), string.Create(CultureInfo.InvariantCulture, $"{record.ConfidenceLevel:0.#} % interval"), new("items", true), new("answers", true), new("cut off", true), new("empty", true), new("not graded", true));
        foreach (var score in record.Scores)
        {
            AddRow(table, score.Benchmark, score.Estimate, score);
            foreach (var pass in score.PassAt)
                AddRow(table, $"{score.Benchmark} pass@{pass.K}", pass.Estimate, score);
        }
        Terminal.Out.Write(table);
        foreach (var score in record.Scores.Where(score => score is { FewShot: > 0 } or { PromptStyle: not (null or "chat") }))
            Terminal.Out.WriteLine($"{score.Benchmark}: asked in the style {score.PromptStyle}, exemplars before each item: {score.FewShot}");
        foreach (var judged in record.Scores.Select(score => score.Judging).OfType<JudgingEntry>())
            PrintJudging(judged);
        var answers = record.Scores.Sum(score => score.Answers);
        var reasons = record.Scores.SelectMany(score => score.Unscored).GroupBy(reason => reason.Reason).Select(group => (Reason: group.Key, Answers: group.Sum(reason => reason.Answers))).ToList();
        Terminal.Out.WriteLine($"{reasons.Sum(reason => reason.Answers)} of {answers} answers could not be graded{string.Concat(reasons.Select(reason => $"; {reason.Answers}: {reason.Reason}"))}");
        foreach (var score in record.Scores)
            foreach (var (reason, count) in score.Unsearchable)
                Terminal.Out.WriteLine($"{score.Benchmark}: {count} of {score.Answers} answers count as wrong: {reason}");
        foreach (var score in record.Scores.Where(score => score.Sandbox is { TimeScale: > 1 }))
            Terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{score.Benchmark}: this machine runs Python slowly, so programs had {score.Sandbox!.TimeScale:0.#} times {score.Sandbox.Seconds:0.#} s"));
        if (record.Scores.Any(score => score.Grader.Contains("unsafe-no-sandbox", StringComparison.Ordinal)))
            Terminal.Out.WriteLine("code ran without a sandbox");
        Terminal.Out.WriteLine($"samples: {Path.GetRelativePath(Environment.CurrentDirectory, outcome.Folder.FullPath)}");
    }

    private static void PrintJudging(JudgingEntry judged)
    {
        string[] figures =
        [
            .. new (string Name, double? Value)[]
            {
                ("length-controlled win rate", judged.LengthControlledWinRate), ("win rate", judged.WinRate), ("discrete win rate", judged.DiscreteWinRate),
            }.Where(figure => figure.Value is not null).Select(figure => string.Create(CultureInfo.InvariantCulture,
                $"{figure.Name} {figure.Value:0.00}{(figure.Name[0] == 'l' && judged.LengthControlledError is { } error ? $" ± {error:0.00}" : "")}")),
        ];
        var interval = judged is { Low: { } low, High: { } high } ? string.Create(CultureInfo.InvariantCulture, $" [{low:0.0}, {high:0.0}] over questions{(judged is { PublishedLow: { } from, PublishedHigh: { } to } ? string.Create(CultureInfo.InvariantCulture, $", [{from:0.0}, {to:0.0}] as published") : "")}") : "";
        Terminal.Out.WriteLine($"{judged.Benchmark}: {string.Join(", ", figures)}{interval}{(judged.Elo is { } elo ? string.Create(CultureInfo.InvariantCulture, $", Elo {elo:0.0}") : "")}");
        if (judged is { StyleControlledWinRate: { } styled, StyleControlledLow: { } least, StyleControlledHigh: { } most })
            Terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  at equal length and Markdown: win rate {styled:0.0} [{least:0.0}, {most:0.0}] over battles"));
        foreach (var judge in judged.Judges)
            Terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"  {judge.Judge}: {judge.Readable} of {judge.Games} verdicts read{(judge.Score is { } score ? $", score {score:0.0}" : "")}{(judge.PositionGain is { } gain ? $", an answer gains {gain:0.0} points by standing first" : "")}"));
        foreach (var pair in judged.Agreements)
            Terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {pair.First} and {pair.Second} on {pair.Items} answers: kappa {JudgeTables.Number(pair.Kappa)}, Spearman {JudgeTables.Number(pair.Spearman)}"));
        foreach (var warning in judged.Warnings)
            Terminal.Out.WriteLine($"  {warning}");
    }

    public static void Print(ImmutableArray<ComparedPair> pairs, double level)
    {
        var table = TerminalTable.Empty("benchmark", "first", "second", new("difference", true), new("standard error", true), string.Create(CultureInfo.InvariantCulture, $"{level:0.#} % interval"), "better, worse", new("McNemar p", true), new("bootstrap p", true), new("corrected p", true), new("could tell", true));
        foreach (var (benchmark, first, second, comparison) in pairs)
        {
            table.AddRow([
                .. new[]
                {
                    benchmark, first, second, Signed(comparison.Difference), comparison.StandardError is { } error ? Points(error) : "none", Interval(comparison.Interval, Signed),
                    $"{comparison.FirstBetter}, {comparison.SecondBetter} of {comparison.Items}", comparison.McNemarP is { } p ? Probability(p) : "not right or wrong",
                    Probability(comparison.BootstrapP), Probability(comparison.AdjustedP), Points(comparison.Detectable),
                }.Select(Markup.Escape)]);
        }
        Terminal.Out.Write(table);
        foreach (var pair in pairs.Where(pair => pair.Comparison.Unpaired > 0))
            Terminal.Out.WriteLine($"{pair.Benchmark}: {pair.Comparison.Unpaired} items have a grade on one side only and are left out ({pair.First}, {pair.Second})");
        if (pairs.Length > 1)
            Terminal.Out.WriteLine($"p-values are corrected for {pairs.Length} comparisons (Holm)");
    }

    public static void Print(ImmutableArray<SelfTestLine> lines)
    {
        var table = TerminalTable.Empty("benchmark", "answers", new("count", true), new("score", true), new("must be", true), new("not graded", true), "verdict");
        foreach (var line in lines)
        {
            var wanted = line.Expected is { } expected ? Points(expected) : "low";
            var verdict = line.Count == 0 ? "none to give" : line.Surprises.IsEmpty ? "ok" : $"{line.Surprises.Length} wrong";
            table.AddRow([.. new[] { line.Benchmark, line.Answers.ToString().ToLowerInvariant(), $"{line.Count}", line.Mean is { } mean ? Points(mean) : "none", wanted, $"{line.Unscored}", verdict }.Select(Markup.Escape)]);
        }
        Terminal.Out.Write(table);
        foreach (var line in lines)
            foreach (var surprise in line.Surprises.Take(5))
                Terminal.Out.WriteLine($"{line.Benchmark}, {line.Answers.ToString().ToLowerInvariant()} answers: {surprise}");
    }

    private static void AddRow(Table table, string title, ClusteredScore? estimate, EvaluationScore score) => table.AddRow([
        .. new[]
        {
            title, estimate is null ? "none" : Points(estimate.Mean), estimate?.StandardError is { } error ? Points(error) : "none",
            estimate is null ? "" : $"{Interval(estimate.Interval, Points)} {estimate.IntervalMethod}", $"{estimate?.Items ?? 0} of {score.Items}", $"{score.Answers}", $"{score.CutOff}", $"{score.Empty}",
            $"{score.Unscored.Sum(reason => reason.Answers)}",
        }.Select(Markup.Escape)]);

    private static string Interval(ConfidenceInterval interval, Func<double, string> written) => interval is ConfidenceInterval.Bounds(var low, var high) ? $"[{written(low)}, {written(high)}]" : "none";

    private static string Points(double share) => (100 * share).ToString("0.0", CultureInfo.InvariantCulture);

    private static string Signed(double share) => (100 * share).ToString("+0.0;-0.0;0.0", CultureInfo.InvariantCulture);

    private static string Probability(double p) => p < 0.0001 ? "< 0.0001" : p.ToString("0.0000", CultureInfo.InvariantCulture);
}
