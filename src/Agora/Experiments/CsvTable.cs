using System.Collections.Immutable;
using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;

namespace Agora.Experiments;

/// <summary>A comma-separated file with a header (RFC 4180), in memory, with every fault found in it.</summary>
internal sealed class CsvTable
{
    private readonly string path;
    private readonly List<(int Line, string Fault)> faults = [];
    private readonly ImmutableArray<string> header;

    private CsvTable(string path, string hash, ImmutableArray<string> header, ImmutableArray<CsvRow> rows)
    {
        this.path = path;
        Hash = hash;
        this.header = header;
        Rows = rows;
        foreach (var row in rows.Where(row => row.Cells.Length != header.Length))
            Fault(row, $"has {row.Cells.Length} cells, the header has {header.Length}");
    }

    public ImmutableArray<string> Header => header;
    public ImmutableArray<CsvRow> Rows { get; }
    /// <summary>First 16 hex digits of the SHA-256 of the bytes on disk.</summary>
    public string Hash { get; }

    /// <param name="path">Unpacked on the way where the name ends in .gz.</param>
    public static CsvTable Read(string path)
    {
        byte[] bytes;
        string text;
        try
        {
            bytes = File.ReadAllBytes(path);
            using Stream raw = path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? new GZipStream(new MemoryStream(bytes), CompressionMode.Decompress) : new MemoryStream(bytes);
            using var reader = new StreamReader(raw, new UTF8Encoding(false, throwOnInvalidBytes: true));
            text = reader.ReadToEnd();
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or InvalidDataException or DecoderFallbackException)
        {
            throw new AgoraException($"the file cannot be read: {fault.Message}", path, "check its name, its rights and that it is whole", fault) { ExitCode = 2 };
        }
        var rows = Records(text, path);
        if (rows.Count == 0)
            throw new AgoraException("the file is empty", path, "give a CSV file with a header") { ExitCode = 2 };
        return new CsvTable(path, Convert.ToHexStringLower(SHA256.HashData(bytes))[..16], rows[0].Cells, [.. rows.Skip(1)]);
    }

    /// <returns>-1, with a fault, where there is no such column.</returns>
    public int Column(string name)
    {
        var place = header.IndexOf(name);
        if (place < 0)
            faults.Add((1, $"no column \"{name}\"; there are {string.Join(", ", header.Take(20).Select(cell => $"\"{Shortened(cell)}\""))}"));
        return place;
    }

    /// <returns>Null, with a fault, where the cell is no finite number.</returns>
    public double? Number(CsvRow row, int column)
    {
        if (column < 0 || column >= row.Cells.Length)
            return null;
        if (double.TryParse(row.Cells[column], NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number))
            return number;
        Fault(row, $"\"{header[column]}\" must be a number, got \"{Shortened(row.Cells[column])}\"");
        return null;
    }

    public void Fault(CsvRow row, string fault) => faults.Add((row.Line, fault));

    public void ThrowIfFaulty()
    {
        if (faults.Count == 0)
            return;
        var shown = faults.OrderBy(fault => fault.Line).Take(20).Select(fault => $"  {path}:{fault.Line}  {fault.Fault}");
        throw new AgoraException($"the file has {faults.Count} {(faults.Count == 1 ? "fault" : "faults")}:\n{string.Join('\n', shown)}{(faults.Count > 20 ? "\n  ..." : "")}",
            $"{path}:{faults.Min(fault => fault.Line)}", "mend these lines, or fetch the file again")
        { ExitCode = 2 };
    }

    /// <summary>A cell as a file holds it: in quotation marks where it must be.</summary>
    public static string Quoted(string cell) => cell.AsSpan().IndexOfAny(",\"\r\n") < 0 ? cell : $"\"{cell.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private static string Shortened(string text) => text.Length <= 40 ? text : text[..40] + "...";

    private static List<CsvRow> Records(string text, string path)
    {
        var rows = new List<CsvRow>();
        var cells = ImmutableArray.CreateBuilder<string>();
        var cell = new StringBuilder();
        var (line, startLine, inQuotes) = (1, 1, false);
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c == '\n')
                line++;
            if (inQuotes)
            {
                if (c != '"')
                    cell.Append(c);
                else if (i + 1 < text.Length && text[i + 1] == '"')
                    cell.Append(text[++i]);
                else
                    inQuotes = false;
            }
            else if (c == '"' && cell.Length == 0)
                inQuotes = true;
            else if (c == ',')
                EndCell();
            else if (c == '\n')
                EndRow();
            else if (c != '\r' || (i + 1 < text.Length && text[i + 1] != '\n'))
                cell.Append(c);
        }
        if (inQuotes)
            throw new AgoraException("a quotation mark is never closed", $"{path}:{startLine}", "fetch the file again, or mend the line") { ExitCode = 2 };
        if (cell.Length > 0 || cells.Count > 0)
            EndRow();
        return rows;

        void EndCell()
        {
            cells.Add(cell.ToString());
            cell.Clear();
        }

        void EndRow()
        {
            EndCell();
            if (cells.Count > 1 || cells[0].Length > 0)     // an empty line is no row
                rows.Add(new CsvRow(startLine, cells.ToImmutable()));
            cells.Clear();
            startLine = line;
        }
    }
}

internal readonly record struct CsvRow(int Line, ImmutableArray<string> Cells);
