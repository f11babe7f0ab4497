using System.Collections.Immutable;
using System.Text;
using Agora.Experiments;
using Agora.Reports.Figures;
using Agora.Reports.Tables;

namespace Agora.Reports;

/// <summary>Writes an analysis into a folder: analysis.md, analysis.json, each table as CSV and LaTeX, and the figures as SVG and PNG.</summary>
public static class AnalysisFiles
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    /// <param name="json">The analysis as a document.</param>
    /// <param name="draw">Null: figures are written as SVG alone.</param>
    /// <returns>Names of the files, relative to the folder.</returns>
    /// <exception cref="AgoraException">A file cannot be written.</exception>
    public static ImmutableArray<string> Write(string folder, string title, IReadOnlyList<TextTable> tables, IReadOnlyList<Figure> figures, IReadOnlyList<string> remarks, string json, DrawPng? draw)
    {
        var files = ImmutableArray.CreateBuilder<string>();
        Write("analysis.md", Markdown(title, tables, remarks) + string.Concat(figures.Select(figure => $"![{MarkdownTable.Escaped(figure.Title)}]({figure.Id}.svg)\n\n")));
        Write("analysis.json", json);
        foreach (var table in tables)
        {
            Write($"{table.Id}.csv", CsvRendering.Render(table));
            Write($"{table.Id}.tex", LatexTable.Render(table));
        }
        foreach (var figure in figures)
        {
            Write($"{figure.Id}.svg", figure.Svg);
            if (draw is not null)
                WriteBytes($"{figure.Id}.png", figure.Png(draw));
        }
        return files.ToImmutable();

        void Write(string name, string text) => WriteBytes(name, Utf8.GetBytes(text));

        void WriteBytes(string name, byte[] bytes)
        {
            var path = Path.Combine(folder, name);
            try
            {
                // A reader never sees half a file.
                WholeFile.Replace(path, file => file.Write(bytes));
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                throw new AgoraException($"a file of the analysis cannot be written: {error.Message}", path, "name a folder that can be written, or make room", error);
            }
            files.Add(name);
        }
    }

    public static string Markdown(string title, IReadOnlyList<TextTable> tables, IReadOnlyList<string> remarks)
    {
        var text = new StringBuilder($"# {MarkdownTable.Escaped(title)}\n\n");
        if (remarks.Count > 0)
        {
            text.Append("## What is missing\n\n");
            foreach (var remark in remarks)
                text.Append("- ").Append(MarkdownTable.Escaped(remark)).Append('\n');
            text.Append('\n');
        }
        foreach (var table in tables)
            text.Append(MarkdownTable.Render(table));
        return text.ToString();
    }
}
