using Agora.Experiments;
using Agora.Recovery;
using CsCheck;

namespace Agora.Tests.Recovery;

public sealed class PairedBootstrapTests
{
    // A column that is 1 at one item alone tells how often that item was drawn; with these, every other sum can be formed by hand.
    [Fact]
    public void Every_column_is_summed_over_the_same_drawn_items_in_their_order_to_the_last_bit() =>
        Gen.Select(Gen.Int[1, 9], Gen.Int[1, 30], Gen.Int[1, 150], Gen.Int[0, 1000]).Sample((items, others, resamples, seed) =>
        {
            var random = new RandomStreams(seed).For("values");
            double[][] values = [.. Enumerable.Range(0, others).Select(_ => Enumerable.Range(0, items).Select(_ => 2 * random.NextDouble() - 0.5).ToArray())];
            double[][] indicators = [.. Enumerable.Range(0, items).Select(item => Enumerable.Range(0, items).Select(other => other == item ? 1.0 : 0).ToArray())];
            var sums = PairedBootstrap.Sums([.. indicators, .. values], items, resamples, chunk => new RandomStreams(seed).For("items", chunk));
            for (var resample = 0; resample < resamples; resample++)
            {
                double[] times = [.. Enumerable.Range(0, items).Select(item => sums[item][resample])];
                Assert.Equal(items, times.Sum());
                foreach (var (place, column) in values.Index())
                {
                    var sum = 0.0;
                    for (var item = 0; item < items; item++)
                        sum += times[item] * column[item];
                    Assert.Equal(sum, sums[items + place][resample]);
                }
            }
        }, iter: 200);

    [Fact]
    public void Items_are_drawn_alike_often_and_resamples_differ()
    {
        const int items = 7, resamples = 20_000;
        double[][] indicators = [.. Enumerable.Range(0, items).Select(item => Enumerable.Range(0, items).Select(other => other == item ? 1.0 : 0).ToArray())];
        var sums = PairedBootstrap.Sums(indicators, items, resamples, chunk => new RandomStreams(3).For("items", chunk));
        // A count is binomial (7, 1/7): mean 1, variance 6/7. The mean of 20,000 has a deviation of 0.0065.
        Assert.All(sums, column => Assert.InRange(column.Average(), 1 - 0.03, 1 + 0.03));
        Assert.All(sums, column => Assert.InRange(column.Average(count => (count - 1) * (count - 1)), 0.82, 0.90));
    }
}
