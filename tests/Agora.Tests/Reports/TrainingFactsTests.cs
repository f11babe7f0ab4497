using Agora.Reports;
using Agora.Reports.Figures;

namespace Agora.Tests.Reports;

public sealed class TrainingFactsTests
{
    [Fact]
    public void A_curve_has_at_most_a_hundred_points_each_the_mean_of_its_steps()
    {
        var curve = TrainingFacts.Curve([.. Enumerable.Range(1, 250).Select(step => new LossPoint(step, step))]);
        Assert.Equal(84, curve.Length);
        Assert.Equal(new LossPoint(3, 2), curve[0]);
        Assert.Equal(new LossPoint(250, 250), curve[^1]);
        Assert.Empty(TrainingFacts.Curve([]));
    }

    [Fact]
    public void Losses_are_drawn_with_those_held_out_and_stand_in_the_table()
    {
        var report = SampleReport.Create();
        report = report with { Training = [report.Training[0] with { Losses = [new(1, 2.5), new(2, 0.75)], HeldOut = [new(0, 2.625), new(2, 0.875)] }] };
        var figure = Assert.Single(RunFigures.Of(report), figure => figure.Id.StartsWith("loss_", StringComparison.Ordinal));
        Assert.Contains("held out", figure.Svg, StringComparison.Ordinal);
        var row = Assert.Single(RunTables.Training(report.Training).Rows);
        Assert.Equal(["2.625", "0.875"], row.TakeLast(2).Select(cell => cell.Text));
    }
}
