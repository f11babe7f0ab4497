using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
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
    /// <summary>Bytes; a few kilobytes of gzip may hold any number of them.</summary>
    private const int LargestUnpacked = 1 << 30;

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
        using (var content = new Content(path, file))
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

    private IEnumerable<BenchmarkRow> TextRows(Content content)
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

    /// <summary>The file's bytes, unpacked, as they go by: hashed, counted, and their faults said as a user can mend them.</summary>
    private sealed class Content : Stream
    {
        private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        private readonly string file;
        private readonly bool isPacked;
        private readonly Stream plain;
        private long read;

        public Content(string path, string file)
        {
            this.file = file;
            isPacked = path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase);
            var raw = Explained(() => (Stream)File.OpenRead(file));
            plain = isPacked ? new WholeGzipStream(raw) : raw;
        }

        /// <summary>Reads what is left and ends.</summary>
        public string Hash()
        {
            CopyTo(Null);
            return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            var length = Explained(() => plain.Read(buffer, offset, count));
            hash.AppendData(buffer, offset, length);
            if ((read += length) > LargestUnpacked && isPacked)
                throw NoGzip(new InvalidDataException($"it unpacks to more than {LargestUnpacked >> 20} MiB"));
            return length;
        }

        private T Explained<T>(Func<T> step)
        {
            try
            {
                return step();
            }
            catch (Exception fault) when (fault is FileNotFoundException or DirectoryNotFoundException)
            {
                throw new AgoraException("the file does not exist", file, "correct the path, or put the file there", fault) { ExitCode = 2 };
            }
            catch (Exception fault) when (fault is InvalidDataException or EndOfStreamException)
            {
                throw NoGzip(fault);
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                throw new AgoraException($"the file cannot be read: {fault.Message}", file, "check that it is a file that you may read", fault) { ExitCode = 2 };
            }
        }

        private AgoraException NoGzip(Exception fault) =>
            new($"the file is no complete gzip file: {fault.Message}", file, "fetch it again, or unpack it and drop .gz from the name", fault) { ExitCode = 2 };

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                plain.Dispose();
                hash.Dispose();
            }
            base.Dispose(disposing);
        }

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
        public override void Flush() { }
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}

/// <summary>One row; each reader of a member records its own fault and answers with an empty value, which is never used, as the file is refused.</summary>
internal sealed class BenchmarkRow(BenchmarkRows file, int line, JsonElement json)
{
    public int Line { get; } = line;

    public bool Has(string member) => json.TryGetProperty(member, out var value) && value.ValueKind != JsonValueKind.Null;

    /// <summary>A text that must be there and hold more than white space.</summary>
    public string Text(string member)
    {
        if (!Member(member, out var value))
            return "";
        var text = Read(value, member);
        if (text is not null && string.IsNullOrWhiteSpace(text))
            file.Fault(Line, $"\"{member}\" is empty");
        return text ?? "";
    }

    /// <summary>A text that may be absent or empty.</summary>
    public string OptionalText(string member) => Has(member) && Member(member, out var value) ? Read(value, member) ?? "" : "";

    /// <summary>A text that must be there, and may be empty.</summary>
    public string PresentText(string member) => Member(member, out var value) ? Read(value, member) ?? "" : "";

    /// <summary>The row's own identity: a string or a whole number, as ids come in both forms.</summary>
    public string Id(string member) => Name(member) is { Length: > 0 } id ? file.UniqueId(this, id) : "";

    /// <summary>An id that other rows may name too.</summary>
    public string Name(string member)
    {
        if (!Member(member, out var value))
            return "";
        var id = value.ValueKind == JsonValueKind.Number ? value.GetRawText() : Read(value, member);
        if (id is not null && string.IsNullOrWhiteSpace(id))
            file.Fault(Line, $"\"{member}\" is empty");
        return id ?? "";
    }

    /// <summary>A whole number; null, with a fault, where it is none.</summary>
    public int? Number(string member)
    {
        if (!Member(member, out var value))
            return null;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number))
            return number;
        file.Fault(Line, $"\"{member}\" must be a whole number");
        return null;
    }

    /// <summary>Any finite number; null, with a fault, where it is none.</summary>
    public double? Real(string member)
    {
        if (!Member(member, out var value))
            return null;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number))
            return number;
        file.Fault(Line, $"\"{member}\" must be a number, not {BenchmarkRows.Kind(value)}");
        return null;
    }

    /// <summary>The elements of a list, whatever they are.</summary>
    public ImmutableArray<JsonElement> Elements(string member)
    {
        if (!Member(member, out var value))
            return [];
        if (value.ValueKind == JsonValueKind.Array)
            return [.. value.EnumerateArray()];
        file.Fault(Line, $"\"{member}\" must be a list, not {BenchmarkRows.Kind(value)}");
        return [];
    }

    public ImmutableArray<string> Texts(string member, bool mayBeEmpty = false)
    {
        if (!Member(member, out var value))
            return [];
        if (value.ValueKind != JsonValueKind.Array)
        {
            file.Fault(Line, $"\"{member}\" must be a list of texts, not {BenchmarkRows.Kind(value)}");
            return [];
        }
        if (value.GetArrayLength() == 0 && !mayBeEmpty)
            file.Fault(Line, $"\"{member}\" is empty");
        return [.. value.EnumerateArray().Select(element => Read(element, member) ?? "")];
    }

    public ImmutableArray<JsonElement> Objects(string member)
    {
        if (!Member(member, out var value))
            return [];
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() == 0 || value.EnumerateArray().Any(e => e.ValueKind != JsonValueKind.Object))
        {
            file.Fault(Line, $"\"{member}\" must be a list of at least one object");
            return [];
        }
        return [.. value.EnumerateArray()];
    }

    /// <summary>A member of any kind; null where it is absent.</summary>
    public JsonElement? Json(string member) => Has(member) && json.TryGetProperty(member, out var value) ? value : null;

    public void Fault(string fault) => file.Fault(Line, fault);

    private bool Member(string member, out JsonElement value)
    {
        if (json.TryGetProperty(member, out value))
            return true;
        file.Fault(Line, $"no \"{member}\"; the row has {Members()}");
        return false;
    }

    private string Members()
    {
        try
        {
            var names = json.EnumerateObject().Take(12).Select(other => $"\"{other.Name}\"").ToArray();
            return names.Length == 0 ? "no members" : string.Join(", ", names);
        }
        catch (InvalidOperationException)
        {
            return "members with broken names";     // unpaired surrogates again
        }
    }

    /// <summary>A text wherever in the row it stands; null, with a fault, where it is none.</summary>
    /// <param name="member">For the fault.</param>
    public string? Read(JsonElement value, string member)
    {
        if (value.ValueKind != JsonValueKind.String)
        {
            file.Fault(Line, $"\"{member}\" must be text, not {BenchmarkRows.Kind(value)}");
            return null;
        }
        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException)   // half of a surrogate pair, which no .NET string should carry on
        {
            file.Fault(Line, $"\"{member}\" holds an unpaired surrogate");
            return null;
        }
    }
}
