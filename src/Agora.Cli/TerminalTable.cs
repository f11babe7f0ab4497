using Agora.Reports.Tables;
using Spectre.Console;

namespace Agora.Cli;

/// <summary>Tables on the terminal.</summary>
internal static class TerminalTable
{
    public static void Print(TextTable table)
    {
        Terminal.Out.MarkupLine($"[bold]{Markup.Escape(table.Title)}[/]");
        var drawn = new Table { Border = TableBorder.Simple };
        foreach (var column in table.Columns)
            drawn.AddColumn(new TableColumn(Markup.Escape(column.Title)) { Alignment = column.IsNumeric ? Justify.Right : Justify.Left, NoWrap = column.IsNumeric });
        foreach (var row in table.Rows)
            drawn.AddRow([.. row.Select(cell => Markup.Escape(cell.Text))]);
        Terminal.Out.Write(drawn);
        foreach (var note in table.Notes)
            Terminal.Out.MarkupLine($"  {Markup.Escape(note)}");
        Terminal.Out.WriteLine();
    }
}
