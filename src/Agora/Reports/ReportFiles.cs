using System.Text;
using Agora.Experiments;

namespace Agora.Reports;

/// <summary>Writes a report's files into a run's folder: report.md, report.html, results.json, results.csv and samples/.</summary>
public static class ReportFiles
{
    public const string Markdown = "report.md";
    public const string Html = "report.html";
    public const string Json = "results.json";
    public const string Csv = "results.csv";

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    private const string SamplesFolder = "samples";
    private const string Unfinished = ".tmp";

    /// <summary>Each file is written beside its place and renamed into it; one that is there already is replaced.</summary>
    /// <remarks>Only one process at a time may write a folder: what an earlier one left unfinished is removed.</remarks>
    /// <exception cref="AgoraException">A file cannot be written.</exception>
    public static void Write(RunReport report, string folder)
    {
        RemoveUnfinished(folder);
        var samples = new SampleFiles(report);
        foreach (var (path, lines) in samples.Contents)
            Write(folder, path, lines.Select(line => line + "\n"));
        Write(folder, Csv, [ResultsCsv.Render(report)]);
        Write(folder, Json, [ResultsDocument.Of(report, samples.Paths).ToJson()]);
        Write(folder, Markdown, [MarkdownReport.Render(report)]);
        Write(folder, Html, [HtmlReport.Render(report, samples)]);
    }

    private static void Write(string folder, string name, IEnumerable<string> parts)
    {
        var path = Path.Combine(folder, name);
        var beside = path + Unfinished;
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            using (var file = new StreamWriter(beside, Utf8, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write }))
                foreach (var part in parts)
                    file.Write(part);
            File.Move(beside, path, overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            TryDelete(beside);      // half a file on a full disk only takes room
            throw new AgoraException($"a report file cannot be written: {error.Message}", path, "make room or correct the rights, then give the same command again", error);
        }
    }

    private static void RemoveUnfinished(string folder)
    {
        var samples = Path.Combine(folder, SamplesFolder);
        IEnumerable<string> left = Directory.Exists(folder) ? Directory.EnumerateFiles(folder, "*" + Unfinished) : [];
        if (Directory.Exists(samples))
            left = left.Concat(Directory.EnumerateFiles(samples, "*" + Unfinished, SearchOption.AllDirectories));
        foreach (var file in left.ToList())
            TryDelete(file);
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // What keeps the file from being written is the fault worth telling.
        }
    }
}
