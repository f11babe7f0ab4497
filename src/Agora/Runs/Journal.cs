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
    private readonly IndexedLines lines;
    private readonly string path;

    private Journal(string path, Func<LineReading, ChecksummedLines> open)
    {
        this.path = path;
        lines = new IndexedLines(open, static line => HashOfKey(line), static (line, other) => AtKey(line).ValueTextEquals(KeyOf(other)));
    }

    /// <summary>Records in the journal.</summary>
    public int Count => lines.Count;

    /// <summary>Lines that were not whole when the journal was opened.</summary>
    public int Dropped => lines.Lines.Dropped;

    /// <exception cref="AgoraException">Another process writes this journal, or the file cannot be read.</exception>
    public static Journal Open(string path) => new(path, take => ChecksummedLines.Open(path, syncs: true, take));

    /// <summary>A journal that is only read, for what another step left behind.</summary>
    /// <returns>Null where it is gone. What a process appends to it from now on is not seen.</returns>
    /// <exception cref="AgoraException">It is there and cannot be read: without it, what is paid for would be asked for again without a word.</exception>
    public static Journal? OpenToRead(string path)
    {
        try
        {
            return new Journal(path, take => ChecksummedLines.OpenToRead(path, take));
        }
        catch (Exception gone) when (gone is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new AgoraException($"completions that are paid for cannot be read: {fault.Message}", path, "mend the disk or the file's rights, or remove the file to ask for them again", fault);
        }
    }

    public bool TryGet(string key, [NotNullWhen(true)] out string? record)
    {
        using var bytes = new KeyBytes(key, stackalloc byte[KeyBytes.Usual]);
        record = Find(ChecksummedLines.Checksum(bytes.Span), bytes.Span) is >= 0 and var offset ? lines.Lines.Read(offset, 0, static (line, _) => RecordOf(line)) : null;
        return record is not null;
    }

    public void Append(string key, string record)
    {
        using var bytes = new KeyBytes(key, stackalloc byte[KeyBytes.Usual]);
        var hash = ChecksummedLines.Checksum(bytes.Span);
        var json = LineBuffer.Write(new Entry(bytes.Span, record), static (writer, entry) =>
        {
            writer.WriteStartArray();
            writer.WriteStringValue(entry.Key);
            writer.WriteStringValue(entry.Record);
            writer.WriteEndArray();
        });
        lock (appending)
        {
            if (Find(hash, bytes.Span) is >= 0 and var earlier)
            {
                if (lines.Lines.Read(earlier, 0, static (line, _) => RecordOf(line)) != record)
                    throw new InvalidOperationException($"the journal {path} has another record under {key}");
                return;
            }
            lines.Set(hash, earlier: -1, lines.Lines.Append(json));
        }
    }

    public async ValueTask FlushAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await Task.Run(lines.Lines.Sync, CancellationToken.None);
    }

    public void Dispose() => lines.Dispose();

    private long Find(uint hash, ReadOnlySpan<byte> key) => lines.Find(hash, key, static (line, wanted) => AtKey(line).ValueTextEquals(wanted));

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

    private readonly ref struct Entry(ReadOnlySpan<byte> key, string record)
    {
        public ReadOnlySpan<byte> Key { get; } = key;
        public string Record { get; } = record;
    }

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
