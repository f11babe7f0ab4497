using System.Diagnostics;
using System.Numerics.Tensors;
using Agora.Experiments;
using Agora.IntrinsicMetrics;

namespace Agora.Bench;

/// <summary>Mean pairwise cosine distance: the closed form against the double loop over all pairs, and a million vectors in one pass.</summary>
internal static class DiversitySpeed
{
    private const int Width = 1024, Count = 10_000, Streamed = 1_000_000;

    public static bool Measure()
    {
        // First, so that nothing else has raised the peak.
        var random = new RandomStreams(1).For("vectors");
        var row = new float[Width];
        var streamed = new MeanPairwiseDistance();
        for (var place = 0; place < Streamed; place++)
        {
            Fill(row, random);
            streamed.Add(row);
        }
        using var process = Process.GetCurrentProcess();
        var megabytes = process.PeakWorkingSet64 / 1e6;
        Console.WriteLine(FormattableString.Invariant($"{Streamed:N0} x {Width:N0} streamed: {streamed.Value:0.000000000}, peak {megabytes:0} MB of the whole process   goal <= 100 MB   {(megabytes <= 100 ? "within" : "OVER")}"));

        var vectors = Enumerable.Range(0, Count).Select(_ => { var vector = new float[Width]; Fill(vector, random); return vector; }).ToArray();
        var best = double.PositiveInfinity;
        var closed = 0.0;
        for (var round = 0; round < 20; round++)
        {
            var clock = Stopwatch.GetTimestamp();
            var distance = new MeanPairwiseDistance();
            foreach (var vector in vectors)
                distance.Add(vector);
            closed = distance.Value!.Value;
            best = Math.Min(best, Stopwatch.GetElapsedTime(clock).TotalMilliseconds);
        }
        Console.WriteLine(FormattableString.Invariant($"{Count:N0} x {Width:N0} closed form: {best:0.0} ms (best of 20)   goal <= 30 ms   {(best <= 30 ? "within" : "OVER")}"));

        var started = Stopwatch.GetTimestamp();
        var sum = 0.0;
        for (var one = 0; one < Count; one++)
            for (var other = one + 1; other < Count; other++)
                sum += 1 - TensorPrimitives.CosineSimilarity(vectors[one], vectors[other]);
        var naive = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        Console.WriteLine(FormattableString.Invariant($"{Count:N0} x {Width:N0} double loop, float32 cosines: {naive:0} ms, {naive / best:0} times the closed form; they differ by {Math.Abs(sum / (Count * (Count - 1) / 2.0) - closed):0.0e0}"));
        return megabytes <= 100 && best <= 30;
    }

    private static void Fill(float[] row, RandomStream random)
    {
        for (var place = 0; place < row.Length; place += 2)
        {
            var bits = random.NextUInt64();
            (row[place], row[place + 1]) = ((uint)bits * (1f / uint.MaxValue) - 0.4f, (uint)(bits >> 32) * (1f / uint.MaxValue) - 0.4f);
        }
    }
}
