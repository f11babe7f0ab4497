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
    public void A_metric_that_is_constant_has_a_value_and_says_why_it_has_no_interval()
    {
        var estimate = new MetricIntervals(new RandomStreams(1)).Mean("score", [4, 4, 4, null]);
        Assert.Equal((4, null, null, 3, 1, "all 3 values are the same, which shows no spread for an interval"), (estimate.Value, estimate.Low, estimate.High, estimate.Count, estimate.Left, estimate.Missing));
        // Of a share it is known what could have been: 0 of 20 is no proof of 0.
        var share = new MetricIntervals(new RandomStreams(1)).Mean("contaminated", [.. Enumerable.Repeat((double?)0, 20)]);
        Assert.Equal((0.0, 0.0, 0.1684), (share.Value!.Value, share.Low!.Value, Math.Round(share.High!.Value, 4)));
    }

    [Fact]
    public void A_metric_of_sets_is_that_of_sets_of_one_size_whatever_there_is()
    {
        int[] sizes = [100, 250, 5000];
        // How many different of 400 kinds stand in 100 draws: 400 (1 - (1 - 1/400)^100), or 88.6.
        foreach (var size in sizes)
        {
            var random = new RandomStreams(3).For("kinds", size);
            int[] kinds = [.. Enumerable.Range(0, size).Select(_ => random.Next(400))];
            var estimate = new MetricIntervals(new RandomStreams(1)).OfSize("kinds", size, 0, among => among.Select(place => kinds[place]).Distinct().Count());
            Assert.InRange(estimate.Value!.Value, 84, 93);
            Assert.True(estimate.Low < 88.6 && 88.6 < estimate.High, $"{size}: {estimate}");
        }
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
