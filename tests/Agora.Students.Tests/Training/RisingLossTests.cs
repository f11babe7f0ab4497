using Agora.Experiments;
using Agora.Students.Training;

namespace Agora.Tests.Training;

public sealed class RisingLossTests
{
    [Fact]
    public void Noise_and_a_slow_fall_are_no_reason_to_stop()
    {
        var random = new RandomStreams(1).For("losses");
        Assert.Null(StoppedAt([.. Enumerable.Range(0, 500).Select(i => 3 * Math.Exp(-i / 200.0) + 1.5 * random.NextDouble())], again: step => 3));
    }

    [Fact]
    public void A_loss_that_has_run_away_stops_the_training()
    {
        double[] losses = [.. Enumerable.Range(0, 60).Select(i => i < 30 ? 2.0 : 6)];
        Assert.InRange(StoppedAt(losses, again: _ => 6)!.Value, 30 + RisingLoss.Window, 30 + 3 * RisingLoss.Window);
    }

    [Fact]
    public void A_training_that_is_bad_from_its_first_update_on_is_held_against_its_first_loss() =>
        Assert.NotNull(StoppedAt([2, .. Enumerable.Repeat(7.0, 40)], again: step => step == 0 ? 7 : throw new ArgumentException("the first step was the best")));

    // Later batches may simply be harder: what was learned is as good as it was.
    [Fact]
    public void Higher_losses_of_other_rows_alone_are_no_reason() =>
        Assert.Null(StoppedAt([.. Enumerable.Repeat(0.5, 20), .. Enumerable.Repeat(3.0, 100)], again: _ => 0.5));

    [Fact]
    public void A_spike_that_heals_is_forgiven()
    {
        double[] losses = [.. Enumerable.Range(0, 100).Select(i => i is >= 30 and < 42 ? 5.0 : 1)];
        var now = 0;
        Assert.Null(StoppedAt(losses, again: _ => losses[now], at: i => now = i));
    }

    [Fact]
    public void It_goes_on_where_it_was()
    {
        double[] losses = [.. Enumerable.Range(0, 60).Select(i => i < 30 ? 2.0 : 6)];
        for (var cut = 1; cut < 50; cut++)
        {
            var first = new RisingLoss();
            var stopped = Enumerable.Range(0, cut).FirstOrDefault(i => first.Add(i, losses[i], _ => 6), -1);
            if (stopped >= 0)
                break;
            var second = new RisingLoss();
            second.Restore(losses.Take(cut), first.Reference);
            Assert.Equal(StoppedAt(losses, _ => 6), Enumerable.Range(cut, losses.Length - cut).First(i => second.Add(i, losses[i], _ => 6)));
        }
    }

    private static int? StoppedAt(double[] losses, Func<int, double> again, Action<int>? at = null)
    {
        var rising = new RisingLoss();
        for (var i = 0; i < losses.Length; i++)
        {
            at?.Invoke(i);
            if (rising.Add(i, losses[i], again))
                return i;
        }
        return null;
    }
}
