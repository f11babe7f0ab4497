using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace Agora.SeedData.Hub;

/// <summary>A file that is filled chunk by chunk in any order, and beside it the record of which chunks are there: whoever opens it next goes on from that.</summary>
/// <remarks>
/// A chunk is recorded after it is written, so a killed process leaves no chunk recorded that is not there. After a power cut the file system may have kept the
/// record and lost the bytes; the checksum of the whole file tells.
/// </remarks>
internal sealed class PartialFile : IDisposable
{
    public const int ChunkLength = 4 << 20;
    private const int Header = 16;

    private readonly string path;
    private readonly SafeFileHandle bytes;
    private readonly SafeFileHandle record;
    private readonly bool[] present;

    private PartialFile(string path, long size, SafeFileHandle bytes, SafeFileHandle record, bool[] present)
    {
        this.path = path;
        Size = size;
        this.bytes = bytes;
        this.record = record;
        this.present = present;
    }

    public long Size { get; }
    public int Chunks => present.Length;
    /// <summary>Bytes that are there.</summary>
    public long Written => present.Index().Where(chunk => chunk.Item).Sum(chunk => (long)Length(chunk.Index));

    /// <param name="path">Where the finished file will be; the parts lie beside it.</param>
    public static PartialFile Open(string path, long size)
    {
        PartialFile? file = null;
        HubCache.Guard(path, () =>
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            var present = new bool[(size + ChunkLength - 1) / ChunkLength];
            var bytes = File.OpenHandle(BytesOf(path), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
            var record = File.OpenHandle(RecordOf(path), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
            var known = new byte[Header + present.Length];
            Span<byte> header = stackalloc byte[Header];
            BinaryPrimitives.WriteInt64LittleEndian(header, size);
            BinaryPrimitives.WriteInt64LittleEndian(header[8..], ChunkLength);
            if (RandomAccess.GetLength(bytes) == size && RandomAccess.GetLength(record) == known.Length && RandomAccess.Read(record, known, 0) == known.Length && known.AsSpan(0, Header).SequenceEqual(header))
            {
                for (var i = 0; i < present.Length; i++) present[i] = known[Header + i] == 1;
            }
            else
            {
                RandomAccess.SetLength(record, 0);
                RandomAccess.SetLength(bytes, 0);
                RandomAccess.SetLength(bytes, size);
                RandomAccess.Write(record, header, 0);
                RandomAccess.SetLength(record, known.Length);
            }
            file = new PartialFile(path, size, bytes, record, present);
        });
        return file!;
    }

    public static void Discard(string path) => HubCache.Guard(path, () =>
    {
        File.Delete(RecordOf(path));
        File.Delete(BytesOf(path));
    });

    public bool Has(int chunk) => Volatile.Read(ref present[chunk]);

    public int Length(int chunk) => (int)Math.Min(ChunkLength, Size - (long)chunk * ChunkLength);

    public void Write(ReadOnlySpan<byte> data, long at)
    {
        try
        {
            RandomAccess.Write(bytes, data, at);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw HubCache.Failure(path, fault);
        }
    }

    /// <summary>Says that every byte of a chunk is written.</summary>
    public void Complete(int chunk)
    {
        try
        {
            RandomAccess.Write(record, [1], Header + chunk);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw HubCache.Failure(path, fault);
        }
        Volatile.Write(ref present[chunk], true);
    }

    public int Read(Span<byte> buffer, long at)
    {
        try
        {
            return RandomAccess.Read(bytes, buffer, at);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw HubCache.Failure(path, fault);
        }
    }

    /// <summary>Gives the whole file its own name.</summary>
    /// <remarks>Without waiting for the disk, which would take as long as the download: every use of a file reads it whole and holds it against its checksum, so that what a power cut loses is found.</remarks>
    public void Finish() => HubCache.Guard(path, () =>
    {
        File.Move(BytesOf(path), path, overwrite: true);
        File.Delete(RecordOf(path));
    });

    public void Dispose()
    {
        bytes.Dispose();
        record.Dispose();
    }

    private static string BytesOf(string path) => path + ".agora-partial";

    private static string RecordOf(string path) => path + ".agora-chunks";
}
