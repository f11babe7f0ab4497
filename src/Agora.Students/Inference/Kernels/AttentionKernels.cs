using System.Runtime.Intrinsics;

namespace Agora.Students.Inference.Kernels;

/// <summary>One query head over the keys and values of one sequence, page by page.</summary>
/// <remarks>
/// A page holds 16 positions: keys element-major, [head size][16], so that a vector is one element of 16 keys and each score is one chain of fused
/// multiply-adds; values position-major, [16][padded head size]. Everything is ordered by absolute position, so it matters neither in which chunks a
/// prompt was read nor which other sequences share its pages.
/// </remarks>
internal static unsafe class AttentionKernels
{
    /// <summary>Positions per page.</summary>
    public const int Page = Lanes.Count;

    /// <summary>Scores are computed for four pages at once; the buffer needs room for the spare ones.</summary>
    public const int ScoresSlack = 4 * Page;

    public static int PadHead(int headSize) => (headSize + 31) / 32 * 32;

    /// <summary>out = Σ_j softmax_j(scale · q·k_j) v_j over positions first..position, both included.</summary>
    /// <param name="pages">Page table of the sequence.</param>
    /// <param name="keys">Floats from a page's start to this layer's and head's keys.</param>
    /// <param name="values">Floats from a page's start to this layer's and head's values.</param>
    /// <param name="scores">Scratch: room for all pages' positions and <see cref="ScoresSlack"/> more.</param>
    public static void Attend(float* query, int headSize, float scale, nint* pages, long keys, long values, int first, int position, float* scores, float* output)
    {
        var firstPage = first / Page;
        var pageCount = position / Page - firstPage + 1;
        Scores(query, headSize, pages + firstPage, keys, pageCount, scores);
        var end = position - firstPage * Page + 1;
        var sum = Softmax(scores, scale, first - firstPage * Page, end, pageCount);
        WeightedSum(scores, pages + firstPage, values, end, headSize, 1f / sum, output);
    }

    private static void Scores(float* query, int headSize, nint* pages, long keys, int pageCount, float* scores)
    {
        var last = pageCount - 1;
        for (var page = 0; page < pageCount; page += 4)
        {
            // Spare pages repeat the last one; their scores land behind the end and are not read.
            var k0 = (float*)pages[page] + keys;
            var k1 = (float*)pages[Math.Min(page + 1, last)] + keys;
            var k2 = (float*)pages[Math.Min(page + 2, last)] + keys;
            var k3 = (float*)pages[Math.Min(page + 3, last)] + keys;
            Vector512<float> s0 = default, s1 = default, s2 = default, s3 = default;
            for (nint d = 0; d < headSize; d++)
            {
                var q = Vector512.Create(query[d]);
                s0 = Vector512.FusedMultiplyAdd(q, Vector512.Load(k0 + d * Page), s0);
                s1 = Vector512.FusedMultiplyAdd(q, Vector512.Load(k1 + d * Page), s1);
                s2 = Vector512.FusedMultiplyAdd(q, Vector512.Load(k2 + d * Page), s2);
                s3 = Vector512.FusedMultiplyAdd(q, Vector512.Load(k3 + d * Page), s3);
            }
            var target = scores + (long)page * Page;
            s0.Store(target);
            s1.Store(target + Page);
            s2.Store(target + 2 * Page);
            s3.Store(target + 3 * Page);
        }
    }

    /// <summary>Turns scores into weights that are not yet divided by their sum, which is returned.</summary>
    /// <param name="begin">Positions before it lie outside the window.</param>
    /// <param name="end">Positions from it on are not written yet.</param>
    private static float Softmax(float* scores, float scale, int begin, int end, int pageCount)
    {
        for (var i = 0; i < begin; i++)
            scores[i] = float.NegativeInfinity;
        for (var i = end; i < pageCount * Page; i++)
            scores[i] = float.NegativeInfinity;
        var maxima = Vector512.Load(scores);
        for (var page = 1; page < pageCount; page++)
            maxima = Vector512.Max(maxima, Vector512.Load(scores + page * Page));
        var max = Vector512.Create(Lanes.Max(maxima));
        var factor = Vector512.Create(scale);
        var sums = Vector512<float>.Zero;
        for (var page = 0; page < pageCount; page++)
        {
            var weight = Lanes.Exp((Vector512.Load(scores + page * Page) - max) * factor);
            weight.Store(scores + page * Page);
            sums += weight;
        }
        return Lanes.Sum(sums);
    }

    private static void WeightedSum(float* weights, nint* pages, long values, int end, int headSize, float normalizer, float* output)
    {
        var stride = PadHead(headSize);
        for (var column = 0; column < headSize; column += 32)
        {
            // Four chains by position modulo 4, each over 2 × 16 columns: enough independent work to hide the latency of a multiply-add.
            Vector512<float> a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default, b2 = default, b3 = default;
            for (var begin = 0; begin < end; begin += Page)
            {
                var v = (float*)pages[begin / Page] + values + column;
                var w = weights + begin;
                var count = Math.Min(Page, end - begin);
                var j = 0;
                for (; j + 4 <= count; j += 4, v += 4 * stride)
                {
                    var weight = Vector512.Create(w[j]);
                    a0 = Vector512.FusedMultiplyAdd(weight, Vector512.Load(v), a0);
                    b0 = Vector512.FusedMultiplyAdd(weight, Vector512.Load(v + 16), b0);
                    weight = Vector512.Create(w[j + 1]);
                    a1 = Vector512.FusedMultiplyAdd(weight, Vector512.Load(v + stride), a1);
                    b1 = Vector512.FusedMultiplyAdd(weight, Vector512.Load(v + stride + 16), b1);
                    weight = Vector512.Create(w[j + 2]);
                    a2 = Vector512.FusedMultiplyAdd(weight, Vector512.Load(v + 2 * stride), a2);
                    b2 = Vector512.FusedMultiplyAdd(weight, Vector512.Load(v + 2 * stride + 16), b2);
                    weight = Vector512.Create(w[j + 3]);
                    a3 = Vector512.FusedMultiplyAdd(weight, Vector512.Load(v + 3 * stride), a3);
                    b3 = Vector512.FusedMultiplyAdd(weight, Vector512.Load(v + 3 * stride + 16), b3);
                }
                if (j < count)
                {
                    a0 = Vector512.FusedMultiplyAdd(Vector512.Create(w[j]), Vector512.Load(v), a0);
                    b0 = Vector512.FusedMultiplyAdd(Vector512.Create(w[j]), Vector512.Load(v + 16), b0);
                }
                if (j + 1 < count)
                {
                    a1 = Vector512.FusedMultiplyAdd(Vector512.Create(w[j + 1]), Vector512.Load(v + stride), a1);
                    b1 = Vector512.FusedMultiplyAdd(Vector512.Create(w[j + 1]), Vector512.Load(v + stride + 16), b1);
                }
                if (j + 2 < count)
                {
                    a2 = Vector512.FusedMultiplyAdd(Vector512.Create(w[j + 2]), Vector512.Load(v + 2 * stride), a2);
                    b2 = Vector512.FusedMultiplyAdd(Vector512.Create(w[j + 2]), Vector512.Load(v + 2 * stride + 16), b2);
                }
            }
            var scale = Vector512.Create(normalizer);
            Store(((a0 + a1) + (a2 + a3)) * scale, output + column, headSize - column);
            if (column + 16 < headSize)
                Store(((b0 + b1) + (b2 + b3)) * scale, output + column + 16, headSize - column - 16);
        }
    }

    private static void Store(Vector512<float> lanes, float* output, int room)
    {
        if (room >= Lanes.Count)
            lanes.Store(output);
        else
            for (var i = 0; i < room; i++)
                output[i] = lanes[i];
    }
}
