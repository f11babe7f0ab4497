using System.Text;

namespace Agora.Reports.Tables;

/// <summary>Tables as LaTeX (booktabs), to be read with \input.</summary>
public static class LatexTable
{
    public static string Render(TextTable table)
    {
        var text = new StringBuilder();
        text.Append("% needs \\usepackage{booktabs}, and for Unicode text XeLaTeX, LuaLaTeX or inputenc\n\\begin{table}\n\\centering\n");
        text.Append("\\caption{").Append(Escaped(table.Title)).Append("}\n\\label{tab:").Append(table.Id).Append("}\n");
        text.Append("\\begin{tabular}{").Append(string.Concat(table.Columns.Select(column => column.IsNumeric ? 'r' : 'l'))).Append("}\n\\toprule\n");
        Row(table.Columns.Select(column => column.Title));
        text.Append("\\midrule\n");
        foreach (var row in table.Rows)
            Row(row.Select(cell => cell.Text));
        text.Append("\\bottomrule\n\\end{tabular}\n");
        foreach (var note in table.Notes)
            text.Append("\n\\smallskip\\footnotesize ").Append(Escaped(note)).Append('\n');
        return text.Append("\\end{table}\n").ToString();

        void Row(IEnumerable<string> cells) => text.AppendJoin(" & ", cells.Select(Escaped)).Append(" \\\\\n");
    }

    internal static string Escaped(string cell)
    {
        var escaped = new StringBuilder();
        foreach (var letter in ReportText.OneLine(cell))
        {
            escaped.Append(letter switch
            {
                '\\' => "\\textbackslash{}",
                '&' or '%' or '$' or '#' or '_' or '{' or '}' => $"\\{letter}",
                '~' => "\\textasciitilde{}",
                '^' => "\\textasciicircum{}",
                '<' => "\\ensuremath{<}",
                '>' => "\\ensuremath{>}",
                '²' => "\\textsuperscript{2}",
                '−' => "\\ensuremath{-}",
                '√' => "\\ensuremath{\\surd}",
                '·' => "\\ensuremath{\\cdot}",
                // A bracket right after \\ would be its optional argument.
                '[' => "{[}",
                _ when char.IsControl(letter) => "",
                _ => letter.ToString(),
            });
        }
        return escaped.ToString();
    }
}
