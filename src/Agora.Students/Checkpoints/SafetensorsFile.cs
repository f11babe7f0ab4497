using System.Buffers.Binary;
using System.Collections.Immutable;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using Agora.Experiments;

namespace Agora.Students.Checkpoints;

/// <summary>One tensor of a safetensors file.</summary>
/// <param name="Type">As the format spells it: F32, F16, BF16, …</param>
/// <param name="Offset">Bytes from the start of the file.</param>
/// <param name="Length">Bytes.</param>
public sealed record SafetensorsEntry(string Name, string Type, ImmutableArray<long> Shape, long Offset, long Length)
{
    public long Elements => Shape.Aggregate(1L, (product, size) => product * size);
}

/// <summary>A safetensors file, memory-mapped and read as float32 or as stored. The header is taken for hostile until it is checked.</summary>
/// <remarks>
/// Format: 8 bytes little-endian header length, a JSON header whose offsets count from its own end, raw little-endian row-major data
/// (https://huggingface.co/docs/safetensors). As in the reference reader, tensors may come in any order but must tile the data exactly:
/// no overlap, no hole, no rest.
/// </remarks>
public sealed unsafe class SafetensorsFile : IDisposable
{
    /// <summary>The reference reader's own limit.</summary>
    private const long MaxHeaderBytes = 100_000_000;
    private const long ReleaseAfter = 16 << 20;

    private readonly MemoryMappedFile map;
    private readonly MemoryMappedViewAccessor view;
    private readonly byte* start;
    private readonly long length;
    private long readSinceRelease;

    private SafetensorsFile(string path, MemoryMappedFile map, MemoryMappedViewAccessor view, byte* start, long length, ImmutableSortedDictionary<string, SafetensorsEntry> tensors)
    {
        Path = path;
        this.map = map;
        this.view = view;
        this.start = start;
        this.length = length;
        Tensors = tensors;
    }

    public string Path { get; }

    public ImmutableSortedDictionary<string, SafetensorsEntry> Tensors { get; }

    /// <exception cref="AgoraException">Not a safetensors file, or its header contradicts itself or the file's length.</exception>
    public static SafetensorsFile Open(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            var length = file.Length;
            Span<byte> prefix = stackalloc byte[8];
            if (length < 8)
                throw SafetensorsHeader.Broken(path, $"the file has {length} bytes, fewer than the 8 of the header's length");
            file.ReadExactly(prefix);
            var headerLength = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
            if (headerLength > MaxHeaderBytes || (long)headerLength > length - 8)
                throw SafetensorsHeader.Broken(path, $"the header claims {headerLength} bytes; the file has {length}, and {MaxHeaderBytes} is the limit");
            var header = new byte[headerLength];
            file.ReadExactly(header);
            var tensors = SafetensorsHeader.Read(path, header, dataStart: 8 + header.LongLength, fileLength: length);
            var map = MemoryMappedFile.CreateFromFile(file, mapName: null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
            var view = map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
            byte* pointer = null;
            view.SafeMemoryMappedViewHandle.AcquirePointer(ref pointer);
            return new SafetensorsFile(path, map, view, pointer + view.PointerOffset, length, tensors);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new AgoraException("cannot read the weights", path, "check that the file exists and is readable", exception);
        }
    }

    /// <summary>Widens elements of one tensor to float32; exact for all three types.</summary>
    /// <param name="first">Index of the first element wanted, in row-major order.</param>
    /// <exception cref="AgoraException">The tensor is not F32, F16 or BF16.</exception>
    public void Read(SafetensorsEntry tensor, long first, Span<float> destination)
    {
        ObjectDisposedException.ThrowIf(view.SafeMemoryMappedViewHandle.IsClosed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first + destination.Length, tensor.Elements, nameof(destination));
        var type = FloatType.Named(tensor.Type)
            ?? throw new AgoraException($"tensor {tensor.Name} has type {tensor.Type}", Path, $"use a checkpoint in {string.Join(", ", FloatType.All.Select(t => t.Name))}");
        type.Widen(new ReadOnlySpan<byte>(start + tensor.Offset + first * type.Size, destination.Length * type.Size), destination);
        Release((long)destination.Length * type.Size);
    }

    /// <summary>Copies bytes of one tensor as they are stored, whatever its type.</summary>
    /// <param name="first">The first byte wanted, from the tensor's start.</param>
    public void ReadStored(SafetensorsEntry tensor, long first, Span<byte> destination)
    {
        ObjectDisposedException.ThrowIf(view.SafeMemoryMappedViewHandle.IsClosed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first + destination.Length, tensor.Length, nameof(destination));
        new ReadOnlySpan<byte>(start + tensor.Offset + first, destination.Length).CopyTo(destination);
        Release(destination.Length);
    }

    public float[] Read(SafetensorsEntry tensor)
    {
        var values = new float[checked((int)tensor.Elements)];
        Read(tensor, 0, values);
        return values;
    }

    public void Dispose()
    {
        if (view.SafeMemoryMappedViewHandle.IsClosed)
            return;
        view.SafeMemoryMappedViewHandle.ReleasePointer();
        view.Dispose();
        map.Dispose();
    }

    // Pages that were read count as resident as long as they are mapped. Without this, loading would hold the weights twice: as pages of the file and as what was made of them.
    private void Release(long bytesRead)
    {
        if (Interlocked.Add(ref readSinceRelease, bytesRead) < ReleaseAfter || !OperatingSystem.IsLinux())
            return;
        Interlocked.Exchange(ref readSinceRelease, 0);
        // What another thread is reading at this moment comes back from the page cache. The advice may be ignored, so its result does not matter.
        _ = Advise(start, (nuint)length, NotNeeded);
    }

    private const int NotNeeded = 4;        // MADV_DONTNEED

    [DllImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Advise(byte* address, nuint length, int advice);
}
