using System.Runtime.Intrinsics;

namespace Agora.Students.Inference.Kernels;

/// <summary>What happens to one row of activations between two matrices. Rows are padded with zeros to whole panels.</summary>
internal static unsafe class RowKernels
{
    /// <summary>Root mean square normalisation (arXiv:1910.07467), weight multiplied last.</summary>
    /// <param name="y">May be <paramref name="x"/>.</param>
    public static void RmsNorm(float* x, float* weight, int count, float epsilon, float* y)
    {
        var mean = Lanes.SumOfSquares(x, count) / count;
        // A sum that overflowed would give a scale of 0 and with it a row of innocent zeros.
        var scale = float.IsFinite(mean) ? 1f / MathF.Sqrt(mean + epsilon) : float.NaN;
        var i = 0;
        for (; i + Lanes.Count <= count; i += Lanes.Count)
            (Vector512.Load(x + i) * Vector512.Create(scale) * Vector512.Load(weight + i)).Store(y + i);
        for (; i < count; i++)
            y[i] = x[i] * scale * weight[i];
    }

    /// <summary>Whether no element is NaN or infinite.</summary>
    public static bool AllFinite(ReadOnlySpan<float> row)
    {
        // Zero times anything finite is zero; NaN and infinity leave NaN behind.
        var sum = Vector512<float>.Zero;
        var i = 0;
        for (; i + Lanes.Count <= row.Length; i += Lanes.Count)
            sum += Vector512.Create(row[i..]) * Vector512<float>.Zero;
        var finite = Lanes.Sum(sum) == 0;
        for (; i < row.Length; i++)
            finite &= float.IsFinite(row[i]);
        return finite;
    }

    /// <summary>x += delta.</summary>
    /// <param name="count">A multiple of 16, like the padded rows it is for.</param>
    public static void Add(float* x, float* delta, int count)
    {
        for (var i = 0; i < count; i += Lanes.Count)
            (Vector512.Load(x + i) + Vector512.Load(delta + i)).Store(x + i);
    }

    /// <summary>gate ← SiLU(gate) · up, with SiLU(g) = g / (1 + e^−g).</summary>
    /// <param name="count">A multiple of 16.</param>
    public static void GatedSilu(float* gate, float* up, int count)
    {
        for (var i = 0; i < count; i += Lanes.Count)
        {
            var g = Vector512.Load(gate + i);
            // Below −80 the result is 0 to float32; the bound keeps e^−g finite.
            var e = Lanes.Exp(-Vector512.Max(g, Vector512.Create(-80f)));
            (g / (Vector512<float>.One + e) * Vector512.Load(up + i)).Store(gate + i);
        }
    }

    /// <summary>Rotates element i of a head together with element i + half (the layout of Hugging Face checkpoints).</summary>
    public static void Rotate(float* head, float* cos, float* sin, int half)
    {
        var i = 0;
        for (; i + Lanes.Count <= half; i += Lanes.Count)
        {
            var a = Vector512.Load(head + i);
            var b = Vector512.Load(head + half + i);
            var c = Vector512.Load(cos + i);
            var s = Vector512.Load(sin + i);
            (a * c - b * s).Store(head + i);
            (b * c + a * s).Store(head + half + i);
        }
        for (; i < half; i++)
        {
            var a = head[i];
            var b = head[half + i];
            head[i] = a * cos[i] - b * sin[i];
            head[half + i] = b * cos[i] + a * sin[i];
        }
    }
}
