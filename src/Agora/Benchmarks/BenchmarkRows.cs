using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Agora.Experiments;
using Agora.SeedData;

namespace Agora.Benchmarks;

/// <summary>The rows of a benchmark file, and every fault found in them: a bad file is refused once, with all its bad lines.</summary>
/// <remarks>JSON Lines or one JSON array, either gzip-compressed where the name ends in .gz; or Parquet, whose rows are numbered as lines.</remarks>
internal sealed class BenchmarkRows
{
    /// <summary>A file with other columns has a fault or two on every line.</summary>
    private const int FaultsListed = 50;

    private readonly List<(int Line, string Fault)> faults = [];
    private readonly Dictionary<string, int> lineOfId = new(StringComparer.Ordinal);
    private readonly string file;

    private BenchmarkRows(string file) => this.file = file;

    public ImmutableArray<BenchmarkRow> Rows { get; private set; } = [];

    /// <summary>First 16 hex digits of the SHA-256 of the file's uncompressed bytes, so that packing it does not change what it is.</summary>
    public string Hash { get; private set; } = "";

    /// <summary>Reads the file as a stream: what is held are the rows, not the bytes.</summary>
    /// <param name="path">The file as the user named it; relative names start at <paramref name="rootFolder"/>.</param>
    /// <param name="limit">At most this many rows, from the start; of the rest, only the hash is taken.</param>
    /// <exception cref="AgoraException">The file is missing or cannot be read as text.</exception>
    public static BenchmarkRows Read(string path, string rootFolder, int? limit)
    {
        var file = Path.GetFullPath(path, Path.GetFullPath(rootFolder));
        var rows = new BenchmarkRows(path);
        using (var content = new BenchmarkContent(path, file))
        {
            rows.Rows = [.. (path.EndsWith(".parquet", StringComparison.OrdinalIgnoreCase)
                ? ParquetObjects.Read(file).Select((row, place) => new BenchmarkRow(rows, place + 1, row))
                : rows.TextRows(content)).Take(limit ?? int.MaxValue)];
            rows.Hash = content.Hash();
        }
        if (rows.Rows.IsEmpty && rows.faults.Count == 0)
            throw new AgoraException("the file holds no rows", path, "give a file with one JSON object a line") { ExitCode = 2 };
        return rows;
    }

    /// <summary>Records what is wrong with a row; reading goes on, so that the user sees everything at once.</summary>
    public void Fault(int line, string fault) => faults.Add((line, fault));

    /// <summary>The row's identity, which no other row of the file may have.</summary>
    public string UniqueId(BenchmarkRow row, string id)
    {
        if (!lineOfId.TryAdd(id, row.Line))
            Fault(row.Line, $"id \"{id}\" is already that of line {lineOfId[id]}");
        return id;
    }

    /// <exception cref="AgoraException">There were faults; all of them are listed.</exception>
    public void ThrowIfFaulty()
    {
        if (faults.Count == 0)
            return;
        var list = string.Join("\n", faults.OrderBy(f => f.Line).Take(FaultsListed).Select(f => string.Create(CultureInfo.InvariantCulture, $"  {file}:{f.Line}  {f.Fault}")));
        if (faults.Count > FaultsListed)
            list += string.Create(CultureInfo.InvariantCulture, $"\n  ... and {faults.Count - FaultsListed} more");
        throw new AgoraException(
            $"the file has {faults.Count} {(faults.Count == 1 ? "fault" : "faults")}:\n{list}",
            string.Create(CultureInfo.InvariantCulture, $"{file}:{faults.Min(f => f.Line)}"),
            "mend or delete these lines, or fetch the file again")
        { ExitCode = 2 };
    }

    private IEnumerable<BenchmarkRow> TextRows(BenchmarkContent content)
    {
        var bytes = new ByteWindow(content, file);
        bytes.SkipByteOrderMark();
        return bytes.FirstIsBracket() ? ArrayRows(bytes) : LineRows(bytes);
    }

    private IEnumerable<BenchmarkRow> LineRows(ByteWindow bytes)
    {
        while (bytes.TryReadLine(out var line, out var text))
            if (!text.Span.Trim(" \t\r"u8).IsEmpty && Parsed(text, line) is { } row)
                yield return row;
    }

    private IEnumerable<BenchmarkRow> ArrayRows(ByteWindow bytes)
    {
        using var elements = JsonArraySlices.Read(bytes, file).GetEnumerator();
        while (true)
        {
            try
            {
                if (!elements.MoveNext())
                    yield break;
            }
            catch (AgoraException fault) when (fault.ExitCode != 2)
            {
                Fault(bytes.Line, $"not JSON: {fault.What}");
                yield break;
            }
            if (Parsed(elements.Current.Json, elements.Current.Line) is { } row)
                yield return row;
        }
    }

    private BenchmarkRow? Parsed(ReadOnlyMemory<byte> content, int line)
    {
        try
        {
            using var document = JsonDocument.Parse(content);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
                return new BenchmarkRow(this, line, document.RootElement.Clone());
            Fault(line, $"a row must be a JSON object, not {Kind(document.RootElement)}");
        }
        catch (JsonException fault)
        {
            Fault(line, $"not JSON: {FirstSentence(fault.Message)}");
        }
        return null;
    }

    /// <summary>The parser's message ends in a position within the line, counted from 0, which would contradict the line number given.</summary>
    private static string FirstSentence(string message) =>
        message.IndexOf(" LineNumber:", StringComparison.Ordinal) is var end and >= 0 ? message[..end] : message;

    internal static string Kind(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.Null => "null",
        _ => "true or false",
    };
}
