using System.Collections.Immutable;
using MathNet.Numerics.LinearAlgebra;

namespace Agora.IntrinsicMetrics;

/// <summary>Unit vectors of a data set's texts, and what their geometry says of its diversity.</summary>
internal sealed class EmbeddingSet
{
    private readonly ImmutableArray<float[]> units;

    public EmbeddingSet(IEnumerable<float[]> vectors)
    {
        var found = ImmutableArray.CreateBuilder<float[]>();
        foreach (var vector in vectors)
        {
            var length = Math.Sqrt(MeanPairwiseDistance.SquaredLength(vector));
            if (length is > 0 and < double.PositiveInfinity)
                found.Add(Array.ConvertAll(vector, value => (float)(value / length)));
            else
                WithoutDirection++;
        }
        units = found.ToImmutable();
    }

    public int Count => units.Length;
    public int WithoutDirection { get; }

    /// <summary>As <see cref="MeanPairwiseDistance"/>; vectors may count several times, but a vector makes no pair with itself.</summary>
    /// <param name="weights">How often each counts; once each where null.</param>
    public double? MeanPairwise(int[]? weights = null)
    {
        if (units.IsEmpty)
            return null;
        var sum = new double[units[0].Length];
        var (total, squares) = (0.0, 0.0);
        for (var place = 0; place < units.Length; place++)
        {
            var weight = weights?[place] ?? 1;
            if (weight == 0)
                continue;
            MeanPairwiseDistance.AddScaled(sum, units[place], weight);
            total += weight;
            squares += (double)weight * weight;
        }
        return total * total - squares <= 0 ? null : 1 - (sum.Sum(value => value * value) - squares) / (total * total - squares);
    }

    /// <summary>Each vector's cosine distance to the nearest other one: near 0 where the set repeats itself.</summary>
    public double[] NearestDistances()
    {
        var nearest = new double[units.Length];
        Parallel.For(0, units.Length, place =>
        {
            var best = double.NegativeInfinity;
            for (var other = 0; other < units.Length; other++)
                if (other != place)
                    best = Math.Max(best, System.Numerics.Tensors.TensorPrimitives.Dot(units[place], units[other]));
            nearest[place] = 1 - best;
        });
        return nearest;
    }

    /// <summary>Effective number of distinct texts: e to the entropy of the eigenvalues of the cosine matrix over n (Vendi score, arXiv:2210.02410).</summary>
    /// <param name="among">Places that count; all where null.</param>
    public double? Vendi(int[]? among = null)
    {
        var places = among ?? [.. Enumerable.Range(0, units.Length)];
        if (places.Length < 2)
            return null;
        var (n, width) = (places.Length, units[0].Length);
        // U Uᵀ and Uᵀ U have the same eigenvalues but for zeros: the smaller one is taken.
        var matrix = Matrix<double>.Build.Dense(n, width, (row, column) => units[places[row]][column]);
        var gram = (n <= width ? matrix.TransposeAndMultiply(matrix) : matrix.TransposeThisAndMultiply(matrix)) / n;
        return Math.Exp(gram.Evd(Symmetricity.Symmetric).EigenValues.Select(value => value.Real).Where(value => value > 1e-12).Sum(value => -value * Math.Log(value)));
    }
}
