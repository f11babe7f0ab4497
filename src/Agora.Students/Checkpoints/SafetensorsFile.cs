using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Agora.Experiments;
using Microsoft.Win32.SafeHandles;

namespace Agora.Students.Checkpoints;

/// <summary>One tensor of a safetensors file.</summary>
/// <param name="Type">As the format spells it: F32, F16, BF16, …</param>
/// <param name="Offset">Bytes from the start of the file.</param>
/// <param name="Length">Bytes.</param>
public sealed record SafetensorsEntry(string Name, string Type, ImmutableArray<long> Shape, long Offset, long Length)
{
    public long Elements => Shape.Aggregate(1L, (product, size) => product * size);
}

/// <summary>A safetensors file, read at any place as float32 or as stored. The header is taken for hostile until it is checked.</summary>
/// <remarks>
/// Format: 8 bytes little-endian header length, a JSON header whose offsets count from its own end, raw little-endian row-major data
/// (https://huggingface.co/docs/safetensors). As in the reference reader, tensors may come in any order but must tile the data exactly:
/// no overlap, no hole, no rest. The file is not mapped into memory: one that is cut short while it is mapped ends the process (SIGBUS), and here it is an error.
/// </remarks>
public sealed class SafetensorsFile : IDisposable
{
    /// <summary>The reference reader's own limit.</summary>
    private const long MaxHeaderBytes = 100_000_000;
    private const int BufferBytes = 1 << 20;

    private readonly SafeFileHandle file;

    private SafetensorsFile(string path, SafeFileHandle file, ImmutableSortedDictionary<string, SafetensorsEntry> tensors)
    {
        Path = path;
        this.file = file;
        Tensors = tensors;
    }

    public string Path { get; }

    public ImmutableSortedDictionary<string, SafetensorsEntry> Tensors { get; }

    /// <exception cref="AgoraException">Not a safetensors file, or its header contradicts itself or the file's length.</exception>
    public static SafetensorsFile Open(string path)
    {
        SafeFileHandle? file = null;
        try
        {
            file = File.OpenHandle(path);
            var length = RandomAccess.GetLength(file);
            Span<byte> prefix = stackalloc byte[8];
            if (length < 8)
                throw SafetensorsHeader.Broken(path, $"the file has {length} bytes, fewer than the 8 of the header's length");
            ReadExactly(file, path, prefix, 0);
            var headerLength = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
            if (headerLength > MaxHeaderBytes || (long)headerLength > length - 8)
                throw SafetensorsHeader.Broken(path, $"the header claims {headerLength} bytes; the file has {length}, and {MaxHeaderBytes} is the limit");
            var header = new byte[headerLength];
            ReadExactly(file, path, header, 8);
            var opened = new SafetensorsFile(path, file, SafetensorsHeader.Read(path, header, dataStart: 8 + header.LongLength, fileLength: length));
            file = null;
            return opened;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw Unreadable(path, exception);
        }
        finally
        {
            file?.Dispose();
        }
    }

    /// <summary>Widens elements of one tensor to float32; exact for all three types.</summary>
    /// <param name="first">Index of the first element wanted, in row-major order.</param>
    /// <exception cref="AgoraException">The tensor is not F32, F16 or BF16, or the file can no longer be read to its end.</exception>
    public void Read(SafetensorsEntry tensor, long first, Span<float> destination)
    {
        ObjectDisposedException.ThrowIf(file.IsClosed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first + destination.Length, tensor.Elements, nameof(destination));
        var type = FloatType.Named(tensor.Type)
            ?? throw new AgoraException($"tensor {tensor.Name} has type {tensor.Type}", Path, $"use a checkpoint in {string.Join(", ", FloatType.All.Select(t => t.Name))}");
        var at = tensor.Offset + first * type.Size;
        if (type.Size == sizeof(float))
        {
            // In parts, because a span counts its elements in 32 bits.
            for (; destination.Length > 0; destination = destination[Math.Min(destination.Length, BufferBytes)..])
            {
                var part = MemoryMarshal.AsBytes(destination[..Math.Min(destination.Length, BufferBytes)]);
                ReadBytes(part, at);
                at += part.Length;
            }
            return;
        }
        var buffer = ArrayPool<byte>.Shared.Rent(Math.Min(BufferBytes, destination.Length * type.Size));
        try
        {
            while (destination.Length > 0)
            {
                var count = Math.Min(destination.Length, BufferBytes / type.Size);
                var bytes = buffer.AsSpan(0, count * type.Size);
                ReadBytes(bytes, at);
                type.Widen(bytes, destination[..count]);
                at += bytes.Length;
                destination = destination[count..];
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Copies bytes of one tensor as they are stored, whatever its type.</summary>
    /// <param name="first">The first byte wanted, from the tensor's start.</param>
    /// <exception cref="AgoraException">The file can no longer be read to its end.</exception>
    public void ReadStored(SafetensorsEntry tensor, long first, Span<byte> destination)
    {
        ObjectDisposedException.ThrowIf(file.IsClosed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first + destination.Length, tensor.Length, nameof(destination));
        ReadBytes(destination, tensor.Offset + first);
    }

    public float[] Read(SafetensorsEntry tensor)
    {
        var values = new float[checked((int)tensor.Elements)];
        Read(tensor, 0, values);
        return values;
    }

    public void Dispose() => file.Dispose();

    private void ReadBytes(Span<byte> destination, long offset)
    {
        try
        {
            ReadExactly(file, Path, destination, offset);
        }
        catch (IOException exception)
        {
            throw Unreadable(Path, exception);
        }
    }

    private static void ReadExactly(SafeFileHandle file, string path, Span<byte> destination, long offset)
    {
        while (destination.Length > 0)
        {
            var count = RandomAccess.Read(file, destination, offset);
            if (count == 0)
                throw SafetensorsHeader.Broken(path, $"the file ends at byte {offset}; it was cut short while it was read");
            destination = destination[count..];
            offset += count;
        }
    }

    private static AgoraException Unreadable(string path, Exception exception) =>
        new("cannot read the weights", path, "check that the file exists and is readable", exception);
}
