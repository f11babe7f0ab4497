using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Agora.Students.Training;

/// <summary>C += A · B for the small matrices of attention, where a call into a BLAS costs as much as the product.</summary>
internal static unsafe class SmallMatrixProduct
{
    /// <summary>Rows of B and C must have room for, and lengths be multiples of, this many floats.</summary>
    public const int Lanes = 16;

    /// <summary>Each element of C is summed over the depth in ascending order, whatever the block it falls in.</summary>
    /// <param name="a">[rows, depth]; element (i, k) at <c>a[i * aRow + k * aStep]</c>, so that a transposed matrix needs no copy.</param>
    /// <param name="b">[depth, columns], rows <paramref name="bRow"/> floats apart.</param>
    /// <param name="c">[rows, columns], rows <paramref name="cRow"/> floats apart.</param>
    /// <param name="columns">A multiple of <see cref="Lanes"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add(float* a, int aRow, int aStep, float* b, int bRow, float* c, int cRow, int rows, int columns, int depth)
    {
        for (var column = 0; column < columns; column += Lanes)
        {
            var row = 0;
            for (; row + 4 <= rows; row += 4)
                AddFourRows(a + row * aRow, aRow, aStep, b + column, bRow, c + row * cRow + column, cRow, depth);
            for (; row < rows; row++)
                AddRow(a + row * aRow, aStep, b + column, bRow, c + row * cRow + column, depth);
        }
    }

    // Eight independent sums of eight floats: as many as hide the latency of two multiply-add units.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddFourRows(float* a, int aRow, int aStep, float* b, int bRow, float* c, int cRow, int depth)
    {
        float* a1 = a + aRow, a2 = a + 2 * aRow, a3 = a + 3 * aRow;
        Vector256<float> c00 = Vector256.Load(c), c01 = Vector256.Load(c + 8);
        Vector256<float> c10 = Vector256.Load(c + cRow), c11 = Vector256.Load(c + cRow + 8);
        Vector256<float> c20 = Vector256.Load(c + 2 * cRow), c21 = Vector256.Load(c + 2 * cRow + 8);
        Vector256<float> c30 = Vector256.Load(c + 3 * cRow), c31 = Vector256.Load(c + 3 * cRow + 8);
        for (var k = 0; k < depth; k++)
        {
            Vector256<float> left = Vector256.Load(b), right = Vector256.Load(b + 8);
            var factor = Vector256.Create(*a);
            c00 = Vector256.FusedMultiplyAdd(factor, left, c00);
            c01 = Vector256.FusedMultiplyAdd(factor, right, c01);
            factor = Vector256.Create(*a1);
            c10 = Vector256.FusedMultiplyAdd(factor, left, c10);
            c11 = Vector256.FusedMultiplyAdd(factor, right, c11);
            factor = Vector256.Create(*a2);
            c20 = Vector256.FusedMultiplyAdd(factor, left, c20);
            c21 = Vector256.FusedMultiplyAdd(factor, right, c21);
            factor = Vector256.Create(*a3);
            c30 = Vector256.FusedMultiplyAdd(factor, left, c30);
            c31 = Vector256.FusedMultiplyAdd(factor, right, c31);
            b += bRow;
            a += aStep;
            a1 += aStep;
            a2 += aStep;
            a3 += aStep;
        }
        c00.Store(c);
        c01.Store(c + 8);
        c10.Store(c + cRow);
        c11.Store(c + cRow + 8);
        c20.Store(c + 2 * cRow);
        c21.Store(c + 2 * cRow + 8);
        c30.Store(c + 3 * cRow);
        c31.Store(c + 3 * cRow + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddRow(float* a, int aStep, float* b, int bRow, float* c, int depth)
    {
        Vector256<float> left = Vector256.Load(c), right = Vector256.Load(c + 8);
        for (var k = 0; k < depth; k++)
        {
            var factor = Vector256.Create(*a);
            left = Vector256.FusedMultiplyAdd(factor, Vector256.Load(b), left);
            right = Vector256.FusedMultiplyAdd(factor, Vector256.Load(b + 8), right);
            b += bRow;
            a += aStep;
        }
        left.Store(c);
        right.Store(c + 8);
    }
}
