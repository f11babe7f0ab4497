using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Agora.Students.Inference.Kernels;

/// <summary>Arithmetic on 16 lanes whose result does not depend on the machine: only operations that IEEE 754 rounds exactly, in a written order.</summary>
/// <remarks>Where the machine's vectors are narrower, the runtime splits the 16 lanes; the order stays.</remarks>
internal static unsafe class Lanes
{
    public const int Count = 16;

    /// <summary>Sum over the lanes as a tree: 16 → 8 → 4 → 2 → 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector512<float> lanes)
    {
        var eight = lanes.GetLower() + lanes.GetUpper();
        var four = eight.GetLower() + eight.GetUpper();
        return (four[0] + four[2]) + (four[1] + four[3]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Max(Vector512<float> lanes)
    {
        var eight = Vector256.Max(lanes.GetLower(), lanes.GetUpper());
        var four = Vector128.Max(eight.GetLower(), eight.GetUpper());
        return MathF.Max(MathF.Max(four[0], four[1]), MathF.Max(four[2], four[3]));
    }

    /// <summary>e^x within 2 units in the last place; 0 below −87, where float32 runs out of normal numbers. x must be below 88.</summary>
    /// <remarks>Cephes' scheme: x = n·ln 2 + r with |r| ≤ ln 2 / 2, a polynomial for e^r, and n added to the exponent.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp(Vector512<float> x)
    {
        var tooSmall = Vector512.LessThan(x, Vector512.Create(-87f));
        x = Vector512.Max(x, Vector512.Create(-87f));
        var rounder = Vector512.Create(12582912f);      // 1.5 · 2^23: adding it leaves the nearest integer in the low bits
        var shifted = Vector512.FusedMultiplyAdd(x, Vector512.Create(1.44269504f), rounder);
        var n = shifted - rounder;
        var r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-0.693359375f), x);
        r = Vector512.FusedMultiplyAdd(n, Vector512.Create(2.12194440e-4f), r);
        var p = Vector512.Create(1.9875691500e-4f);
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.3981999507e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(8.3334519073e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(4.1665795894e-2f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.6666665459e-1f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(5.0000001201e-1f));
        p = Vector512.FusedMultiplyAdd(p, r * r, r + Vector512<float>.One);
        var exponent = (shifted.AsInt32() - rounder.AsInt32() + Vector512.Create(127)) << 23;
        return Vector512.ConditionalSelect(tooSmall, Vector512<float>.Zero, p * exponent.AsSingle());
    }

    /// <summary>Σ x², lane by lane over blocks of 16, then over the lanes.</summary>
    public static float SumOfSquares(float* x, int count)
    {
        var sum = Vector512<float>.Zero;
        var i = 0;
        for (; i + Count <= count; i += Count)
        {
            var value = Vector512.Load(x + i);
            sum = Vector512.FusedMultiplyAdd(value, value, sum);
        }
        if (i < count)
        {
            var rest = stackalloc float[Count];
            for (var lane = 0; lane < Count; lane++)
                rest[lane] = i + lane < count ? x[i + lane] : 0;
            var value = Vector512.Load(rest);
            sum = Vector512.FusedMultiplyAdd(value, value, sum);
        }
        return Sum(sum);
    }
}
