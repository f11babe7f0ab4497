using System.Numerics;

namespace Agora.IntrinsicMetrics;

/// <summary>Mean cosine distance over all pairs of vectors ("c-dist", arXiv:2412.03679, table 8), in one pass and in memory that does not grow with their number.</summary>
/// <remarks>
/// With unit vectors u, the sum of all n² cosines is |Σu|², of which n are each vector with itself. So the mean over pairs is (|Σu|² − n) / (n (n − 1)), and no pair is looked at.
/// Sums are float64 and in the order of the vectors: the same bytes on any number of threads.
/// </remarks>
public sealed class MeanPairwiseDistance
{
    private double[] sum = [];

    /// <summary>Vectors added that have a direction.</summary>
    public long Count { get; private set; }
    /// <summary>Vectors of length 0 or with an entry that is no number: they have no direction and are in no pair.</summary>
    public long WithoutDirection { get; private set; }

    /// <param name="vector">Any length but always the same one; it need not be normalised.</param>
    public void Add(ReadOnlySpan<float> vector)
    {
        if (sum.Length == 0)
            sum = new double[vector.Length];
        if (vector.Length != sum.Length)
            throw new ArgumentException($"a vector of {vector.Length} entries among vectors of {sum.Length}", nameof(vector));
        var squared = SquaredLength(vector);
        if (squared is not (> 0 and < double.PositiveInfinity))
        {
            WithoutDirection++;
            return;
        }
        Count++;
        AddScaled(sum, vector, 1 / Math.Sqrt(squared));
    }

    /// <returns>From 0 (all in one direction) to 1 + 1 / (n − 1); null with fewer than two directions.</returns>
    public double? Value => Count < 2 ? null : 1 - (sum.Sum(value => value * value) - Count) / ((double)Count * (Count - 1));

    internal static double SquaredLength(ReadOnlySpan<float> vector)
    {
        var (low, high) = (Vector<double>.Zero, Vector<double>.Zero);
        var place = 0;
        for (; place <= vector.Length - Vector<float>.Count; place += Vector<float>.Count)
        {
            Vector.Widen(new Vector<float>(vector[place..]), out var first, out var second);
            low += first * first;
            high += second * second;
        }
        var squared = Vector.Sum(low + high);
        for (; place < vector.Length; place++)
            squared += (double)vector[place] * vector[place];
        return squared;
    }

    internal static void AddScaled(Span<double> target, ReadOnlySpan<float> vector, double scale)
    {
        var factor = new Vector<double>(scale);
        var place = 0;
        for (; place <= vector.Length - Vector<float>.Count; place += Vector<float>.Count)
        {
            Vector.Widen(new Vector<float>(vector[place..]), out var first, out var second);
            (new Vector<double>(target[place..]) + first * factor).CopyTo(target[place..]);
            (new Vector<double>(target[(place + Vector<double>.Count)..]) + second * factor).CopyTo(target[(place + Vector<double>.Count)..]);
        }
        for (; place < vector.Length; place++)
            target[place] += vector[place] * scale;
    }
}
