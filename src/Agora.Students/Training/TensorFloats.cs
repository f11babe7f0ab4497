using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Agora.Students.Training;

/// <summary>A float32 matrix that both torch and our own kernels work on.</summary>
internal sealed unsafe class TensorFloats : IDisposable
{
    private readonly float* start;

    public TensorFloats(long rows, int width)
        : this(zeros(rows, width).DetachFromDisposeScope())
    {
    }

    /// <param name="tensor">float32, contiguous, of at most 2 GB; owned by this object from here on.</param>
    public TensorFloats(Tensor tensor)
    {
        Tensor = tensor;
        Width = (int)tensor.shape[^1];
        start = (float*)StartOf(tensor);
    }

    /// <summary>Where the values lie: memory of the native library, which nothing moves while the tensor lives.</summary>
    /// <param name="tensor">float32, contiguous, on the CPU.</param>
    public static nint StartOf(Tensor tensor) => (nint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(tensor.bytes));

    /// <summary>float32 [rows, width], or [width].</summary>
    public Tensor Tensor { get; }

    public int Width { get; }

    public float* At(long index) => start + index;

    public Span<float> Row(long row) => new(start + row * Width, Width);

    /// <summary>The first rows, as a view in the surrounding scope.</summary>
    public Tensor Rows(long count) => Tensor.narrow(0, 0, count);

    public void Dispose() => Tensor.Dispose();
}
