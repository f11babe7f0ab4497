using System.Collections.Immutable;
using System.Numerics.Tensors;
using MathNet.Numerics.LinearAlgebra;

namespace Agora.IntrinsicMetrics;

/// <summary>Vectors of a data set's texts as directions, and what their geometry says of its diversity.</summary>
/// <remarks>Vectors stay as they were given, with 1 over their length beside them: scaled to length 1 in float32 they would be off by 1e-8, and the mean over pairs with them.</remarks>
internal sealed class EmbeddingSet
{
    private readonly ImmutableArray<float[]> vectors;
    private readonly ImmutableArray<double> scales;

    public EmbeddingSet(IEnumerable<float[]> given)
    {
        var found = ImmutableArray.CreateBuilder<float[]>();
        var inverse = ImmutableArray.CreateBuilder<double>();
        foreach (var vector in given)
        {
            var length = Math.Sqrt(MeanPairwiseDistance.SquaredLength(vector));
            if (length is not (> 0 and < double.PositiveInfinity))
            {
                WithoutDirection++;
                continue;
            }
            found.Add(vector);
            inverse.Add(1 / length);
        }
        (vectors, scales) = (found.ToImmutable(), inverse.ToImmutable());
    }

    public int Count => vectors.Length;
    public int WithoutDirection { get; }

    /// <summary>As <see cref="MeanPairwiseDistance"/>; vectors may count several times, but a vector makes no pair with itself.</summary>
    /// <param name="weights">How often each counts; once each where null.</param>
    public double? MeanPairwise(int[]? weights = null)
    {
        if (vectors.IsEmpty)
            return null;
        var sum = new double[vectors[0].Length];
        var (total, squares) = (0.0, 0.0);
        for (var place = 0; place < vectors.Length; place++)
        {
            var weight = weights?[place] ?? 1;
            if (weight == 0)
                continue;
            MeanPairwiseDistance.AddScaled(sum, vectors[place], weight * scales[place]);
            total += weight;
            squares += (double)weight * weight;
        }
        return total * total - squares <= 0 ? null : 1 - (sum.Sum(value => value * value) - squares) / (total * total - squares);
    }

    /// <summary>Each vector's cosine distance to the nearest other one: near 0 where the set repeats itself.</summary>
    /// <param name="among">Places that count.</param>
    public double[] NearestDistances(int[] among)
    {
        float[][] units = [.. among.Select(Unit)];
        var nearest = new double[units.Length];
        Array.Fill(nearest, double.PositiveInfinity);
        for (var one = 0; one < units.Length; one++)
        {
            for (var other = one + 1; other < units.Length; other++)
            {
                var distance = 1 - TensorPrimitives.Dot<float>(units[one], units[other]);
                nearest[one] = Math.Min(nearest[one], distance);
                nearest[other] = Math.Min(nearest[other], distance);
            }
        }
        return nearest;
    }

    /// <summary>Effective number of distinct texts: e to the entropy of the eigenvalues of the cosine matrix over n (Vendi score, arXiv:2210.02410).</summary>
    /// <param name="among">Places that count.</param>
    public double? Vendi(int[] among)
    {
        if (among.Length < 2)
            return null;
        var (n, width) = (among.Length, vectors[0].Length);
        // U Uᵀ and Uᵀ U have the same eigenvalues but for zeros: the smaller one is taken.
        var matrix = Matrix<double>.Build.Dense(n, width, (row, column) => vectors[among[row]][column] * scales[among[row]]);
        var gram = (n <= width ? matrix.TransposeAndMultiply(matrix) : matrix.TransposeThisAndMultiply(matrix)) / n;
        return Math.Exp(gram.Evd(Symmetricity.Symmetric).EigenValues.Select(value => value.Real).Where(value => value > 1e-12).Sum(value => -value * Math.Log(value)));
    }

    /// <summary>The vector scaled to length 1.</summary>
    public float[] Unit(int place) => Array.ConvertAll(vectors[place], value => (float)(value * scales[place]));
}
