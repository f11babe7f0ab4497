using Agora.Reports.Tables;

namespace Agora.Reports;

/// <summary>Tables as HTML; one that is wider than the page scrolls, by keyboard too.</summary>
internal static class HtmlTable
{
    public static Markup Render(TextTable table)
    {
        Markup Class(int column) => table.Columns[column].IsNumeric ? new Markup(" class=\"number\"") : Markup.None;
        return Markup.Of($"""
            <div class="scroll" tabindex="0" role="region" aria-label="{table.Title}"><table>
            <caption>{table.Title}</caption>
            <thead><tr>{Markup.Join(table.Columns.Select((column, place) => Markup.Of($"<th scope=\"col\"{Class(place)}>{column.Title}</th>")))}</tr></thead>
            <tbody>
            {Markup.Join(table.Rows.Select(row => Markup.Of($"<tr>{Markup.Join(row.Select((cell, place) => Markup.Of($"<td{Class(place)}>{cell.Text}</td>")))}</tr>")), "\n")}
            </tbody></table></div>
            {Markup.Join(table.Notes.Select(note => Markup.Of($"<p class=\"note\">{note}</p>\n")))}
            """);
    }
}
