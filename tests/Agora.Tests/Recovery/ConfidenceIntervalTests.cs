using Agora.Recovery;
using static Agora.Recovery.ConfidenceInterval;

namespace Agora.Tests.Recovery;

public sealed class ConfidenceIntervalTests
{
    [Fact]
    public void Ninety_percent_of_21_resamples_leave_out_one_at_each_end()
    {
        var values = Enumerable.Range(0, 21).Select(value => (double)value).ToArray();
        Assert.Equal(new Bounds(1, 19), Percentile(values, undefined: 0, level: 90, NoGap));
    }

    [Fact]
    public void A_resample_without_a_value_widens_both_ends()
    {
        var values = Enumerable.Range(0, 41).Select(value => (double)value).ToArray();
        Assert.Equal(new Bounds(2, 38), Percentile([.. values], undefined: 0, level: 90, NoGap));
        Assert.Equal(new Bounds(1, 39), Percentile([.. values], undefined: 1, level: 90, NoGap));
    }

    [Fact]
    public void When_resamples_without_a_value_could_hold_an_end_there_is_no_interval()
    {
        var values = Enumerable.Range(0, 90).Select(value => (double)value).ToArray();
        var none = Assert.IsType<Unbounded>(Percentile(values, undefined: 10, level: 95, NoGap));
        Assert.Contains("10 of 100", none.Reason);
    }
}
