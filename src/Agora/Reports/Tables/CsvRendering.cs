using System.Globalization;
using System.Text;
using Agora.Experiments;

namespace Agora.Reports.Tables;

/// <summary>Tables as CSV (RFC 4180), numbers with all their digits.</summary>
public static class CsvRendering
{
    public static string Render(TextTable table)
    {
        var text = new StringBuilder();
        Row(table.Columns.Select(column => column.Title));
        foreach (var row in table.Rows)
            Row(row.Select(cell => cell.Number is { } number ? number.ToString("R", CultureInfo.InvariantCulture) : cell.Text == "–" ? "" : cell.Text));
        return text.ToString();

        void Row(IEnumerable<string> cells) => text.AppendJoin(',', cells.Select(CsvTable.Quoted)).Append("\r\n");
    }
}
