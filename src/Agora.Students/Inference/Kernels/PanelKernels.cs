using System.Runtime.Intrinsics;

namespace Agora.Students.Inference.Kernels;

/// <summary>Inner loops of <see cref="PackedMatrix"/>: some rows of x times one panel of weights, all accumulators in registers.</summary>
/// <remarks>
/// Where fewer rows are left than a kernel takes, its spare rows point at the last one: they compute and store the same values once more, which costs less
/// than a kernel for every count. With <c>resume</c> the accumulators start from y instead of zero.
/// </remarks>
internal static unsafe class PanelKernels
{
    /// <summary>Up to eight rows with 16 accumulators of 16 lanes.</summary>
    public static void EightRows(float* x, long xStride, int rows, float* w, int depth, float* y, long yStride, bool resume)
    {
        var last = rows - 1;
        var x0 = x;
        var x1 = x + Math.Min(1, last) * xStride;
        var x2 = x + Math.Min(2, last) * xStride;
        var x3 = x + Math.Min(3, last) * xStride;
        var x4 = x + Math.Min(4, last) * xStride;
        var x5 = x + Math.Min(5, last) * xStride;
        var x6 = x + Math.Min(6, last) * xStride;
        var x7 = x + Math.Min(7, last) * xStride;
        var y0 = y;
        var y1 = y + Math.Min(1, last) * yStride;
        var y2 = y + Math.Min(2, last) * yStride;
        var y3 = y + Math.Min(3, last) * yStride;
        var y4 = y + Math.Min(4, last) * yStride;
        var y5 = y + Math.Min(5, last) * yStride;
        var y6 = y + Math.Min(6, last) * yStride;
        var y7 = y + Math.Min(7, last) * yStride;
        Vector512<float> a0 = default, b0 = default, a1 = default, b1 = default, a2 = default, b2 = default, a3 = default, b3 = default, a4 = default, b4 = default, a5 = default, b5 = default, a6 = default, b6 = default, a7 = default, b7 = default;
        if (resume)
        {
            a0 = Vector512.Load(y0);
            b0 = Vector512.Load(y0 + 16);
            a1 = Vector512.Load(y1);
            b1 = Vector512.Load(y1 + 16);
            a2 = Vector512.Load(y2);
            b2 = Vector512.Load(y2 + 16);
            a3 = Vector512.Load(y3);
            b3 = Vector512.Load(y3 + 16);
            a4 = Vector512.Load(y4);
            b4 = Vector512.Load(y4 + 16);
            a5 = Vector512.Load(y5);
            b5 = Vector512.Load(y5 + 16);
            a6 = Vector512.Load(y6);
            b6 = Vector512.Load(y6 + 16);
            a7 = Vector512.Load(y7);
            b7 = Vector512.Load(y7 + 16);
        }
        for (nint k = 0; k < depth; k++, w += PackedMatrix.Panel)
        {
            var w0 = Vector512.Load(w);
            var w1 = Vector512.Load(w + 16);
            var value = Vector512.Create(x0[k]);
            a0 = Vector512.FusedMultiplyAdd(value, w0, a0);
            b0 = Vector512.FusedMultiplyAdd(value, w1, b0);
            value = Vector512.Create(x1[k]);
            a1 = Vector512.FusedMultiplyAdd(value, w0, a1);
            b1 = Vector512.FusedMultiplyAdd(value, w1, b1);
            value = Vector512.Create(x2[k]);
            a2 = Vector512.FusedMultiplyAdd(value, w0, a2);
            b2 = Vector512.FusedMultiplyAdd(value, w1, b2);
            value = Vector512.Create(x3[k]);
            a3 = Vector512.FusedMultiplyAdd(value, w0, a3);
            b3 = Vector512.FusedMultiplyAdd(value, w1, b3);
            value = Vector512.Create(x4[k]);
            a4 = Vector512.FusedMultiplyAdd(value, w0, a4);
            b4 = Vector512.FusedMultiplyAdd(value, w1, b4);
            value = Vector512.Create(x5[k]);
            a5 = Vector512.FusedMultiplyAdd(value, w0, a5);
            b5 = Vector512.FusedMultiplyAdd(value, w1, b5);
            value = Vector512.Create(x6[k]);
            a6 = Vector512.FusedMultiplyAdd(value, w0, a6);
            b6 = Vector512.FusedMultiplyAdd(value, w1, b6);
            value = Vector512.Create(x7[k]);
            a7 = Vector512.FusedMultiplyAdd(value, w0, a7);
            b7 = Vector512.FusedMultiplyAdd(value, w1, b7);
        }
        a7.Store(y7);
        b7.Store(y7 + 16);
        a6.Store(y6);
        b6.Store(y6 + 16);
        a5.Store(y5);
        b5.Store(y5 + 16);
        a4.Store(y4);
        b4.Store(y4 + 16);
        a3.Store(y3);
        b3.Store(y3 + 16);
        a2.Store(y2);
        b2.Store(y2 + 16);
        a1.Store(y1);
        b1.Store(y1 + 16);
        a0.Store(y0);
        b0.Store(y0 + 16);
    }

    /// <summary>Up to four rows with 8 accumulators of 16 lanes.</summary>
    public static void FourRows(float* x, long xStride, int rows, float* w, int depth, float* y, long yStride, bool resume)
    {
        var last = rows - 1;
        var x0 = x;
        var x1 = x + Math.Min(1, last) * xStride;
        var x2 = x + Math.Min(2, last) * xStride;
        var x3 = x + Math.Min(3, last) * xStride;
        var y0 = y;
        var y1 = y + Math.Min(1, last) * yStride;
        var y2 = y + Math.Min(2, last) * yStride;
        var y3 = y + Math.Min(3, last) * yStride;
        Vector512<float> a0 = default, b0 = default, a1 = default, b1 = default, a2 = default, b2 = default, a3 = default, b3 = default;
        if (resume)
        {
            a0 = Vector512.Load(y0);
            b0 = Vector512.Load(y0 + 16);
            a1 = Vector512.Load(y1);
            b1 = Vector512.Load(y1 + 16);
            a2 = Vector512.Load(y2);
            b2 = Vector512.Load(y2 + 16);
            a3 = Vector512.Load(y3);
            b3 = Vector512.Load(y3 + 16);
        }
        for (nint k = 0; k < depth; k++, w += PackedMatrix.Panel)
        {
            var w0 = Vector512.Load(w);
            var w1 = Vector512.Load(w + 16);
            var value = Vector512.Create(x0[k]);
            a0 = Vector512.FusedMultiplyAdd(value, w0, a0);
            b0 = Vector512.FusedMultiplyAdd(value, w1, b0);
            value = Vector512.Create(x1[k]);
            a1 = Vector512.FusedMultiplyAdd(value, w0, a1);
            b1 = Vector512.FusedMultiplyAdd(value, w1, b1);
            value = Vector512.Create(x2[k]);
            a2 = Vector512.FusedMultiplyAdd(value, w0, a2);
            b2 = Vector512.FusedMultiplyAdd(value, w1, b2);
            value = Vector512.Create(x3[k]);
            a3 = Vector512.FusedMultiplyAdd(value, w0, a3);
            b3 = Vector512.FusedMultiplyAdd(value, w1, b3);
        }
        a3.Store(y3);
        b3.Store(y3 + 16);
        a2.Store(y2);
        b2.Store(y2 + 16);
        a1.Store(y1);
        b1.Store(y1 + 16);
        a0.Store(y0);
        b0.Store(y0 + 16);
    }

    /// <summary>One row with 2 accumulators of 16 lanes; bound by reading the weights, not by arithmetic.</summary>
    public static void OneRow(float* x, float* w, int depth, float* y, bool resume)
    {
        var a = resume ? Vector512.Load(y) : default;
        var b = resume ? Vector512.Load(y + 16) : default;
        for (nint k = 0; k < depth; k++, w += PackedMatrix.Panel)
        {
            var value = Vector512.Create(x[k]);
            a = Vector512.FusedMultiplyAdd(value, Vector512.Load(w), a);
            b = Vector512.FusedMultiplyAdd(value, Vector512.Load(w + 16), b);
        }
        a.Store(y);
        b.Store(y + 16);
    }

    /// <summary>Up to four rows and half a panel with 8 accumulators of 8 lanes, for machines with 16 vector registers.</summary>
    public static void FourRowsHalf(float* x, long xStride, int rows, float* w, int depth, float* y, long yStride, bool resume)
    {
        var last = rows - 1;
        var x0 = x;
        var x1 = x + Math.Min(1, last) * xStride;
        var x2 = x + Math.Min(2, last) * xStride;
        var x3 = x + Math.Min(3, last) * xStride;
        var y0 = y;
        var y1 = y + Math.Min(1, last) * yStride;
        var y2 = y + Math.Min(2, last) * yStride;
        var y3 = y + Math.Min(3, last) * yStride;
        Vector256<float> a0 = default, b0 = default, a1 = default, b1 = default, a2 = default, b2 = default, a3 = default, b3 = default;
        if (resume)
        {
            a0 = Vector256.Load(y0);
            b0 = Vector256.Load(y0 + 8);
            a1 = Vector256.Load(y1);
            b1 = Vector256.Load(y1 + 8);
            a2 = Vector256.Load(y2);
            b2 = Vector256.Load(y2 + 8);
            a3 = Vector256.Load(y3);
            b3 = Vector256.Load(y3 + 8);
        }
        for (nint k = 0; k < depth; k++, w += PackedMatrix.Panel)
        {
            var w0 = Vector256.Load(w);
            var w1 = Vector256.Load(w + 8);
            var value = Vector256.Create(x0[k]);
            a0 = Vector256.FusedMultiplyAdd(value, w0, a0);
            b0 = Vector256.FusedMultiplyAdd(value, w1, b0);
            value = Vector256.Create(x1[k]);
            a1 = Vector256.FusedMultiplyAdd(value, w0, a1);
            b1 = Vector256.FusedMultiplyAdd(value, w1, b1);
            value = Vector256.Create(x2[k]);
            a2 = Vector256.FusedMultiplyAdd(value, w0, a2);
            b2 = Vector256.FusedMultiplyAdd(value, w1, b2);
            value = Vector256.Create(x3[k]);
            a3 = Vector256.FusedMultiplyAdd(value, w0, a3);
            b3 = Vector256.FusedMultiplyAdd(value, w1, b3);
        }
        a3.Store(y3);
        b3.Store(y3 + 8);
        a2.Store(y2);
        b2.Store(y2 + 8);
        a1.Store(y1);
        b1.Store(y1 + 8);
        a0.Store(y0);
        b0.Store(y0 + 8);
    }
}
