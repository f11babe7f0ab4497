using System.Globalization;
using System.Text;
using Agora.Recovery;
using Agora.Reports.Tables;

namespace Agora.Reports;

/// <summary>The report as Markdown (GitHub's tables).</summary>
internal sealed class MarkdownReport
{
    private readonly RunReport report;
    private readonly StringBuilder text = new();

    private MarkdownReport(RunReport report) => this.report = report;

    public static string Render(RunReport report)
    {
        var markdown = new MarkdownReport(report);
        markdown.Write();
        return markdown.text.ToString();
    }

    private void Write()
    {
        Line($"# {Escaped(report.Experiment.Name)}");
        Line($"Written by Agora {Escaped(report.Version)}; random seed {report.Experiment.Seed}.");
        foreach (var table in PgrTable.Of(report.Recovery))
            Pgr(table);
        Missing();
        Scores();
        Judging();
        Comparisons();
        DataSets();
        ProblemSolving();
        Tables();
        Line("## How to read this");
        foreach (var explanation in ReportExplanations.Of(report))
            Line(Escaped(explanation));
    }

    private void Pgr(PgrTable table)
    {
        Line($"## Performance gap recovered: student {Escaped(table.Student)}");
        Line($"In percent, with {ReportText.Level(report.Recovery.Confidence)} intervals and the number n of benchmark items. Bold: the greatest of the column.");
        foreach (var block in table.Blocks)
        {
            Row([block.Title, .. block.Columns]);
            Row(["---", .. block.Columns.Select(_ => "---:")], escape: false);
            foreach (var (index, row) in block.Rows.Index())
                Row([Escaped(row.Generator), .. row.Cells.Select((cell, column) => Cell(cell, block.IsBest(index, column)))], escape: false);
            text.Append('\n');
        }
        foreach (var (index, note) in table.Notes.Index())
            Line($"[{index + 1}] {Escaped(note)}");
    }

    private static string Cell(PgrCell cell, bool best)
    {
        if (cell.Interval == "" && cell.Note is null)
            return cell.Value;
        var value = best ? $"**{cell.Value}**" : cell.Value;
        var note = cell.Note is null ? "" : $" [{cell.Note}]";
        return string.Create(CultureInfo.InvariantCulture, $"{value} {cell.Interval}{note} n={cell.Items}").Replace("  ", " ", StringComparison.Ordinal);
    }

    private void Missing()
    {
        if (report.Missing.IsEmpty)
            return;
        Line("## What is missing");
        foreach (var part in report.Missing)
            text.Append(CultureInfo.InvariantCulture, $"- {Escaped(part.What)}: {Escaped(ReportText.OneLine(part.Reason))}\n");
        text.Append('\n');
    }

    private void Scores()
    {
        Line("## Scores");
        Row(["benchmark", "model", "score in percent", "graded", "could not be graded"]);
        Row(["---", "---", "---:", "---:", "---"], escape: false);
        foreach (var score in report.Recovery.Scores)
        {
            Row([$"{score.Domain.Title()}, {score.Benchmark}", $"{ReportText.Of(score.Model)} ({score.Student})", ReportText.Of(score.Score), ReportText.Count(score.Graded),
                ReportExplanations.Ungraded(score.Unscored)]);
        }
        text.Append('\n');
    }

    private void Judging()
    {
        if (report.Judgments.IsEmpty)
            return;
        Line("## Judged benchmarks");
        Row(JudgingText.Header);
        Row(["---", "---", .. JudgingText.Header.Skip(2).Select(_ => "---:")], escape: false);
        foreach (var row in JudgingText.Rows(report))
            Row(row);
        text.Append('\n');
        foreach (var remark in JudgingText.Remarks(report))
            Line(Escaped(remark));
    }

    private void Comparisons()
    {
        if (report.Recovery.Comparisons.IsEmpty)
            return;
        Line("## Which generators differ");
        Row(["scope", "student", "pair", "difference in points", "p", "p, corrected", "verdict"]);
        Row(["---", "---", "---", "---:", "---:", "---:", "---"], escape: false);
        foreach (var pair in report.Recovery.Comparisons)
            Row([ReportText.Of(pair.Scope), pair.Student, $"{pair.First} − {pair.Second}", .. ReportExplanations.Verdict(pair, report.Recovery.Confidence)]);
        text.Append('\n');
    }

    private void DataSets()
    {
        if (report.DataSets.IsEmpty)
            return;
        Line("## Data sets");
        Row(["generator", "setting", "valid of wanted", "completions", "retries", "input tokens", "output tokens", "dollars", "rejects"]);
        Row(["---", "---", "---:", "---:", "---:", "---:", "---:", "---:", "---"], escape: false);
        foreach (var data in report.DataSets)
        {
            Row([data.Generator, data.Setting.Title(), $"{ReportText.Count(data.Valid)} of {ReportText.Count(data.Wanted)}", ReportText.Count(data.Completions),
                ReportText.Count(data.Retries), ReportText.Count(data.InputTokens), ReportText.Count(data.OutputTokens), ReportText.Dollars(data.Dollars),
                ReportExplanations.Rejects(data)]);
        }
        text.Append('\n');
        foreach (var data in report.DataSets)
            if (data.Shortfall is not null)
                Line($"{Escaped(data.Generator)}, {Escaped(data.Setting.Title())}: {Escaped(data.Shortfall)}");
    }

    private void ProblemSolving()
    {
        if (report.ProblemSolving.IsEmpty)
            return;
        Line("## The generators' own scores");
        Row(["generator", "benchmark", "score in percent", "graded", "could not be graded"]);
        Row(["---", "---", "---:", "---:", "---"], escape: false);
        foreach (var score in report.ProblemSolving)
            Row([score.Generator, $"{score.Domain.Title()}, {score.Benchmark}", ReportText.Of(score.Score), ReportText.Count(score.Graded), ReportExplanations.Ungraded(score.Unscored)]);
        text.Append('\n');
    }

    // What the page has as tables, too: costs, metrics, training and analysis.
    private void Tables()
    {
        foreach (var table in RunTables.Besides(report))
            text.Append(MarkdownTable.Render(table));
        if (report.AnalysisRemarks.IsEmpty)
            return;
        Line("## What the analysis leaves out");
        foreach (var remark in report.AnalysisRemarks)
            text.Append("- ").Append(Escaped(remark)).Append('\n');
        text.Append('\n');
    }

    private void Line(string paragraph) => text.Append(paragraph).Append("\n\n");

    private void Row(IEnumerable<string> cells, bool escape = true) =>
        text.Append("| ").AppendJoin(" | ", escape ? cells.Select(Escaped) : cells).Append(" |\n");

    private static string Escaped(string cell) => MarkdownTable.Escaped(cell);
}
