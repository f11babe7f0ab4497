using Agora.Experiments;
using CsCheck;

namespace Agora.Tests.Experiments;

public sealed class RandomStreamsTests
{
    [Fact]
    public void A_stream_depends_on_seed_use_and_indices_alone()
    {
        var first = new RandomStreams(7).For("demonstrations", 4127).NextUInt64();
        Assert.Equal(first, new RandomStreams(7).For("demonstrations", 4127).NextUInt64());
        Assert.NotEqual(first, new RandomStreams(8).For("demonstrations", 4127).NextUInt64());
        Assert.NotEqual(first, new RandomStreams(7).For("themes", 4127).NextUInt64());
        Assert.NotEqual(first, new RandomStreams(7).For("demonstrations", 4128).NextUInt64());
    }

    [Fact]
    public void The_sequence_is_the_same_in_every_version()
    {
        var stream = new RandomStreams(42).For("golden");
        Assert.Equal(Golden, Enumerable.Range(0, 3).Select(_ => stream.Next(1000)));
    }

    private static readonly int[] Golden = [237, 291, 976];

    [Fact]
    public void A_sample_has_distinct_indices_in_range() =>
        Gen.Select(Gen.Long, Gen.Int[1, 50], Gen.Int[0, 50]).Where((_, count, size) => size <= count).Sample((seed, count, size) =>
        {
            var sample = new RandomStreams(seed).For("sample").Sample(count, size);
            return sample.Length == size && sample.Distinct().Count() == size && sample.All(i => i >= 0 && i < count);
        });
}
