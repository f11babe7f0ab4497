using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Agora.Experiments;
using Agora.LanguageModels;
using Microsoft.Win32.SafeHandles;

namespace Agora.Runs;

/// <summary>An append-only file of finished items: one line each, with a checksum.</summary>
/// <remarks>
/// A line is the CRC-32C of its JSON in eight hexadecimal digits, a space, a JSON array of key and record, a line feed. A line goes to the kernel
/// in one write when it is appended; syncs to the disk happen in batches. On opening, a torn end is cut off and a line
/// whose checksum is wrong is passed over: its item is simply not finished. One process writes at a time.
/// Only the places of records are kept in memory, under 128 bits of their keys' hashes: some 50 bytes each.
/// </remarks>
public sealed class Journal : IJournal, IDisposable
{
    // Appenders one after the other; those who read wait for none of them.
    private readonly Lock writing = new();
    private readonly Lock gate = new();
    private readonly Dictionary<UInt128, (long Offset, int Length)> places = [];
    private readonly SafeFileHandle file;
    private readonly string path;
    private long length;
    private readonly Lock syncing = new();
    private long synced;
    private int unsynced;
    private long lastSync = Stopwatch.GetTimestamp();
    private int syncWaits;
    private volatile Exception? syncFault;
    private bool broken;
    private bool readOnly;
    private bool syncs = true;
    private FileLock? alone;

    private Journal(string path, SafeFileHandle file)
    {
        this.path = path;
        this.file = file;
    }

    /// <summary>Records in the journal.</summary>
    public int Count
    {
        get
        {
            lock (gate)
                return places.Count;
        }
    }

    /// <summary>Lines that were not whole when the journal was opened.</summary>
    public int Dropped { get; private set; }

    /// <exception cref="AgoraException">Another process writes this journal, or the file cannot be read.</exception>
    public static Journal Open(string path) => Open(path, syncs: true);

    /// <param name="syncs">False for what may be lost with the power.</param>
    /// <inheritdoc cref="Open(string)"/>
    internal static Journal Open(string path, bool syncs)
    {
        try
        {
            // The lock is a file of its own: others may read what a journal holds while it is written.
            var alone = FileLock.TryExclusive(path + ".lock") ?? throw new AgoraException("another process writes the journal", path, "wait until it ends, or end it");
            SafeFileHandle? file = null;
            try
            {
                file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
                var journal = new Journal(path, file) { alone = alone, syncs = syncs };
                journal.Read();
                return journal;
            }
            catch
            {
                file?.Dispose();
                alone.Dispose();
                throw;
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw DurableFiles.Failure(path, error);
        }
    }

    /// <summary>A journal that is only read, for what another step left behind.</summary>
    /// <returns>Null where it is gone. What a process appends to it from now on is not seen.</returns>
    public static Journal? OpenToRead(string path)
    {
        try
        {
            var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var journal = new Journal(path, file) { readOnly = true };
            journal.Read();
            return journal;
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Hands every whole record of the file to <paramref name="take"/>, in the order in which they were appended. The journal may be open elsewhere.</summary>
    internal static void Scan(string path, JournalReading take)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, FileOptions.SequentialScan);
        ReadLines(file, (line, _) =>
        {
            if (Json(line) is { IsEmpty: false } json)
                take(Key(json), json);
        });
    }

    public bool TryGet(string key, [NotNullWhen(true)] out string? record)
    {
        if (!TryFind(Hash(key), out var place))
        {
            record = null;
            return false;
        }
        record = RecordAt(place.Offset, place.Length);
        return true;
    }

    public void Append(string key, string record) => Write(key, record, replaces: false);

    /// <summary>Keeps the record in place of the one that stands under the key, if any. Whoever opens the file again finds the last one.</summary>
    internal void Put(string key, string record) => Write(key, record, replaces: true);

    private void Write(string key, string record, bool replaces)
    {
        if (readOnly)
            throw new InvalidOperationException($"the journal {path} was opened to be read");
        var line = Line(key, record);
        var hash = Hash(key);
        var sync = false;
        lock (writing)
        {
            if (broken)
                throw new InvalidOperationException($"the journal {path} could not be put right after a failed write");
            if (syncFault is { } fault)
                throw DurableFiles.Failure(path, fault);
            if (!replaces && TryFind(hash, out var place))
            {
                if (RecordAt(place.Offset, place.Length) != record)
                    throw new InvalidOperationException($"the journal {path} has another record under {key}");
                return;
            }
            try
            {
                RandomAccess.Write(file, line, length);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                CutBack();
                throw DurableFiles.Failure(path, error);
            }
            lock (gate)
                places[hash] = (length, line.Length);
            Volatile.Write(ref length, length + line.Length);
            unsynced++;
            if (syncs && (unsynced >= LinesPerSync || Stopwatch.GetElapsedTime(lastSync) > TimeBetweenSyncs))
            {
                (unsynced, lastSync) = (0, Stopwatch.GetTimestamp());
                sync = true;
            }
        }
        // On a thread of its own: those of the pool are few, and each has many requests to look after.
        if (sync && Interlocked.Exchange(ref syncWaits, 1) == 0)
            _ = Task.Factory.StartNew(SyncBeside, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    // A fault is the next appender's, who must not go on as if its records were safe.
    private void SyncBeside()
    {
        Volatile.Write(ref syncWaits, 0);
        try
        {
            Sync();
        }
        catch (ObjectDisposedException)
        {
            // Closed meanwhile.
        }
        catch (AgoraException error)
        {
            syncFault = error.InnerException ?? error;
        }
    }

    private bool TryFind(UInt128 hash, out (long Offset, int Length) place)
    {
        lock (gate)
            return places.TryGetValue(hash, out place);
    }

    public async ValueTask FlushAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await Task.Run(Sync, CancellationToken.None);
    }

    public void Dispose()
    {
        // No sync and no write is cut off in its middle.
        lock (syncing)
            lock (writing)
                file.Dispose();
        alone?.Dispose();
    }

    // Outside the appenders' lock: they go on while the disk works.
    private void Sync()
    {
        lock (syncing)
        {
            var upTo = Volatile.Read(ref length);
            if (upTo == synced)
                return;
            try
            {
                RandomAccess.FlushToDisk(file);
            }
            catch (IOException error)
            {
                throw DurableFiles.Failure(path, error);
            }
            synced = upTo;
        }
    }

    // Half a line may have reached a full disk; the next one must not be glued to it.
    private void CutBack()
    {
        try
        {
            RandomAccess.SetLength(file, length);
        }
        catch (IOException)
        {
            broken = true;
        }
    }

    private void Read()
    {
        var torn = false;
        (length, torn) = ReadLines(file, Take);
        if (!torn)
            return;
        Dropped++;
        if (!readOnly)
            RandomAccess.SetLength(file, length);
    }

    /// <returns>Where the last whole line ends, and whether anything follows it.</returns>
    private static (long Length, bool Torn) ReadLines(SafeFileHandle file, LineReading take)
    {
        var block = new byte[1 << 20];
        var filled = 0;
        var blockStart = 0L;
        while (true)
        {
            var read = RandomAccess.Read(file, block.AsSpan(filled), blockStart + filled);
            filled += read;
            var start = 0;
            for (int end; (end = block.AsSpan(start, filled - start).IndexOf((byte)'\n')) >= 0; start += end + 1)
                take(block.AsSpan(start, end + 1), blockStart + start);
            block.AsSpan(start, filled - start).CopyTo(block);
            blockStart += start;
            filled -= start;
            if (read == 0)
                return (blockStart, filled > 0);
            if (filled == block.Length)
                Array.Resize(ref block, 2 * block.Length);
        }
    }

    private void Take(ReadOnlySpan<byte> line, long offset)
    {
        if (Json(line) is { IsEmpty: false } json)
            places[Hash(Key(json))] = (offset, line.Length);
        else
            Dropped++;
    }

    // Keys of requests are hashes already, so that reading a long journal hashes nothing.
    private static UInt128 Hash(string key) => key.Length == 64 && UInt128.TryParse(key.AsSpan(0, 32), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var prefix)
        ? prefix
        : BinaryPrimitives.ReadUInt128LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(key)));

    private static string Key(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        reader.Read();
        reader.Read();
        return reader.GetString()!;
    }

    private string RecordAt(long offset, int size)
    {
        var line = new byte[size];
        for (var read = 0; read < size;)
        {
            var more = RandomAccess.Read(file, line.AsSpan(read), offset + read);
            if (more == 0)
                throw new InvalidOperationException($"the journal {path} was shortened while it was open");
            read += more;
        }
        return Fields(Json(line)).Record;
    }

    /// <returns>The JSON of a whole line, empty where the line is not whole.</returns>
    private static ReadOnlySpan<byte> Json(ReadOnlySpan<byte> line)
    {
        if (line.Length < ChecksumLength + 3 || line[ChecksumLength] != ' ' || line[^1] != '\n')
            return [];
        var json = line[(ChecksumLength + 1)..^1];
        return Utf8Parser.TryParse(line[..ChecksumLength], out uint checksum, out var used, 'x') && used == ChecksumLength && checksum == Checksum(json)
            ? json
            : [];
    }

    private static (string Key, string Record) Fields(ReadOnlySpan<byte> json)
    {
        var fields = JsonSerializer.Deserialize<string[]>(json)!;
        return (fields[0], fields[1]);
    }

    private static byte[] Line(string key, string record)
    {
        var writer = lineWriter ??= new Utf8JsonWriter(lineBytes = new ArrayBufferWriter<byte>(1024), new JsonWriterOptions { Encoder = CanonicalJson.Options.Encoder });
        lineBytes!.ResetWrittenCount();
        writer.Reset();
        writer.WriteStartArray();
        writer.WriteStringValue(key);
        writer.WriteStringValue(record);
        writer.WriteEndArray();
        writer.Flush();
        var json = lineBytes.WrittenSpan;
        var line = new byte[ChecksumLength + 1 + json.Length + 1];
        Utf8Formatter.TryFormat(Checksum(json), line, out _, new StandardFormat('x', ChecksumLength));
        line[ChecksumLength] = (byte)' ';
        json.CopyTo(line.AsSpan(ChecksumLength + 1));
        line[^1] = (byte)'\n';
        if (lineBytes.Capacity > LargestKeptBuffer)
            (lineWriter, lineBytes) = (null, null);
        return line;
    }

    [ThreadStatic]
    private static Utf8JsonWriter? lineWriter;
    [ThreadStatic]
    private static ArrayBufferWriter<byte>? lineBytes;
    private const int LargestKeptBuffer = 1 << 16;

    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        for (; bytes.Length >= 8; bytes = bytes[8..])
            crc = BitOperations.Crc32C(crc, BitConverter.ToUInt64(bytes));
        foreach (var one in bytes)
            crc = BitOperations.Crc32C(crc, one);
        return ~crc;
    }

    private delegate void LineReading(ReadOnlySpan<byte> line, long offset);

    private const int ChecksumLength = 8;
    private const int LinesPerSync = 256;
    private static readonly TimeSpan TimeBetweenSyncs = TimeSpan.FromSeconds(2);
}

/// <param name="line">A JSON array of key and record.</param>
internal delegate void JournalReading(string key, ReadOnlySpan<byte> line);
