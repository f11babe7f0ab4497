using Agora.Recovery;
using CsCheck;
using static Agora.Recovery.PerformanceGapRecovered;

namespace Agora.Tests.Recovery;

public sealed class PerformanceGapRecoveredTests
{
    [Fact]
    public void Half_of_the_gap_closed_is_50_percent() =>
        Assert.Equal(new Percent(50), Of(student: 30, baseModel: 20, reference: 40));

    [Fact]
    public void A_student_worse_than_its_base_model_recovers_a_negative_share() =>
        Assert.Equal(new Percent(-50), Of(student: 10, baseModel: 20, reference: 40));

    [Fact]
    public void A_student_better_than_the_reference_recovers_more_than_100_percent() =>
        Assert.Equal(new Percent(150), Of(student: 50, baseModel: 20, reference: 40));

    [Theory]
    [InlineData(0.4, 0.4)]
    [InlineData(0.5, 0.4)]
    public void Without_a_gap_there_is_no_share_and_the_reason_names_both_scores(double baseModel, double reference)
    {
        var undefined = Assert.IsType<Undefined>(Of(student: 0.9, baseModel, reference));
        Assert.Contains(baseModel.ToString("0.####"), undefined.Reason);
        Assert.Contains(reference.ToString("0.####"), undefined.Reason);
    }

    [Fact]
    public void A_gap_too_small_to_divide_by_is_undefined_and_not_infinite() =>
        Assert.IsType<Undefined>(Of(student: 1e300, baseModel: 0, reference: double.Epsilon));

    [Fact]
    public void A_score_that_is_no_number_is_a_mistake_of_the_caller() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Of(double.NaN, 0, 1));

    // The unit of a benchmark (0..1 or 0..100) must not change the verdict.
    [Fact]
    public void Rescaling_every_score_leaves_pgr_unchanged() =>
        Gen.Select(Gen.Double[0, 1], Gen.Double[0, 0.4], Gen.Double[0.6, 1]).Sample((student, baseModel, reference) =>
            Of(student, baseModel, reference) is Percent(var fraction)
            && Of(100 * student, 100 * baseModel, 100 * reference) is Percent(var percent)
            && Math.Abs(fraction - percent) < 1e-9);

    [Fact]
    public void Base_model_and_reference_mark_0_and_100_percent() =>
        Gen.Select(Gen.Double[0, 0.4], Gen.Double[0.6, 1]).Sample((baseModel, reference) =>
            Of(baseModel, baseModel, reference) == new Percent(0) && Of(reference, baseModel, reference) == new Percent(100));
}
