using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Agora.Experiments;

namespace Agora.Recovery;

/// <summary>Resamples the items of a benchmark once for all models, so that every difference between models is a paired one.</summary>
internal static class PairedBootstrap
{
    // Resamples that share a random stream. Fixed, so that the number of threads changes nothing.
    private const int ChunkLength = 64;

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
            var total = new Vector256<double>[width];
            for (var resample = chunk * ChunkLength; resample < Math.Min(resamples, (chunk + 1) * ChunkLength); resample++)
            {
                Array.Clear(times);
                Draw(random, times);
                Accumulate(matrix, width, times, total);
                var totals = MemoryMarshal.Cast<Vector256<double>, double>(total.AsSpan());
                for (var column = 0; column < sums.Length; column++)
                    sums[column][resample] = totals[column];
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

    // Item after item in every column, without fused multiply-add: the sums are the same on every machine.
    private static void Accumulate(Vector256<double>[] matrix, int width, int[] times, Vector256<double>[] total)
    {
        var block = 0;
        for (; block + 4 <= width; block += 4)
        {
            Vector256<double> a = default, b = default, c = default, d = default;
            for (var item = 0; item < times.Length; item++)
            {
                if (times[item] == 0)
                    continue;
                var weight = Vector256.Create((double)times[item]);
                var row = matrix.AsSpan(item * width + block, 4);
                a += weight * row[0];
                b += weight * row[1];
                c += weight * row[2];
                d += weight * row[3];
            }
            (total[block], total[block + 1], total[block + 2], total[block + 3]) = (a, b, c, d);
        }
        for (; block < width; block++)
        {
            Vector256<double> a = default;
            for (var item = 0; item < times.Length; item++)
                if (times[item] != 0)
                    a += Vector256.Create((double)times[item]) * matrix[item * width + block];
            total[block] = a;
        }
    }
}
