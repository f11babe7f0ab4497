using Agora.Reports.Tables;
using Spectre.Console;

namespace Agora.Cli;

/// <summary>Tables on the terminal.</summary>
internal static class TerminalTable
{
    public static void Print(TextTable table)
    {
        Terminal.Out.MarkupLine($"[bold]{Markup.Escape(table.Title)}[/]");
        var drawn = Empty([.. table.Columns]);
        foreach (var row in table.Rows)
            drawn.AddRow([.. row.Select(cell => Markup.Escape(cell.Text))]);
        Terminal.Out.Write(drawn);
        foreach (var note in table.Notes)
            Terminal.Out.MarkupLine($"  {Markup.Escape(note)}");
        Terminal.Out.WriteLine();
    }

    /// <summary>A table without rows; numbers are aligned to the right and never folded.</summary>
    public static Table Empty(params ReadOnlySpan<TextColumn> columns)
    {
        var table = new Table { Border = TableBorder.Simple };
        foreach (var column in columns)
            table.AddColumn(new TableColumn(Markup.Escape(column.Title)) { Alignment = column.IsNumeric ? Justify.Right : Justify.Left, NoWrap = column.IsNumeric });
        return table;
    }
}
