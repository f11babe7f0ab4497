using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Agora.Experiments;
using Microsoft.Win32.SafeHandles;

namespace Agora.SeedData;

/// <summary>Rows of a large seed file: their texts lie in a temporary file and are read by position, 12 bytes a row are in memory.</summary>
/// <remarks>
/// The file has no name any more once it is open, so that nothing of it is left however the process ends. It holds what was read, whatever happens to the rows' own file meanwhile, and its
/// kind (gz, Parquet) does not matter. Safe for use from many threads once all rows are there.
/// </remarks>
internal sealed class SpooledSeeds : IDisposable
{
    private const int HeadBytes = 2 * sizeof(int);
    private const int NoResponse = -1;

    private readonly string name;
    private readonly string place;
    private readonly SafeFileHandle file;
    private readonly List<long> offsets = [];
    private readonly List<int> numbers = [];
    private readonly ArrayBufferWriter<byte> unwritten = new(1 << 16);
    private long written;

    /// <param name="name">The first part of every row's identity.</param>
    /// <param name="folder">Where the texts go.</param>
    public SpooledSeeds(string name, string folder)
    {
        this.name = name;
        place = Path.Combine(folder, $"agora-seeds-{Guid.NewGuid():N}");
        try
        {
            file = File.OpenHandle(place, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Delete);
            File.Delete(place);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw Failure(fault);
        }
    }

    public int Count => offsets.Count;

    public void Add(int number, string instruction, string? response)
    {
        offsets.Add(written + unwritten.WrittenCount);
        numbers.Add(number);
        var (first, second) = (Encoding.UTF8.GetByteCount(instruction), response is null ? NoResponse : Encoding.UTF8.GetByteCount(response));
        var span = unwritten.GetSpan(HeadBytes + first + Math.Max(0, second));
        BinaryPrimitives.WriteInt32LittleEndian(span, first);
        BinaryPrimitives.WriteInt32LittleEndian(span[sizeof(int)..], second);
        Encoding.UTF8.GetBytes(instruction, span[HeadBytes..]);
        Encoding.UTF8.GetBytes(response, span[(HeadBytes + first)..]);
        unwritten.Advance(HeadBytes + first + Math.Max(0, second));
        if (unwritten.WrittenCount >= 1 << 16) Write();
    }

    /// <summary>No row follows.</summary>
    public void End()
    {
        Write();
        offsets.TrimExcess();
        numbers.TrimExcess();
    }

    public SeedInstance Read(int row)
    {
        var length = checked((int)((row + 1 < offsets.Count ? offsets[row + 1] : written) - offsets[row]));
        var bytes = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            for (var read = 0; read < length;)
            {
                var more = RandomAccess.Read(file, bytes.AsSpan(read, length - read), offsets[row] + read);
                if (more == 0) throw new EndOfStreamException("it is shorter than what was written");
                read += more;
            }
            var (first, second) = (BinaryPrimitives.ReadInt32LittleEndian(bytes), BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(sizeof(int))));
            return new SeedInstance(new SeedId(string.Create(CultureInfo.InvariantCulture, $"{name}:{numbers[row]}")),
                Encoding.UTF8.GetString(bytes, HeadBytes, first), second == NoResponse ? null : Encoding.UTF8.GetString(bytes, HeadBytes + first, second));
        }
        catch (IOException fault)
        {
            throw Failure(fault);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    public void Dispose() => file.Dispose();

    private void Write()
    {
        try
        {
            RandomAccess.Write(file, unwritten.WrittenSpan, written);
        }
        catch (IOException fault)
        {
            throw Failure(fault);
        }
        written += unwritten.WrittenCount;
        unwritten.ResetWrittenCount();
    }

    private AgoraException Failure(Exception fault) => new($"the seeds cannot be kept in a temporary file: {fault.Message}", place, "free space there, or set TMPDIR to a folder on another disk", fault);
}
