using Agora.Experiments;
using Agora.IntrinsicMetrics;

namespace Agora.Tests.IntrinsicMetrics;

public sealed class MeanPairwiseDistanceTests
{
    [Theory]
    [InlineData(2, 3)]
    [InlineData(50, 7)]
    [InlineData(300, 129)]
    public void The_closed_form_is_the_mean_over_all_pairs(int count, int width)
    {
        var vectors = Vectors(count, width);
        var streamed = new MeanPairwiseDistance();
        foreach (var vector in vectors)
            streamed.Add(vector);
        Assert.Equal(Naive(vectors), streamed.Value!.Value, 1e-9);
        Assert.Equal(Naive(vectors), new EmbeddingSet(vectors).MeanPairwise()!.Value, 1e-9);
    }

    [Fact]
    public void Lengths_do_not_matter_and_what_has_no_direction_is_counted_and_in_no_pair()
    {
        var distance = new MeanPairwiseDistance();
        foreach (var vector in (float[][])[[1, 0], [0, 5], [0, 0], [float.NaN, 1]])
            distance.Add(vector);
        Assert.Equal((1.0, 2L, 2L), (distance.Value!.Value, distance.Count, distance.WithoutDirection));
        var opposite = new MeanPairwiseDistance();
        opposite.Add([3, 4]);
        Assert.Null(opposite.Value);
        opposite.Add([-30, -40]);
        Assert.Equal(2, opposite.Value!.Value, 1e-12);
        Assert.Throws<ArgumentException>(() => opposite.Add([1, 2, 3]));
    }

    // A vector drawn twice makes no pair with itself: the weighted form is the mean over pairs of different vectors.
    [Fact]
    public void Weights_count_pairs_of_different_vectors()
    {
        var set = new EmbeddingSet([[1, 0], [0, 1], [1, 1]]);
        var diagonal = 1 - Math.Sqrt(0.5);
        // Pairs by weight: (a, b) 2·1, (a, c) 2·1, (b, c) 1·1.
        Assert.Equal((2 * 1 + 2 * diagonal + diagonal) / 5, set.MeanPairwise([2, 1, 1])!.Value, 1e-6);
        Assert.Null(set.MeanPairwise([3, 0, 0]));
    }

    [Fact]
    public void Vendi_counts_texts_that_share_nothing_and_repetitions_once()
    {
        float[][] axes = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];
        Assert.Equal(3, new EmbeddingSet(axes).Vendi([0, 1, 2])!.Value, 1e-9);
        Assert.Equal(3, new EmbeddingSet([.. axes, .. axes]).Vendi([0, 1, 2, 3, 4, 5])!.Value, 1e-9);
        Assert.Equal(1, new EmbeddingSet([[1, 2], [2, 4], [3, 6]]).Vendi([0, 1, 2])!.Value, 1e-9);
    }

    [Fact]
    public void The_nearest_neighbour_is_another_text() =>
        Assert.Equal([0, 0, 1], new EmbeddingSet([[1, 0], [2, 0], [0, 1]]).NearestDistances([0, 1, 2]), (one, other) => Math.Abs(one - other) < 1e-6);

    internal static float[][] Vectors(int count, int width)
    {
        var random = new RandomStreams(7).For("vectors");
        // An offset: real embeddings point into one half of the space.
        return [.. Enumerable.Range(0, count).Select(_ => Enumerable.Range(0, width).Select(_ => (float)(random.NextDouble() - 0.3)).ToArray())];
    }

    private static double Naive(float[][] vectors)
    {
        var sum = 0.0;
        for (var i = 0; i < vectors.Length; i++)
        {
            for (var j = i + 1; j < vectors.Length; j++)
            {
                var (dot, one, other) = (0.0, 0.0, 0.0);
                for (var k = 0; k < vectors[i].Length; k++)
                {
                    dot += (double)vectors[i][k] * vectors[j][k];
                    one += (double)vectors[i][k] * vectors[i][k];
                    other += (double)vectors[j][k] * vectors[j][k];
                }
                sum += 1 - dot / Math.Sqrt(one * other);
            }
        }
        return sum / (vectors.Length * (vectors.Length - 1) / 2.0);
    }
}
