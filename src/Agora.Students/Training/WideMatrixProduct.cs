using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Agora.Students.Training;

/// <summary>C (+)= A · B on one thread with vectors of 512 bits. MKL, which libtorch brings along, keeps to 256 on processors that are not Intel's.</summary>
/// <remarks>
/// Panels of A and B are copied so that the innermost loop reads them in order (Goto and van de Geijn, ACM TOMS 34(3), 2008): 12 rows by 32 columns are held in 24 registers. Each element of C is
/// one chain of fused multiply-adds over the depth in ascending order. One instance serves one thread.
/// </remarks>
internal sealed unsafe class WideMatrixProduct : IDisposable
{
    private const int Rows = 12;
    private const int Columns = 32;
    // A panel of B of this depth stays in the nearest cache (32 KB), a block of A of so many rows in the next one.
    private const int DepthAtOnce = 256;
    private const int RowsAtOnce = 240;

    private readonly NativeFloats left = new(RowsAtOnce * DepthAtOnce);
    private readonly NativeFloats edge = new(Rows * Columns);
    private NativeFloats right = new(DepthAtOnce * 512);
    private int rightColumns = 512;

    /// <summary>Whether the processor has such vectors.</summary>
    public static bool IsSupported => Vector512.IsHardwareAccelerated;

    /// <summary>A matrix in memory: element (i, j) at <c>At[i * Row + j * Step]</c>, so that a transposed one needs no copy.</summary>
    public readonly record struct Matrix(nint At, int Row, int Step);

    /// <param name="a">[rows, depth].</param>
    /// <param name="b">[depth, columns].</param>
    /// <param name="c">[rows, columns], rows <paramref name="cRow"/> floats apart.</param>
    /// <param name="add">Whether to add to what is in C.</param>
    public void Multiply(Matrix a, Matrix b, float* c, int cRow, int rows, int columns, int depth, bool add)
    {
        var padded = (columns + Columns - 1) / Columns * Columns;
        if (padded > rightColumns)
        {
            right.Dispose();
            (right, rightColumns) = (new NativeFloats(DepthAtOnce * padded), padded);
        }
        for (var depthFrom = 0; depthFrom < depth; depthFrom += DepthAtOnce)
        {
            var deep = Math.Min(DepthAtOnce, depth - depthFrom);
            PackRight((float*)b.At + (long)depthFrom * b.Row, b.Row, b.Step, columns, deep);
            for (var rowFrom = 0; rowFrom < rows; rowFrom += RowsAtOnce)
            {
                var high = Math.Min(RowsAtOnce, rows - rowFrom);
                PackLeft((float*)a.At + (long)rowFrom * a.Row + (long)depthFrom * a.Step, a.Row, a.Step, high, deep);
                for (var column = 0; column < columns; column += Columns)
                {
                    var panel = right.At(column * deep);
                    for (var row = 0; row < high; row += Rows)
                    {
                        var place = c + (long)(rowFrom + row) * cRow + column;
                        int rowsHere = Math.Min(Rows, high - row), columnsHere = Math.Min(Columns, columns - column);
                        if (rowsHere == Rows && columnsHere == Columns)
                            Block(left.At(row * deep), panel, place, cRow, deep, add || depthFrom > 0);
                        else
                            Edge(left.At(row * deep), panel, place, cRow, deep, add || depthFrom > 0, rowsHere, columnsHere);
                    }
                }
            }
        }
    }

    public void Dispose()
    {
        left.Dispose();
        right.Dispose();
        edge.Dispose();
    }

    // At the borders a whole block is computed beside, and the part that exists is copied.
    private void Edge(float* a, float* b, float* c, int cRow, int depth, bool add, int rows, int columns)
    {
        for (var i = 0; i < rows && add; i++)
            new ReadOnlySpan<float>(c + (long)i * cRow, columns).CopyTo(edge.Row(i, Columns));
        Block(a, b, edge.At(0), Columns, depth, add);
        for (var i = 0; i < rows; i++)
            edge.Row(i, Columns)[..columns].CopyTo(new Span<float>(c + (long)i * cRow, columns));
    }

    // [depth, columns] to panels of [depth, 32], filled up with zeros.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void PackRight(float* b, int row, int step, int columns, int depth)
    {
        for (var column = 0; column < columns; column += Columns)
        {
            var panel = right.At(column * depth);
            var wide = Math.Min(Columns, columns - column);
            if (wide < Columns)
                new Span<float>(panel, depth * Columns).Clear();
            if (step == 1)
            {
                for (var k = 0; k < depth; k++)
                    new ReadOnlySpan<float>(b + (long)k * row + column, wide).CopyTo(new Span<float>(panel + k * Columns, wide));
                continue;
            }
            // Transposed: a column of B lies in one piece.
            var j = 0;
            for (; j + 8 <= wide && row == 1; j += 8)
                AcrossEight(b + (long)(column + j) * step, step, panel + j, Columns, depth);
            for (; j < wide; j++)
            {
                var from = b + (long)(column + j) * step;
                for (var k = 0; k < depth; k++)
                    panel[k * Columns + j] = from[(long)k * row];
            }
        }
    }

    // [rows, depth] to panels of [depth, 12].
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void PackLeft(float* a, int row, int step, int rows, int depth)
    {
        for (var first = 0; first < rows; first += Rows)
        {
            var panel = left.At(first * depth);
            var high = Math.Min(Rows, rows - first);
            if (row == 1 && high == Rows)
            {
                // Transposed: twelve neighbours lie in one piece.
                for (var k = 0; k < depth; k++)
                {
                    var from = a + first + (long)k * step;
                    Vector256.Store(Vector256.Load(from), panel + k * Rows);
                    Vector128.Store(Vector128.Load(from + 8), panel + k * Rows + 8);
                }
                continue;
            }
            var i = 0;
            for (; i + 4 <= high && step == 1; i += 4)
            {
                float* r0 = a + (long)(first + i) * row, r1 = r0 + row, r2 = r1 + row, r3 = r2 + row;
                var to = panel + i;
                for (var k = 0; k < depth; k++, to += Rows)
                    Vector128.Store(Vector128.Create(r0[k], r1[k], r2[k], r3[k]), to);
            }
            for (; i < Rows; i++)
            {
                var from = a + (long)(first + i) * row;
                for (var k = 0; k < depth; k++)
                    panel[k * Rows + i] = i < high ? from[(long)k * step] : 0;
            }
        }
    }

    // Eight rows of numbers become eight columns.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AcrossEight(float* from, int row, float* to, int toRow, int length)
    {
        float* r0 = from, r1 = r0 + row, r2 = r1 + row, r3 = r2 + row, r4 = r3 + row, r5 = r4 + row, r6 = r5 + row, r7 = r6 + row;
        for (var k = 0; k < length; k++, to += toRow)
            Vector256.Store(Vector256.Create(r0[k], r1[k], r2[k], r3[k], r4[k], r5[k], r6[k], r7[k]), to);
    }

    /// <param name="a">[depth, 12], packed.</param>
    /// <param name="b">[depth, 32], packed.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Block(float* a, float* b, float* c, int cRow, int depth, bool add)
    {
        Vector512<float> l0 = default, r0 = default;
        Vector512<float> l1 = default, r1 = default;
        Vector512<float> l2 = default, r2 = default;
        Vector512<float> l3 = default, r3 = default;
        Vector512<float> l4 = default, r4 = default;
        Vector512<float> l5 = default, r5 = default;
        Vector512<float> l6 = default, r6 = default;
        Vector512<float> l7 = default, r7 = default;
        Vector512<float> l8 = default, r8 = default;
        Vector512<float> l9 = default, r9 = default;
        Vector512<float> l10 = default, r10 = default;
        Vector512<float> l11 = default, r11 = default;
        if (add)
        {
            l0 = Vector512.Load(c);
            r0 = Vector512.Load(c + 16);
            l1 = Vector512.Load(c + 1 * (long)cRow);
            r1 = Vector512.Load(c + 1 * (long)cRow + 16);
            l2 = Vector512.Load(c + 2 * (long)cRow);
            r2 = Vector512.Load(c + 2 * (long)cRow + 16);
            l3 = Vector512.Load(c + 3 * (long)cRow);
            r3 = Vector512.Load(c + 3 * (long)cRow + 16);
            l4 = Vector512.Load(c + 4 * (long)cRow);
            r4 = Vector512.Load(c + 4 * (long)cRow + 16);
            l5 = Vector512.Load(c + 5 * (long)cRow);
            r5 = Vector512.Load(c + 5 * (long)cRow + 16);
            l6 = Vector512.Load(c + 6 * (long)cRow);
            r6 = Vector512.Load(c + 6 * (long)cRow + 16);
            l7 = Vector512.Load(c + 7 * (long)cRow);
            r7 = Vector512.Load(c + 7 * (long)cRow + 16);
            l8 = Vector512.Load(c + 8 * (long)cRow);
            r8 = Vector512.Load(c + 8 * (long)cRow + 16);
            l9 = Vector512.Load(c + 9 * (long)cRow);
            r9 = Vector512.Load(c + 9 * (long)cRow + 16);
            l10 = Vector512.Load(c + 10 * (long)cRow);
            r10 = Vector512.Load(c + 10 * (long)cRow + 16);
            l11 = Vector512.Load(c + 11 * (long)cRow);
            r11 = Vector512.Load(c + 11 * (long)cRow + 16);
        }
        for (var k = 0; k < depth; k++)
        {
            Vector512<float> left = Vector512.Load(b), right = Vector512.Load(b + 16);
            var factor = Vector512.Create(a[0]);
            l0 = Vector512.FusedMultiplyAdd(factor, left, l0);
            r0 = Vector512.FusedMultiplyAdd(factor, right, r0);
            factor = Vector512.Create(a[1]);
            l1 = Vector512.FusedMultiplyAdd(factor, left, l1);
            r1 = Vector512.FusedMultiplyAdd(factor, right, r1);
            factor = Vector512.Create(a[2]);
            l2 = Vector512.FusedMultiplyAdd(factor, left, l2);
            r2 = Vector512.FusedMultiplyAdd(factor, right, r2);
            factor = Vector512.Create(a[3]);
            l3 = Vector512.FusedMultiplyAdd(factor, left, l3);
            r3 = Vector512.FusedMultiplyAdd(factor, right, r3);
            factor = Vector512.Create(a[4]);
            l4 = Vector512.FusedMultiplyAdd(factor, left, l4);
            r4 = Vector512.FusedMultiplyAdd(factor, right, r4);
            factor = Vector512.Create(a[5]);
            l5 = Vector512.FusedMultiplyAdd(factor, left, l5);
            r5 = Vector512.FusedMultiplyAdd(factor, right, r5);
            factor = Vector512.Create(a[6]);
            l6 = Vector512.FusedMultiplyAdd(factor, left, l6);
            r6 = Vector512.FusedMultiplyAdd(factor, right, r6);
            factor = Vector512.Create(a[7]);
            l7 = Vector512.FusedMultiplyAdd(factor, left, l7);
            r7 = Vector512.FusedMultiplyAdd(factor, right, r7);
            factor = Vector512.Create(a[8]);
            l8 = Vector512.FusedMultiplyAdd(factor, left, l8);
            r8 = Vector512.FusedMultiplyAdd(factor, right, r8);
            factor = Vector512.Create(a[9]);
            l9 = Vector512.FusedMultiplyAdd(factor, left, l9);
            r9 = Vector512.FusedMultiplyAdd(factor, right, r9);
            factor = Vector512.Create(a[10]);
            l10 = Vector512.FusedMultiplyAdd(factor, left, l10);
            r10 = Vector512.FusedMultiplyAdd(factor, right, r10);
            factor = Vector512.Create(a[11]);
            l11 = Vector512.FusedMultiplyAdd(factor, left, l11);
            r11 = Vector512.FusedMultiplyAdd(factor, right, r11);
            a += Rows;
            b += Columns;
        }
        Vector512.Store(l0, c);
        Vector512.Store(r0, c + 16);
        Vector512.Store(l1, c + 1 * (long)cRow);
        Vector512.Store(r1, c + 1 * (long)cRow + 16);
        Vector512.Store(l2, c + 2 * (long)cRow);
        Vector512.Store(r2, c + 2 * (long)cRow + 16);
        Vector512.Store(l3, c + 3 * (long)cRow);
        Vector512.Store(r3, c + 3 * (long)cRow + 16);
        Vector512.Store(l4, c + 4 * (long)cRow);
        Vector512.Store(r4, c + 4 * (long)cRow + 16);
        Vector512.Store(l5, c + 5 * (long)cRow);
        Vector512.Store(r5, c + 5 * (long)cRow + 16);
        Vector512.Store(l6, c + 6 * (long)cRow);
        Vector512.Store(r6, c + 6 * (long)cRow + 16);
        Vector512.Store(l7, c + 7 * (long)cRow);
        Vector512.Store(r7, c + 7 * (long)cRow + 16);
        Vector512.Store(l8, c + 8 * (long)cRow);
        Vector512.Store(r8, c + 8 * (long)cRow + 16);
        Vector512.Store(l9, c + 9 * (long)cRow);
        Vector512.Store(r9, c + 9 * (long)cRow + 16);
        Vector512.Store(l10, c + 10 * (long)cRow);
        Vector512.Store(r10, c + 10 * (long)cRow + 16);
        Vector512.Store(l11, c + 11 * (long)cRow);
        Vector512.Store(r11, c + 11 * (long)cRow + 16);
    }
}
