using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Agora.Experiments;

namespace Agora.Recovery;

/// <summary>Resamples the items of a benchmark once for all models, so that every difference between models is a paired one.</summary>
internal static class PairedBootstrap
{
    // Resamples that share a random stream. Fixed, so that the number of threads changes nothing.
    private const int ChunkLength = 64;
    // Resamples that are summed in one pass over the grades.
    private const int Together = 4;

    /// <summary>Sums of each column over the items of each resample, items counted as often as they were drawn.</summary>
    /// <param name="columns">Each of length <paramref name="items"/>.</param>
    /// <param name="stream">The random stream of a chunk of resamples.</param>
    /// <returns>[column][resample].</returns>
    public static double[][] Sums(IReadOnlyList<double[]> columns, int items, int resamples, Func<int, RandomStream> stream)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(items);
        var sums = new double[columns.Count][];
        for (var column = 0; column < sums.Length; column++)
            sums[column] = new double[resamples];

        var width = (columns.Count + Vector256<double>.Count - 1) / Vector256<double>.Count;     // in vectors
        var matrix = new Vector256<double>[(long)items * width];                                 // [item, column], padded with 0
        var values = MemoryMarshal.Cast<Vector256<double>, double>(matrix.AsSpan());
        for (var column = 0; column < columns.Count; column++)
            for (var item = 0; item < items; item++)
                values[item * width * Vector256<double>.Count + column] = columns[column][item];

        Parallel.For(0, (resamples + ChunkLength - 1) / ChunkLength, chunk =>
        {
            var random = stream(chunk);
            var times = new int[items];
            var weights = new double[Together][];                                                // [resample, item]
            for (var place = 0; place < Together; place++)
                weights[place] = new double[items];
            var totals = new double[Together * width * Vector256<double>.Count];                  // [resample, column]
            var end = Math.Min(resamples, (chunk + 1) * ChunkLength);
            for (var first = chunk * ChunkLength; first < end; first += Together)
            {
                var drawn = Math.Min(Together, end - first);
                for (var place = 0; place < drawn; place++)
                {
                    Array.Clear(times);
                    Draw(random, times);
                    for (var item = 0; item < items; item++)
                        weights[place][item] = times[item];
                }
                Accumulate(matrix, width, weights, totals);
                for (var place = 0; place < drawn; place++)
                    for (var column = 0; column < sums.Length; column++)
                        sums[column][first + place] = totals[place * width * Vector256<double>.Count + column];
            }
        });
        return sums;
    }

    // How often each item is drawn. Two indices of 32 random bits each: the bias of the multiplication is below items / 2^32.
    private static void Draw(RandomStream random, int[] times)
    {
        var items = (ulong)times.Length;
        var left = times.Length;
        for (; left > 1; left -= 2)
        {
            var bits = random.NextUInt64();
            times[((bits & uint.MaxValue) * items) >> 32]++;
            times[((bits >> 32) * items) >> 32]++;
        }
        if (left == 1)
            times[((random.NextUInt64() >> 32) * items) >> 32]++;
    }

    // Item after item in every column, without fused multiply-add: the sums are the same on every machine. Four resamples and three vectors of columns at a time fill the registers.
    private static void Accumulate(Vector256<double>[] matrix, int width, double[][] weights, Span<double> totals)
    {
        var (first, second, third, fourth) = (weights[0], weights[1], weights[2], weights[3]);
        var items = first.Length;
        ArgumentOutOfRangeException.ThrowIfNotEqual(second.Length, items);
        ArgumentOutOfRangeException.ThrowIfNotEqual(third.Length, items);
        ArgumentOutOfRangeException.ThrowIfNotEqual(fourth.Length, items);
        var block = 0;
        for (; block + 3 <= width; block += 3)
        {
            Vector256<double> a0 = default, a1 = default, a2 = default, b0 = default, b1 = default, b2 = default;
            Vector256<double> c0 = default, c1 = default, c2 = default, d0 = default, d1 = default, d2 = default;
            for (var item = 0; item < items; item++)
            {
                var row = matrix.AsSpan(item * width + block, 3);
                var (x, y, z) = (row[0], row[1], row[2]);
                var weight = Vector256.Create(first[item]);
                a0 += weight * x;
                a1 += weight * y;
                a2 += weight * z;
                weight = Vector256.Create(second[item]);
                b0 += weight * x;
                b1 += weight * y;
                b2 += weight * z;
                weight = Vector256.Create(third[item]);
                c0 += weight * x;
                c1 += weight * y;
                c2 += weight * z;
                weight = Vector256.Create(fourth[item]);
                d0 += weight * x;
                d1 += weight * y;
                d2 += weight * z;
            }
            Store(totals, width, 0, block, a0, a1, a2);
            Store(totals, width, 1, block, b0, b1, b2);
            Store(totals, width, 2, block, c0, c1, c2);
            Store(totals, width, 3, block, d0, d1, d2);
        }
        for (; block < width; block++)
        {
            Vector256<double> a = default, b = default, c = default, d = default;
            for (var item = 0; item < items; item++)
            {
                var x = matrix[item * width + block];
                a += Vector256.Create(first[item]) * x;
                b += Vector256.Create(second[item]) * x;
                c += Vector256.Create(third[item]) * x;
                d += Vector256.Create(fourth[item]) * x;
            }
            Store(totals, width, 0, block, a);
            Store(totals, width, 1, block, b);
            Store(totals, width, 2, block, c);
            Store(totals, width, 3, block, d);
        }
    }

    private static void Store(Span<double> totals, int width, int resample, int block, params ReadOnlySpan<Vector256<double>> sums) =>
        MemoryMarshal.Cast<Vector256<double>, double>(sums).CopyTo(totals[((resample * width + block) * Vector256<double>.Count)..]);
}
