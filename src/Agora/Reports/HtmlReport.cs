using System.Collections.Immutable;
using System.Reflection;
using Agora.Experiments;
using Agora.Recovery;
using Agora.Reports.Figures;

namespace Agora.Reports;

/// <summary>The report as one HTML file: no network, light and dark, prints well; one script of its own, to leaf through instances.</summary>
internal sealed class HtmlReport
{
    private readonly RunReport report;
    private readonly SampleFiles samples;

    private HtmlReport(RunReport report, SampleFiles samples)
    {
        this.report = report;
        this.samples = samples;
    }

    public static string Render(RunReport report, SampleFiles samples) => new HtmlReport(report, samples).Page().Text;

    private Markup Page()
    {
        var sections = new (string Id, string Title, Markup Content)[]
        {
            ("pgr", "Performance gap recovered", Pgr()),
            ("scores", "Scores", Scores()),
            ("judging", "Judged benchmarks", Judging()),
            ("differences", "Which generators differ", Comparisons()),
            ("data", "Data sets", DataSets()),
            ("costs", "What the data cost", report.DataSets.IsEmpty ? Markup.None : HtmlTable.Render(RunTables.Costs(report))),
            ("metrics", "Intrinsic metrics", Metrics()),
            ("solving", "The generators' own scores", ProblemSolving()),
            ("analysis", "What explains PGR", Analysis()),
            ("training", "Training", Training()),
            ("instances", "Instances", InstanceBrowser.Render(report, samples)),
            ("samples", "Answers and rejected completions", HtmlSamples.Render(report, samples)),
            ("reading", "How to read this", Markup.Join(ReportExplanations.Of(report).Select(explanation => Markup.Of($"<p>{explanation}</p>\n")))),
            ("provenance", "Provenance", Provenance()),
            ("experiment", "Experiment", Experiment()),
        }.Where(section => section.Content != Markup.None).ToList();

        // The policy forbids requests and every script but this one, should text of a model ever get past the escaping.
        return Markup.Of($"""
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src '{InstanceBrowser.ScriptHash}'; base-uri 'none'; form-action 'none'">
            <meta name="generator" content="Agora {report.Version}">
            <title>{report.Experiment.Name} – Agora</title>
            <style>
            {Style()}</style>
            {(report.Instances.IsEmpty ? Markup.None : new Markup($"<script>{InstanceBrowser.Script}</script>"))}
            </head>
            <body>
            <header>
            <h1>{report.Experiment.Name}</h1>
            <p class="soft">{Summary()}</p>
            <nav aria-label="Sections"><ul>{Markup.Join(sections.Select(section => Markup.Of($"""<li><a href="#{section.Id}">{section.Title}</a></li>""")))}</ul></nav>
            </header>
            <main>
            {Missing()}{Markup.Join(sections.Select(section => Markup.Of($"""
                <section id="{section.Id}" class="{section.Id}">
                <h2>{section.Title}</h2>
                {section.Content}
                </section>

                """)))}</main>
            <footer><p>Written by Agora {report.Version}. The same figures for programs: <a href="{ReportFiles.Json}">{ReportFiles.Json}</a>, <a href="{ReportFiles.Csv}">{ReportFiles.Csv}</a>; as text: <a href="{ReportFiles.Markdown}">{ReportFiles.Markdown}</a>.</p></footer>
            </body>
            </html>

            """);
    }

    private string Summary()
    {
        // Data that were brought along count, too; a generator counts once, with however many meta-prompts it was asked.
        var rows = ReportFigures.Generators(report);
        var generators = rows.Select(report.Experiment.GeneratorBehind).Distinct().Count();
        var variants = rows.Where(report.Experiment.Generators.Contains).Select(report.Experiment.MetaPromptOf).Distinct().Count();
        var settings = report.Recovery.Estimates.Select(estimate => estimate.Scope).OfType<RecoveryScope.OneSetting>().Distinct().Count();
        var dollars = report.DataSets.Any(data => data.Dollars is not null) ? $" · {ReportText.Dollars(report.DataSets.Sum(data => data.Dollars ?? 0))} for data generation" : "";
        return $"{Counted(generators, "generator")} · {(variants > 1 ? $"{variants} meta-prompts · " : "")}{Counted(settings, "setting")} · "
            + $"{ReportText.Count(report.DataSets.Sum(data => (long)data.Valid))} instances generated · {ReportText.Level(report.Recovery.Confidence)} confidence · seed {report.Experiment.Seed}{dollars}";
    }

    private static string Counted(int count, string noun) => count == 1 ? $"1 {noun}" : $"{count} {noun}s";

    private Markup Missing() => report.Missing.IsEmpty ? Markup.None : Markup.Of($"""
        <div class="warning" role="note"><strong>This run is not complete.</strong><ul>{Markup.Join(report.Missing.Select(part => Markup.Of($"<li>{part.What}: {part.Reason}</li>")))}</ul></div>

        """);

    private Markup Pgr() => Markup.Join(
        [.. PgrTable.Of(report.Recovery).Select(Table), Drawing(ReportFigures.Recovery(report)?.Title, ReportFigures.Recovery(report)?.Render("figure-pgr")), Gallery(RunFigures.HeatMaps(report))]);

    private static Markup Table(PgrTable table)
    {
        var columns = table.Blocks.SelectMany(block => block.Columns.Select((title, column) => (block, title, column))).ToList();
        return Markup.Of($"""
            <div class="scroll" tabindex="0" role="region" aria-label="PGR of student {table.Student}"><table>
            <caption>Student {table.Student}: PGR in percent, its interval, and the number n of benchmark items. Bold: the greatest of the column.</caption>
            <thead><tr><th rowspan="2" scope="col">generator</th>{Markup.Join(table.Blocks.Select(block => Markup.Of($"""<th colspan="{block.Columns.Length}" scope="colgroup">{block.Title}</th>""")))}</tr>
            <tr>{Markup.Join(columns.Select(column => Markup.Of($"""<th scope="col" class="{(column.column == 0 ? "number first" : "number")}">{column.title}</th>""")))}</tr></thead>
            <tbody>
            {Markup.Join(table.Blocks.IsEmpty ? [] : table.Blocks[0].Rows.Select((row, index) => Markup.Of($"""<tr><th scope="row">{row.Generator}</th>{Markup.Join(columns.Select(column => Cell(column.block, index, column.column)))}</tr>""")), "\n")}
            </tbody></table></div>
            {(table.Notes.IsEmpty ? Markup.None : Markup.Of($"""<ol class="note">{Markup.Join(table.Notes.Select(note => Markup.Of($"<li>{note}</li>")))}</ol>"""))}

            """);
    }

    private static Markup Cell(PgrBlock block, int row, int column)
    {
        var cell = block.Rows[row].Cells[column];
        var classes = $"number{(column == 0 ? " first" : "")}{(block.IsBest(row, column) ? " best" : "")}";
        var note = cell.Note is null ? Markup.None : Markup.Of($"<sup>{cell.Note}</sup>");
        var interval = cell.Interval == "" ? Markup.None : Markup.Of($"""<span class="interval">{cell.Interval}</span>""");
        var items = cell.Value == ReportText.NotMeasured ? Markup.None : Markup.Of($"""<span class="items">n = {ReportText.Count(cell.Items)}</span>""");
        return Markup.Of($"""<td class="{classes}"><span class="estimate">{cell.Value}</span>{note}{interval}{items}</td>""");
    }

    private Markup Scores() => Markup.Join(
    [
        Drawing(ReportFigures.Scores(report)?.Title, ReportFigures.Scores(report)?.Render("figure-scores")),
        Rows("Mean grade in percent with its interval, and how many answers could not be graded. These are left out, and never count as wrong.",
            ["benchmark", "student", "model", "score", "graded", "could not be graded"], [3, 4],
            report.Recovery.Scores.Select(score => (string[])[$"{score.Domain.Title()}, {score.Benchmark}", score.Student, ReportText.Of(score.Model), ReportText.Of(score.Score),
                ReportText.Count(score.Graded), ReportExplanations.Ungraded(score.Unscored)])),
    ]);

    private Markup Judging() => report.Judgments.IsEmpty ? Markup.None : Markup.Join(
    [
        Rows("Figures as the benchmarks define them, and how the judges went about it.", JudgingText.Header, [2, 3, 4, 5, 6], JudgingText.Rows(report)),
        Markup.Join(JudgingText.Remarks(report).Select(remark => Markup.Of($"<p>{remark}</p>\n"))),
    ]);

    private Markup Comparisons()
    {
        Markup Table(IEnumerable<GeneratorComparison> pairs, string over) => Rows($"{over}: PGR of the first generator minus PGR of the second, in percentage points.",
            ["scope", "student", "pair", "difference", "p", "p, corrected", "verdict"], [3, 4, 5],
            pairs.Select(pair => (string[])[ReportText.Of(pair.Scope), pair.Student, $"{pair.First} − {pair.Second}", .. ReportExplanations.Verdict(pair, report.Recovery.Confidence)]));
        var overall = report.Recovery.Comparisons.Where(pair => pair.Scope is RecoveryScope.Overall).ToList();
        var settings = report.Recovery.Comparisons.Where(pair => pair.Scope is not RecoveryScope.Overall).ToList();
        return overall.Count == 0 ? Markup.None : Markup.Join(
        [
            Table(overall, "Over all settings"),
            settings.Count == 0 ? Markup.None : Markup.Of($"<details><summary>By setting: {ReportText.Count(settings.Count)} comparisons</summary>{Table(settings, "By setting")}</details>"),
        ]);
    }

    private Markup DataSets() => report.DataSets.IsEmpty ? Markup.None : Markup.Join(
    [
        Drawing(ReportFigures.Tokens(report)?.Title, ReportFigures.Tokens(report)?.Render("figure-tokens")),
        Drawing(ReportFigures.Rejects(report)?.Title, ReportFigures.Rejects(report)?.Render("figure-rejects")),
        Rows("What each generator wrote for each setting, and what it took.",
            ["generator", "setting", "valid of wanted", "completions", "retries", "input tokens", "output tokens", "dollars", "rejects"], [2, 3, 4, 5, 6, 7],
            report.DataSets.Select(data => (string[])[data.Generator, data.Setting.Title(), $"{ReportText.Count(data.Valid)} of {ReportText.Count(data.Wanted)}",
                ReportText.Count(data.Completions), ReportText.Count(data.Retries), ReportText.Count(data.InputTokens), ReportText.Count(data.OutputTokens),
                ReportText.Dollars(data.Dollars), ReportExplanations.Rejects(data)])),
        Markup.Join(report.DataSets.Where(data => data.Shortfall is not null).Select(data =>
            Markup.Of($"""<p class="warning">{data.Generator}, {data.Setting.Title()}: {data.Shortfall}</p>"""))),
    ]);

    private Markup ProblemSolving() => report.ProblemSolving.IsEmpty ? Markup.None : Rows(
        "Problem-solving ability: the generators' own mean grades in percent.",
        ["generator", "benchmark", "score", "graded", "could not be graded"], [2, 3],
        report.ProblemSolving.Select(score => (string[])[score.Generator, $"{score.Domain.Title()}, {score.Benchmark}", ReportText.Of(score.Score), ReportText.Count(score.Graded),
            ReportExplanations.Ungraded(score.Unscored)]));

    private Markup Metrics()
    {
        if (report.Profiles.IsEmpty)
            return Markup.None;
        var distributions = RunFigures.Distributions(report).ToList();
        return Markup.Join(
        [
            HtmlTable.Render(RunTables.Metrics(report.Profiles)),
            distributions.Count == 0 ? Markup.None : Markup.Of($"<details open=\"open\"><summary>How instances are distributed: {ReportText.Count(distributions.Count)} figures</summary>{Gallery(distributions)}</details>\n"),
        ]);
    }

    // The paper's figures 4 to 7 for this run, then the tables behind them.
    private Markup Analysis() => report.Analysis is not { } analysis ? Markup.None : Markup.Join(
    [
        analysis.Verdict() is { } verdict ? Markup.Of($"<p>In short: {verdict}.</p>\n") : Markup.None,
        report.AnalysisRemarks.IsEmpty ? Markup.None : Markup.Of($"""<ul class="note">{Markup.Join(report.AnalysisRemarks.Select(remark => Markup.Of($"<li>{remark}</li>")))}</ul>"""),
        Gallery(AnalysisFigures.Of(analysis, ReportFigures.Generators(report))),
        Markup.Join(AnalysisTables.Of(analysis).Select(table => Markup.Of($"<details><summary>{table.Title}</summary>{HtmlTable.Render(table)}</details>\n"))),
    ]);

    private Markup Provenance() => report.Provenance.IsEmpty ? Markup.None : Markup.Of($"""
        <p>Agora {report.Version}, seed {report.Experiment.Seed}. Equal keys mean equal results. Commit, packages and system stand in environment.json, what everything cost in bill.json, all steps in steps.json.</p>
        <details><summary>{ReportText.Count(report.Provenance.Length)} results and what they were made from</summary>
        {Rows("Results", ["result", "key", "made from"], [], report.Provenance.Select(entry => (string[])[entry.What, entry.Key, string.Join("; ", entry.From.Select(part => $"{part.Name} {part.Value}"))]))}</details>

        """);

    private Markup Training() => report.Training.IsEmpty ? Markup.None : Markup.Join([HtmlTable.Render(RunTables.Training(report.Training)), Gallery(TrainingFigures.Of(report))]);

    private static Markup Gallery(IEnumerable<Figure> figures)
    {
        var drawn = Markup.Join(figures.Select(figure => Markup.Of($"<figure>{figure.Inline()}</figure>\n")));
        return drawn == Markup.None ? Markup.None : Markup.Of($"""<div class="gallery">{drawn}</div>""");
    }

    private Markup Experiment() => Markup.Of($"""
        <details><summary>The experiment in full, defaults included</summary><pre tabindex="0">{ExperimentFile.Write(report.Experiment)}</pre></details>
        """);

    private static Markup Drawing(string? title, Markup? drawing) =>
        drawing is null ? Markup.None : Markup.Of($"<figure class=\"wide\" tabindex=\"0\"><figcaption>{title}</figcaption>\n{drawing.Value}\n</figure>\n");

    private static Markup Rows(string caption, ImmutableArray<string> titles, int[] numbers, IEnumerable<string[]> rows)
    {
        Markup Class(int column) => numbers.Contains(column) ? new Markup(" class=\"number\"") : Markup.None;
        return Markup.Of($"""
            <div class="scroll" tabindex="0" role="region" aria-label="{caption}"><table>
            <caption>{caption}</caption>
            <thead><tr>{Markup.Join(titles.Select((title, column) => Markup.Of($"<th scope=\"col\"{Class(column)}>{title}</th>")))}</tr></thead>
            <tbody>
            {Markup.Join(rows.Select(row => Markup.Of($"<tr>{Markup.Join(row.Select((cell, column) => Markup.Of($"<td{Class(column)}>{cell}</td>")))}</tr>")), "\n")}
            </tbody></table></div>

            """);
    }

    private static Markup Style()
    {
        using var resource = Assembly.GetExecutingAssembly().GetManifestResourceStream("Agora.Reports.report.css")
            ?? throw new InvalidOperationException("the style sheet is not in the assembly");
        return new Markup(new StreamReader(resource).ReadToEnd());
    }
}
