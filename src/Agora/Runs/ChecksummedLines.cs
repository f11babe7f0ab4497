using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics;
using System.Numerics;
using Agora.Experiments;
using Microsoft.Win32.SafeHandles;

namespace Agora.Runs;

/// <summary>An append-only file of JSON texts, one a line, each with a checksum.</summary>
/// <remarks>
/// A line is the CRC-32C of its JSON in eight hexadecimal digits, a space, the JSON, a line feed. It goes to the kernel in one write when it is appended; syncs to the disk happen in batches.
/// On opening, a torn end is cut off and a line whose checksum is wrong is passed over. One process writes at a time.
/// </remarks>
internal sealed class ChecksummedLines : IDisposable
{
    // Appenders one after the other; those who read wait for none of them.
    private readonly Lock writing = new();
    private readonly SafeFileHandle file;
    private readonly string path;
    private readonly bool readOnly;
    private readonly bool syncs;
    private readonly FileLock? alone;
    private readonly DurableFiles disk;
    private long length;
    private readonly Lock syncing = new();
    private long synced;
    private int unsynced;
    private long lastSync = Stopwatch.GetTimestamp();
    private int syncWaits;
    private volatile Exception? syncFault;      // whoever appends or syncs next must not go on as if its records were safe
    private bool broken;

    private ChecksummedLines(string path, SafeFileHandle file, FileLock? alone, bool syncs, DurableFiles disk, LineReading take)
    {
        (this.path, this.file, this.alone, this.syncs, this.disk, readOnly) = (path, file, alone, syncs, disk, alone is null);
        (length, var torn) = ReadLines(file, (line, offset) =>
        {
            if (Json(line) is { IsEmpty: false } json) take(json, offset);
            else Dropped++;
        });
        if (!torn) return;
        Dropped++;
        if (!readOnly) RandomAccess.SetLength(file, length);
    }

    /// <summary>Lines that were not whole when the file was opened.</summary>
    public int Dropped { get; private set; }

    /// <param name="syncs">False for what may be lost with the power.</param>
    /// <param name="take">Given every whole line, in the order in which they were appended.</param>
    /// <exception cref="AgoraException">Another process writes the file, or it cannot be read.</exception>
    public static ChecksummedLines Open(string path, bool syncs, LineReading take, DurableFiles? disk = null)
    {
        try
        {
            // The lock is a file of its own: others may read what is here while it is written.
            var alone = FileLock.TryExclusive(path + ".lock") ?? throw new AgoraException("another process writes the journal", path, "wait until it ends, or end it");
            SafeFileHandle? file = null;
            try
            {
                file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
                return new ChecksummedLines(path, file, alone, syncs, disk ?? DurableFiles.Instance, take);
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

    /// <summary>A file that is only read.</summary>
    /// <exception cref="IOException">It is gone, or cannot be read.</exception>
    public static ChecksummedLines OpenToRead(string path, LineReading take)
    {
        var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        try
        {
            return new ChecksummedLines(path, file, alone: null, syncs: false, DurableFiles.Instance, take);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Hands every whole line of the file to <paramref name="take"/>, in the order in which they were appended. The file may be open elsewhere.</summary>
    public static void Scan(string path, LineReading take)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, FileOptions.SequentialScan);
        ReadLines(file, (line, offset) =>
        {
            if (Json(line) is { IsEmpty: false } json) take(json, offset);
        });
    }

    /// <returns>Where the line lies, for <see cref="Read"/>.</returns>
    /// <exception cref="AgoraException">It could not be written, for instance because the disk is full; what stood before still stands.</exception>
    public long Append(ReadOnlySpan<byte> json)
    {
        if (readOnly)
            throw new InvalidOperationException($"the journal {path} was opened to be read");
        var size = ChecksumLength + 1 + json.Length + 1;
        var buffer = ArrayPool<byte>.Shared.Rent(size);
        try
        {
            var line = buffer.AsSpan(0, size);
            Utf8Formatter.TryFormat(Checksum(json), line, out _, new StandardFormat('x', ChecksumLength));
            line[ChecksumLength] = (byte)' ';
            json.CopyTo(line[(ChecksumLength + 1)..]);
            line[^1] = (byte)'\n';
            return Write(line);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private long Write(ReadOnlySpan<byte> line)
    {
        var sync = false;
        long offset;
        lock (writing)
        {
            if (broken)
                throw new InvalidOperationException($"the journal {path} could not be put right after a failed write");
            if (syncFault is { } fault)
                throw DurableFiles.Failure(path, fault);
            offset = length;
            try
            {
                RandomAccess.Write(file, line, offset);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                CutBack();
                throw DurableFiles.Failure(path, error);
            }
            Volatile.Write(ref length, offset + line.Length);
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
        return offset;
    }

    /// <summary>Hands the JSON of a line that was appended, or read on opening, to <paramref name="take"/>.</summary>
    /// <exception cref="InvalidOperationException">The line is not there any more: somebody else changed the file.</exception>
    public TResult Read<TState, TResult>(long offset, TState state, LineReader<TState, TResult> take) where TState : allows ref struct
    {
        var buffer = ArrayPool<byte>.Shared.Rent(UsualLine);
        try
        {
            for (var filled = 0; ;)
            {
                var more = RandomAccess.Read(file, buffer.AsSpan(filled), offset + filled);
                var end = buffer.AsSpan(filled, more).IndexOf((byte)'\n');
                if (end >= 0)
                    return Json(buffer.AsSpan(0, filled + end + 1)) is { IsEmpty: false } json
                        ? take(json, state)
                        : throw new InvalidOperationException($"the journal {path} was changed while it was open");
                if (more == 0)
                    throw new InvalidOperationException($"the journal {path} was shortened while it was open");
                filled += more;
                if (filled < buffer.Length) continue;
                var larger = ArrayPool<byte>.Shared.Rent(2 * buffer.Length);
                buffer.CopyTo(larger, 0);
                ArrayPool<byte>.Shared.Return(buffer);
                buffer = larger;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Returns once everything that was appended before the call has reached the disk. Appenders go on meanwhile.</summary>
    /// <exception cref="AgoraException">It did not, now or at an earlier sync: the kernel tells of a lost page once, and calls it clean afterwards.</exception>
    public void Sync()
    {
        lock (syncing)
        {
            if (syncFault is { } fault)
                throw DurableFiles.Failure(path, fault);
            var upTo = Volatile.Read(ref length);
            if (upTo == synced)
                return;
            try
            {
                disk.Sync(file, path);
            }
            catch (AgoraException error)
            {
                syncFault = error.InnerException ?? error;
                throw;
            }
            synced = upTo;
        }
    }

    /// <summary>Removes all lines; they are gone from the disk when it returns.</summary>
    public void Clear()
    {
        lock (syncing)
            lock (writing)
            {
                try
                {
                    RandomAccess.SetLength(file, 0);
                }
                catch (IOException error)
                {
                    throw DurableFiles.Failure(path, error);
                }
                Volatile.Write(ref length, 0);
                disk.Sync(file, path);
                synced = 0;
            }
    }

    public void Dispose()
    {
        // No sync and no write is cut off in its middle.
        lock (syncing)
            lock (writing)
                file.Dispose();
        alone?.Dispose();
    }

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
        catch (AgoraException)
        {
            // Kept for the next one who appends or syncs.
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

    /// <summary>Hands every line of any file, with its line feed, to <paramref name="take"/>.</summary>
    /// <returns>Where the last whole line ends, and whether anything follows it.</returns>
    internal static (long Length, bool Torn) ReadLines(SafeFileHandle file, LineReading take)
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

    /// <summary>CRC-32C, an instruction of the processor.</summary>
    public static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        for (; bytes.Length >= 8; bytes = bytes[8..])
            crc = BitOperations.Crc32C(crc, BitConverter.ToUInt64(bytes));
        foreach (var one in bytes)
            crc = BitOperations.Crc32C(crc, one);
        return ~crc;
    }

    private const int UsualLine = 4096;
    private const int ChecksumLength = 8;
    private const int LinesPerSync = 256;
    private static readonly TimeSpan TimeBetweenSyncs = TimeSpan.FromSeconds(2);
}

/// <param name="json">Valid during the call.</param>
/// <param name="offset">Where the line begins.</param>
internal delegate void LineReading(ReadOnlySpan<byte> json, long offset);

/// <param name="json">Valid during the call.</param>
internal delegate TResult LineReader<in TState, out TResult>(ReadOnlySpan<byte> json, TState state) where TState : allows ref struct;
