using Agora.Figures;
using Agora.Recovery;
using Agora.Reports;
using Agora.Reports.Tables;
using Agora.Runs;
using Spectre.Console;

namespace Agora.Cli.Commands;

/// <summary>The end of a run: its report, and on stdout the PGR table in the paper's layout.</summary>
internal static class RunEnding
{
    /// <returns>The run's exit code.</returns>
    public static async Task<int> ReportAsync(RunOutcome outcome, bool json, CancellationToken cancellationToken)
    {
        var report = RunReporting.Of(outcome.Result, RunDataSets.Profiles(outcome.Folder));
        await RunReporting.WriteAsync(report, outcome.Folder, SkiaFigures.Png, cancellationToken);
        if (json)
        {
            Console.WriteLine(File.ReadAllText(outcome.Folder.PathOf(ReportFiles.Json)));
        }
        else
        {
            foreach (var table in PgrTable.Of(report.Recovery))
                Print(table);
            PrintUngraded(report);
            Terminal.Out.WriteLine($"report: {Path.GetRelativePath(Environment.CurrentDirectory, outcome.Folder.PathOf(ReportFiles.Html))}");
        }
        foreach (var data in outcome.Result.Incomplete)
            Terminal.Error.MarkupLine($"[yellow]incomplete[/]: {Markup.Escape($"{data.Generator} {data.Setting}: {data.Summary.Valid} of {data.Summary.Wanted} instances: {data.Summary.Shortfall}")}");
        TellRest(outcome);
        return outcome.ExitCode;
    }

    /// <summary>What the run cost, and what is not there and why; a budget that is used up is no failure, and is said once.</summary>
    public static void TellRest(RunOutcome outcome)
    {
        if (!outcome.Bill.Lines.IsEmpty)
            Terminal.Error.MarkupLine($"bill: {Markup.Escape(BillTable.Total(outcome.Bill))}; \"agora runs show {Markup.Escape(outcome.Folder.Id)} --bill\" lists it by reason");
        foreach (var failure in outcome.Failures.Where(failure => !failure.IsBudget))
            Terminal.Error.MarkupLine($"[red]failed[/]: {Markup.Escape($"{failure.Step.Name}: {failure.Fault.Message}")}");
        var stopped = outcome.Failures.Where(failure => failure.IsBudget).ToArray();
        if (stopped.Length > 0)
            Terminal.Error.MarkupLine($"[yellow]stopped[/]: {Markup.Escape($"{string.Join(", ", stopped.Select(failure => failure.Step.Name))}: {stopped[0].Fault.Message}")}");
    }

    private static void Print(PgrTable pgr)
    {
        Terminal.Out.WriteLine();
        Terminal.Out.MarkupLine($"[bold]Performance Gap Recovered, %[/] of student {Markup.Escape(pgr.Student)}: [[{pgr.ConfidenceLevel:0.#} % interval]], n benchmark items");
        foreach (var block in pgr.Blocks)
        {
            var table = TerminalTable.Empty([block.Title, .. block.Columns.Select(column => new TextColumn(column, true))]);
            for (var row = 0; row < block.Rows.Length; row++)
                table.AddRow([Markup.Escape(block.Rows[row].Generator), .. block.Rows[row].Cells.Select((cell, column) => Cell(cell, block.IsBest(row, column)))]);
            Terminal.Out.Write(table);
        }
        for (var note = 0; note < pgr.Notes.Length; note++)
            Terminal.Out.WriteLine($"({note + 1}) {pgr.Notes[note]}");
    }

    private static string Cell(PgrCell cell, bool best)
    {
        var value = Markup.Escape(cell.Value);
        var rest = Markup.Escape($"{(cell.Interval.Length == 0 ? "" : $" {cell.Interval}")}{(cell.Items == 0 ? "" : $" n={cell.Items}")}{(cell.Note is null ? "" : $" ({cell.Note})")}");
        return (best ? $"[bold]{value}[/]" : value) + rest;
    }

    // Said even where it is none: an ungraded answer is in no mean.
    private static void PrintUngraded(RunReport report)
    {
        var answers = report.Recovery.Scores.Sum(score => score.Graded + score.Unscored.Sum(reason => reason.Answers));
        var ungraded = report.Recovery.Scores.SelectMany(score => score.Unscored).GroupBy(reason => reason.Reason).ToList();
        Terminal.Out.WriteLine($"{ungraded.Sum(group => group.Sum(reason => reason.Answers))} of {answers} answers could not be graded"
            + string.Concat(ungraded.Select(group => $"; {group.Sum(reason => reason.Answers)}: {group.Key}")));
    }
}
