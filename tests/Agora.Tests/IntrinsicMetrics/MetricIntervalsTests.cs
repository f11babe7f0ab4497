using Agora.Experiments;
using Agora.IntrinsicMetrics;

namespace Agora.Tests.IntrinsicMetrics;

public sealed class MetricIntervalsTests
{
    private const int Repetitions = 120;

    // 95 % intervals of 120 subsets: fewer than 104 hits have probability below 0.001 if the coverage is 95 %.
    [Fact]
    public void An_interval_of_a_subset_covers_the_mean_of_the_whole_set()
    {
        var random = new RandomStreams(11).For("values");
        double[] whole = [.. Enumerable.Range(0, 5000).Select(_ => -Math.Log(1 - random.NextDouble()))];
        var covered = Enumerable.Range(0, Repetitions).Count(repetition =>
            Covers(new MetricIntervals(new RandomStreams(repetition)).Mean("m", [.. Sample(whole, repetition, 200).Select(value => (double?)value)]), whole.Average()));
        Assert.InRange(covered, 104, Repetitions);
    }

    [Fact]
    public void An_interval_of_a_subset_covers_the_diversity_of_the_whole_set()
    {
        var vectors = MeanPairwiseDistanceTests.Vectors(3000, 8);
        var whole = new EmbeddingSet(vectors).MeanPairwise()!.Value;
        var covered = Enumerable.Range(0, Repetitions).Count(repetition =>
        {
            var set = new EmbeddingSet(Sample(vectors, repetition, 150));
            return Covers(new MetricIntervals(new RandomStreams(repetition)).OfPairs("c", set.Count, 0, set.MeanPairwise), whole);
        });
        Assert.InRange(covered, 104, Repetitions);
    }

    [Fact]
    public void Values_that_are_no_number_are_counted_and_in_no_mean()
    {
        var estimate = new MetricIntervals(new RandomStreams(1)).Mean("reward", [1, null, double.NaN, 3]);
        Assert.Equal((2.0, 2, 2), (estimate.Value!.Value, estimate.Count, estimate.Left));
        var none = new MetricIntervals(new RandomStreams(1)).Mean("reward", [double.NaN, null]);
        Assert.Null(none.Value);
        Assert.Equal("none of 2 instances has a value", none.Missing);
    }

    [Fact]
    public void The_same_seed_gives_the_same_interval()
    {
        double?[] values = [.. Enumerable.Range(0, 50).Select(value => (double?)value)];
        MetricEstimate Of(long seed) => new MetricIntervals(new RandomStreams(seed)).Mean("m", values);
        Assert.Equal(Of(5), Of(5));
        Assert.NotEqual(Of(5), Of(6));
    }

    private static bool Covers(MetricEstimate estimate, double value) => estimate.Low <= value && value <= estimate.High;

    private static T[] Sample<T>(T[] whole, int repetition, int size) => [.. new RandomStreams(100).For("subset", repetition).Sample(whole.Length, size).Select(place => whole[place])];
}
