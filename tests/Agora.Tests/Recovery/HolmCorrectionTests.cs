using Agora.Recovery;
using CsCheck;

namespace Agora.Tests.Recovery;

public sealed class HolmCorrectionTests
{
    // By hand: 3 × 0.01, 2 × 0.03, 1 × 0.04 raised to the one before.
    [Fact]
    public void The_smallest_p_is_multiplied_by_the_number_of_tests_and_none_overtakes_another()
    {
        var adjusted = HolmCorrection.Adjust([0.04, 0.01, 0.03]);
        Assert.Equal([0.06, 0.03, 0.06], adjusted.Select(value => Math.Round(value, 12)));
    }

    [Fact]
    public void Correction_never_lowers_a_p_value_and_keeps_their_order() =>
        Gen.Double[0, 1].Array[1, 20].Sample(pValues =>
        {
            var adjusted = HolmCorrection.Adjust(pValues);
            return pValues.Zip(adjusted).All(pair => pair.Second >= pair.First && pair.Second <= 1)
                && pValues.Zip(adjusted).OrderBy(pair => pair.First).Select(pair => pair.Second) is var inOrder && inOrder.SequenceEqual(inOrder.Order());
        });
}
