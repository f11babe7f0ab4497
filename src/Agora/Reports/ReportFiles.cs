using System.Text;
using Agora.Experiments;
using Agora.Reports.Figures;
using Agora.Reports.Tables;

namespace Agora.Reports;

/// <summary>Writes a report's files into a run's folder: report.md, report.html, results.json, results.csv, tables/, figures/ and samples/.</summary>
public static class ReportFiles
{
    public const string Markdown = "report.md";
    public const string Html = "report.html";
    public const string Json = "results.json";
    public const string Csv = "results.csv";

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    /// <summary>Each table as CSV and LaTeX.</summary>
    public const string TablesFolder = "tables";
    /// <summary>Each figure as SVG and PNG.</summary>
    public const string FiguresFolder = "figures";

    private const string SamplesFolder = "samples";

    /// <summary>Each file is written beside its place and renamed into it; one that is there already is replaced.</summary>
    /// <remarks>Only one process at a time may write a folder: what an earlier one left unfinished is removed.</remarks>
    /// <exception cref="AgoraException">A file cannot be written.</exception>
    /// <param name="draw">Null: figures are written as SVG alone.</param>
    public static void Write(RunReport report, string folder, DrawPng? draw)
    {
        RemoveUnfinished(folder);
        var samples = new SampleFiles(report);
        foreach (var (path, lines) in samples.Contents)
            Write(folder, path, lines.Select(line => line + "\n"));
        foreach (var table in RunTables.Of(report))
        {
            Write(folder, $"{TablesFolder}/{table.Id}.csv", [CsvRendering.Render(table)]);
            Write(folder, $"{TablesFolder}/{table.Id}.tex", [LatexTable.Render(table)]);
        }
        foreach (var figure in RunFigures.Of(report))
        {
            Write(folder, $"{FiguresFolder}/{figure.Id}.svg", [figure.Svg]);
            if (draw is not null)
                Write(folder, $"{FiguresFolder}/{figure.Id}.png", figure.Png(draw));
        }
        Write(folder, Csv, [ResultsCsv.Render(report)]);
        Write(folder, Json, [ResultsDocument.Of(report, samples.Paths).ToJson()]);
        Write(folder, Markdown, [MarkdownReport.Render(report)]);
        Write(folder, Html, [HtmlReport.Render(report, samples)]);
    }

    private static void Write(string folder, string name, IEnumerable<string> parts) => Write(folder, name, file =>
    {
        using var writer = new StreamWriter(file, Utf8, leaveOpen: true);
        foreach (var part in parts)
            writer.Write(part);
    });

    private static void Write(string folder, string name, byte[] bytes) => Write(folder, name, file => file.Write(bytes));

    private static void Write(string folder, string name, Action<Stream> fill)
    {
        var path = Path.Combine(folder, name);
        try
        {
            WholeFile.Replace(path, fill);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new AgoraException($"a report file cannot be written: {error.Message}", path, "make room or correct the rights, then give the same command again", error);
        }
    }

    private static void RemoveUnfinished(string folder)
    {
        IEnumerable<string> left = Directory.Exists(folder) ? Directory.EnumerateFiles(folder, "*" + WholeFile.UnfinishedEnding) : [];
        foreach (var below in ((string[])[SamplesFolder, TablesFolder, FiguresFolder]).Select(name => Path.Combine(folder, name)).Where(Directory.Exists))
            left = left.Concat(Directory.EnumerateFiles(below, "*" + WholeFile.UnfinishedEnding, SearchOption.AllDirectories));
        foreach (var file in left.ToList())
            WholeFile.TryDelete(file);
    }
}
