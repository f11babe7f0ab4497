using System.Text;

namespace Agora.Reports.Tables;

/// <summary>Tables as GitHub's Markdown.</summary>
public static class MarkdownTable
{
    /// <param name="level">Of the heading.</param>
    public static string Render(TextTable table, int level = 2)
    {
        var text = new StringBuilder();
        text.Append('#', level).Append(' ').Append(Escaped(table.Title)).Append("\n\n");
        text.Append("| ").AppendJoin(" | ", table.Columns.Select(column => Escaped(column.Title))).Append(" |\n");
        text.Append("| ").AppendJoin(" | ", table.Columns.Select(column => column.IsNumeric ? "---:" : "---")).Append(" |\n");
        foreach (var row in table.Rows)
            text.Append("| ").AppendJoin(" | ", row.Select(cell => Escaped(cell.Text))).Append(" |\n");
        text.Append('\n');
        foreach (var note in table.Notes)
            text.Append(Escaped(note)).Append("\n\n");
        return text.ToString();
    }

    internal static string Escaped(string cell)
    {
        var escaped = new StringBuilder();
        foreach (var letter in ReportText.OneLine(cell))
        {
            // A bracket alone is harmless, and intervals have them; a link needs "](".
            if (letter is '\\' or '|' or '`' or '*' or '<' or '#' || (letter == '(' && escaped.Length > 0 && escaped[^1] == ']'))
                escaped.Append('\\');
            if (!char.IsControl(letter))
                escaped.Append(letter);
        }
        return escaped.ToString();
    }
}
