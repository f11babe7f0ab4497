using System.Collections.Immutable;
using Agora.Experiments;
using Agora.Recovery;

namespace Agora.Reports;

/// <summary>PGR in the paper's layout: generators are rows; methods are blocks of columns, with one column per domain and their mean.</summary>
public sealed record PgrTable
{
    public required string Student { get; init; }
    /// <summary>In percent.</summary>
    public required double ConfidenceLevel { get; init; }
    public required ImmutableArray<PgrBlock> Blocks { get; init; }
    /// <summary>What cells refer to: why a value is undefined or has no interval.</summary>
    public required ImmutableArray<string> Notes { get; init; }

    /// <summary>One table per student of the experiment.</summary>
    public static ImmutableArray<PgrTable> Of(RecoveryTable recovery) =>
        [.. recovery.Estimates.Select(estimate => estimate.Student).Distinct().Select(student => Of(recovery, student))];

    private static PgrTable Of(RecoveryTable recovery, string student)
    {
        var own = recovery.Estimates.Where(estimate => estimate.Student == student).ToList();
        var generators = own.Select(estimate => estimate.Generator).Distinct().ToList();
        var settings = own.Select(estimate => estimate.Scope).OfType<RecoveryScope.OneSetting>().Select(scope => scope.Setting).Distinct().Order().ToList();
        var notes = new List<string>();

        PgrBlock Block(string title, IReadOnlyList<(string Title, RecoveryScope Scope, int Settings)> columns) => new(
            title,
            [.. columns.Select(column => column.Title)],
            [
                .. generators.Select(generator => new PgrRow(generator,
                    [.. columns.Select(column => Cell(own.Find(estimate => estimate.Generator == generator && estimate.Scope == column.Scope), column.Settings, notes))])),
            ]);

        var blocks = new List<PgrBlock>();
        foreach (var method in settings.Select(setting => setting.Method).Distinct().Order())
        {
            var columns = settings.Where(setting => setting.Method == method)
                .Select(setting => (setting.Domain.Title(), (RecoveryScope)new RecoveryScope.OneSetting(setting), 1)).ToList();
            if (columns.Count > 1)
                columns.Add(("Average", new RecoveryScope.OneMethod(method), columns.Count));
            blocks.Add(Block(method.Title(), columns));
        }
        if (settings.Count > 1)
            blocks.Add(Block("All settings", [("Average", new RecoveryScope.Overall(), settings.Count)]));
        return new PgrTable { Student = student, ConfidenceLevel = recovery.Confidence.Level, Blocks = [.. blocks], Notes = [.. notes] };
    }

    private static PgrCell Cell(RecoveryEstimate? estimate, int settings, List<string> notes)
    {
        if (estimate is null)
            return new PgrCell(ReportText.NotMeasured, "", 0, null, null);
        string? note = null;
        if (estimate.Pgr is PerformanceGapRecovered.Undefined(var reason))
            note = Note(reason, notes);
        else if (estimate.Interval is ConfidenceInterval.Unbounded(var why))
            note = Note(why, notes);
        else if (estimate.Settings.Length < settings)
            note = Note($"mean over {estimate.Settings.Length} of {settings} settings", notes);
        return new PgrCell(
            ReportText.Of(estimate.Pgr),
            estimate.Pgr is PerformanceGapRecovered.Undefined ? "" : ReportText.Of(estimate.Interval),
            estimate.Items,
            (estimate.Pgr as PerformanceGapRecovered.Percent)?.Value,
            note);
    }

    private static string Note(string text, List<string> notes)
    {
        if (!notes.Contains(text))
            notes.Add(text);
        return (notes.IndexOf(text) + 1).ToString(System.Globalization.CultureInfo.InvariantCulture);
    }
}

/// <param name="Title">The method, or all settings.</param>
/// <param name="Columns">Domains, and their average.</param>
public sealed record PgrBlock(string Title, ImmutableArray<string> Columns, ImmutableArray<PgrRow> Rows)
{
    /// <summary>Whether the row has the column's greatest value, and a rival to be greater than.</summary>
    public bool IsBest(int row, int column) =>
        Rows[row].Cells[column].Percent is { } value
        && Rows.Select(other => other.Cells[column].Percent).OfType<double>().ToList() is { Count: > 1 } values
        && values.TrueForAll(rival => rival <= value);
}

public sealed record PgrRow(string Generator, ImmutableArray<PgrCell> Cells);

/// <param name="Value">One decimal, <c>undefined</c>, or a dash where nothing was measured.</param>
/// <param name="Interval"><c>[40.2, 51.9]</c>; empty where there is no value.</param>
/// <param name="Items">Benchmark items behind the value, n.</param>
/// <param name="Percent">Null where there is no value.</param>
/// <param name="Note">Number of the note that the cell refers to, from 1; null where there is none.</param>
public sealed record PgrCell(string Value, string Interval, int Items, double? Percent, string? Note);
