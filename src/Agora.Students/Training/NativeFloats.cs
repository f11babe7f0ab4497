using System.Runtime.InteropServices;

namespace Agora.Students.Training;

/// <summary>Zeroed memory for floats outside the collected heap, aligned to a cache line.</summary>
internal sealed unsafe class NativeFloats : IDisposable
{
    private const nuint Alignment = 64;
    private float* start;

    public NativeFloats(int length)
    {
        start = (float*)NativeMemory.AlignedAlloc((nuint)length * sizeof(float), Alignment);
        new Span<float>(start, length).Clear();
    }

    public float* At(int index) => start + index;

    public Span<float> Row(int index, int length) => new(start + (long)index * length, length);

    public void Clear(int length) => new Span<float>(start, length).Clear();

    public void Dispose()
    {
        NativeMemory.AlignedFree(start);
        start = null;
    }
}
