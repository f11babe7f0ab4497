using System.Runtime.InteropServices;

namespace Agora.Students.Inference.Kernels;

/// <summary>Zeroed float32 memory outside the managed heap: aligned to a cache line, never moved, and not limited to the length of an array.</summary>
internal sealed unsafe class FloatBuffer : IDisposable
{
    private const int Alignment = 64;

    private float* start;

    public FloatBuffer(long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        Length = length;
        start = (float*)NativeMemory.AlignedAlloc(checked((nuint)(length * sizeof(float))), Alignment);
        NativeMemory.Clear(start, (nuint)(length * sizeof(float)));
    }

    ~FloatBuffer() => Free();

    public long Length { get; }

    public float* Start => start;

    public Span<float> Slice(long first, int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first + count, Length);
        return new Span<float>(start + first, count);
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        NativeMemory.AlignedFree(start);
        start = null;
    }
}
