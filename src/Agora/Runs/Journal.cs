using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using Agora.Experiments;
using Agora.LanguageModels;

namespace Agora.Runs;

/// <summary>An append-only file of finished items, each a JSON array of key and record on a line with a checksum (<see cref="ChecksummedLines"/>).</summary>
/// <remarks>An item whose line is torn or damaged is simply not finished. One process writes at a time. Only the places of records are in memory (<see cref="RecordIndex"/>).</remarks>
public sealed class Journal : IJournal, IDisposable
{
    private readonly Lock appending = new();
    private readonly Lock gate = new();     // of the index; nobody holds it while the file is read or written
    private readonly RecordIndex index = new();
    private readonly ChecksummedLines lines;
    private readonly string path;

    private Journal(string path, Func<LineReading, ChecksummedLines> open)
    {
        this.path = path;
        // Two lines may have one key, and the later one counts. Where hashes agree the earlier line has to be looked at, for which the file must be open.
        List<(uint Hash, long Offset)>? alike = null;
        lines = open((line, offset) =>
        {
            var hash = HashOfKey(line);
            if (index.Find(hash, 0) < 0) index.Add(hash, offset);
            else (alike ??= []).Add((hash, offset));
        });
        foreach (var (hash, offset) in alike ?? [])
        {
            var key = lines.Read(offset, 0, static (line, _) => KeyOf(line));
            if (Find(hash, Encoding.UTF8.GetBytes(key)) is >= 0 and var earlier) index.Move(hash, earlier, offset);
            else index.Add(hash, offset);
        }
    }

    /// <summary>Records in the journal.</summary>
    public int Count
    {
        get
        {
            lock (gate)
                return index.Count;
        }
    }

    /// <summary>Lines that were not whole when the journal was opened.</summary>
    public int Dropped => lines.Dropped;

    /// <exception cref="AgoraException">Another process writes this journal, or the file cannot be read.</exception>
    public static Journal Open(string path) => new(path, take => ChecksummedLines.Open(path, syncs: true, take));

    /// <summary>A journal that is only read, for what another step left behind.</summary>
    /// <returns>Null where it is gone. What a process appends to it from now on is not seen.</returns>
    public static Journal? OpenToRead(string path)
    {
        try
        {
            return new Journal(path, take => ChecksummedLines.OpenToRead(path, take));
        }
        catch (IOException)
        {
            return null;
        }
    }

    public bool TryGet(string key, [NotNullWhen(true)] out string? record)
    {
        using var bytes = new KeyBytes(key, stackalloc byte[KeyBytes.Usual]);
        record = Find(ChecksummedLines.Checksum(bytes.Span), bytes.Span) is >= 0 and var offset ? lines.Read(offset, 0, static (line, _) => RecordOf(line)) : null;
        return record is not null;
    }

    public void Append(string key, string record)
    {
        using var bytes = new KeyBytes(key, stackalloc byte[KeyBytes.Usual]);
        var hash = ChecksummedLines.Checksum(bytes.Span);
        var json = Line(bytes.Span, record);
        lock (appending)
        {
            if (Find(hash, bytes.Span) is >= 0 and var earlier)
            {
                if (lines.Read(earlier, 0, static (line, _) => RecordOf(line)) != record)
                    throw new InvalidOperationException($"the journal {path} has another record under {key}");
                return;
            }
            var offset = lines.Append(json);
            lock (gate)
                index.Add(hash, offset);
        }
    }

    public async ValueTask FlushAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await Task.Run(lines.Sync, CancellationToken.None);
    }

    public void Dispose() => lines.Dispose();

    /// <returns>Where the key's record lies; -1 where there is none.</returns>
    private long Find(uint hash, ReadOnlySpan<byte> key)
    {
        long first;
        List<long>? more = null;
        lock (gate)
        {
            first = index.Find(hash, 0);
            for (var found = 1; first >= 0 && index.Find(hash, found) is >= 0 and var next; found++) (more ??= []).Add(next);
        }
        if (first < 0 || IsAt(first, key)) return first;
        foreach (var offset in more ?? [])
            if (IsAt(offset, key)) return offset;
        return -1;
    }

    private bool IsAt(long offset, ReadOnlySpan<byte> key) => lines.Read(offset, key, static (line, wanted) => AtKey(line).ValueTextEquals(wanted));

    internal static string KeyOf(ReadOnlySpan<byte> line)
    {
        var reader = AtKey(line);
        return reader.GetString()!;
    }

    internal static uint HashOfKey(ReadOnlySpan<byte> line)
    {
        var reader = AtKey(line);
        return ChecksummedLines.Checksum(reader.ValueIsEscaped ? Encoding.UTF8.GetBytes(reader.GetString()!) : reader.ValueSpan);
    }

    internal static string RecordOf(ReadOnlySpan<byte> line)
    {
        var reader = AtKey(line);
        reader.Read();
        return reader.GetString()!;
    }

    private static Utf8JsonReader AtKey(ReadOnlySpan<byte> line)
    {
        var reader = new Utf8JsonReader(line);
        reader.Read();
        reader.Read();
        return reader;
    }

    // Valid until the thread writes the next one.
    private static ReadOnlySpan<byte> Line(ReadOnlySpan<byte> key, string record)
    {
        if (lineBytes is null || lineBytes.Capacity > LargestKeptBuffer)
            lineWriter = new Utf8JsonWriter(lineBytes = new ArrayBufferWriter<byte>(1024), new JsonWriterOptions { Encoder = CanonicalJson.Options.Encoder });
        lineBytes.ResetWrittenCount();
        lineWriter!.Reset();
        lineWriter.WriteStartArray();
        lineWriter.WriteStringValue(key);
        lineWriter.WriteStringValue(record);
        lineWriter.WriteEndArray();
        lineWriter.Flush();
        return lineBytes.WrittenSpan;
    }

    [ThreadStatic]
    private static Utf8JsonWriter? lineWriter;
    [ThreadStatic]
    private static ArrayBufferWriter<byte>? lineBytes;
    private const int LargestKeptBuffer = 1 << 16;

    /// <summary>A key in UTF-8, on the stack where it is short.</summary>
    private readonly ref struct KeyBytes : IDisposable
    {
        public const int Usual = 256;

        private readonly byte[]? rented;

        public KeyBytes(string key, Span<byte> room)
        {
            if (Encoding.UTF8.GetMaxByteCount(key.Length) > room.Length) room = rented = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(key.Length));
            Span = room[..Encoding.UTF8.GetBytes(key, room)];
        }

        public ReadOnlySpan<byte> Span { get; }

        public void Dispose()
        {
            if (rented is not null) ArrayPool<byte>.Shared.Return(rented);
        }
    }
}
