using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Unicode;
using Agora.Experiments;

namespace Agora.SeedData;

/// <summary>A column of a file that is wanted as text.</summary>
/// <param name="Required">A row without it, or with nothing but white space in it, is bad.</param>
public sealed record TextColumn(string Name, bool Required = true);

/// <summary>What stands at one place of a file: a row, or what is wrong with it.</summary>
/// <param name="Number">From 1: the line of a text file where the row begins, the row of a Parquet file.</param>
public abstract record FileRow(int Number)
{
    /// <param name="Values">In the order of the columns asked for; null where a column that is not required is absent or null.</param>
    public sealed record Good(int Number, ImmutableArray<string?> Values) : FileRow(Number);
    /// <param name="Fault">Reads on after "row 17: ".</param>
    public sealed record Bad(int Number, string Fault) : FileRow(Number);
}

/// <summary>Streams rows out of a JSON array, JSON lines, either of them gzip-compressed, or Parquet.</summary>
/// <remarks>Text must be UTF-8; a byte that is not makes its row bad. A file that cannot be read on (cut off, not gzip) is an error at that point.</remarks>
public static class RowReader
{
    /// <exception cref="AgoraException">The file is missing or of a kind that is not read, or it breaks off.</exception>
    public static IEnumerable<FileRow> Read(string file, IReadOnlyList<TextColumn> columns)
    {
        var (kind, zipped) = KindOf(file);
        return kind == ".parquet" ? ParquetRows.Read(file, columns) : ReadText(file, zipped, columns);
    }

    private static (string Kind, bool Zipped) KindOf(string file)
    {
        if (!File.Exists(file))
            throw new AgoraException(Directory.Exists(file) ? "a file of rows is wanted, and this is a folder" : "the file does not exist",
                file, "correct the path")
            { ExitCode = 2 };
        var name = Path.GetFileName(file);
        var zipped = name.EndsWith(".gz", StringComparison.OrdinalIgnoreCase);
        var kind = Path.GetExtension(zipped ? name[..^3] : name).ToLowerInvariant();
        return kind is ".json" or ".jsonl" or ".ndjson" || (kind == ".parquet" && !zipped)
            ? (kind, zipped)
            : throw new AgoraException($"rows are not read from files that end in \"{(zipped ? kind + ".gz" : kind)}\"", file,
                "give .json, .jsonl or .ndjson, each also with .gz, or .parquet")
            { ExitCode = 2 };
    }

    /// <summary>Whole rows, whatever their members hold.</summary>
    /// <returns>The row's number, and the row or what is wrong with it.</returns>
    /// <inheritdoc cref="Read"/>
    internal static IEnumerable<(int Number, JsonElement Row, string? Fault)> Objects(string file)
    {
        var (kind, zipped) = KindOf(file);
        return kind == ".parquet" ? ParquetObjects.Read(file).Select((row, place) => (place + 1, row, (string?)null)) : Slices(file, zipped).Select(ObjectOf);
    }

    private static IEnumerable<FileRow> ReadText(string file, bool zipped, IReadOnlyList<TextColumn> columns) => Slices(file, zipped).Select(slice => RowOf(slice, columns));

    private static IEnumerable<(int Line, ReadOnlyMemory<byte> Json)> Slices(string file, bool zipped)
    {
        using Stream plain = zipped ? new WholeGzipStream(Open(file)) : Open(file);
        var bytes = new ByteWindow(plain, file);
        bytes.SkipByteOrderMark();
        // Many files named .json hold JSON lines: the first character tells, not the name.
        var slices = bytes.FirstIsBracket() ? JsonArraySlices.Read(bytes, file) : Lines(bytes);
        foreach (var slice in slices)
            yield return slice;
    }

    private static (int Number, JsonElement Row, string? Fault) ObjectOf((int Line, ReadOnlyMemory<byte> Json) slice)
    {
        if (!Utf8.IsValid(slice.Json.Span)) return (slice.Line, default, "it is not UTF-8");
        try
        {
            var row = JsonElement.Parse(slice.Json.Span, Strict);
            return row.ValueKind == JsonValueKind.Object ? (slice.Line, row, null) : (slice.Line, default, $"it is a JSON {Noun(row.ValueKind)}, not an object");
        }
        catch (JsonException fault)
        {
            return (slice.Line, default, NotJson(fault));
        }
    }

    private static IEnumerable<(int Line, ReadOnlyMemory<byte> Json)> Lines(ByteWindow bytes)
    {
        while (bytes.TryReadLine(out var number, out var line))
            if (!line.Span.Trim(" \t\r"u8).IsEmpty)
                yield return (number, line);
    }

    private static FileRow RowOf((int Line, ReadOnlyMemory<byte> Json) slice, IReadOnlyList<TextColumn> columns)
    {
        if (!Utf8.IsValid(slice.Json.Span)) return new FileRow.Bad(slice.Line, "it is not UTF-8");
        try
        {
            using var document = JsonDocument.Parse(slice.Json, Strict);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                return new FileRow.Bad(slice.Line, $"it is a JSON {Noun(document.RootElement.ValueKind)}, not an object");
            var values = ImmutableArray.CreateBuilder<string?>(columns.Count);
            foreach (var column in columns)
            {
                var present = document.RootElement.TryGetProperty(column.Name, out var value) && value.ValueKind != JsonValueKind.Null;
                if (present && value.ValueKind != JsonValueKind.String)
                    return new FileRow.Bad(slice.Line, $"\"{column.Name}\" is a {Noun(value.ValueKind)}, not a string");
                var text = present ? value.GetString() : null;
                if (Fault(column, text) is { } fault) return new FileRow.Bad(slice.Line, fault);
                values.Add(text);
            }
            return new FileRow.Good(slice.Line, values.MoveToImmutable());
        }
        catch (JsonException fault)
        {
            return new FileRow.Bad(slice.Line, NotJson(fault));
        }
        catch (InvalidOperationException)
        {
            return new FileRow.Bad(slice.Line, "it has an escape that is no character, such as \\ud800 alone");
        }
    }

    private static string NotJson(JsonException fault) =>
        $"it is not valid JSON ({fault.Message.Split(" LineNumber:", 2)[0].Split(" Path:", 2)[0].TrimEnd('.', ' ')})";

    internal static string? Fault(TextColumn column, string? text) => text switch
    {
        null when column.Required => $"it has no \"{column.Name}\"",
        not null when column.Required && string.IsNullOrWhiteSpace(text) => $"\"{column.Name}\" is empty",
        _ => null,
    };

    internal static FileStream Open(string file)
    {
        try
        {
            return new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan);
        }
        catch (Exception fault) when (fault is UnauthorizedAccessException or IOException)
        {
            throw new AgoraException($"the file cannot be opened: {fault.Message}", file, "check the path and its permissions", fault);
        }
    }

    private static string Noun(JsonValueKind kind) => kind switch
    {
        JsonValueKind.True or JsonValueKind.False => "boolean",
        _ => kind.ToString().ToLowerInvariant(),
    };

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };
}
