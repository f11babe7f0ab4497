using Agora.Analysis;

namespace Agora.Tests.Analysis;

public sealed class WilcoxonSignedRankTests
{
    // All of n differences positive: 2 of 2ⁿ choices of signs are as extreme.
    [Fact]
    public void Differences_of_one_sign_are_as_rare_as_two_in_all_choices_of_signs() => Assert.Equal(2 / 32.0, WilcoxonSignedRank.PValue([1, 2, 3, 4, 5]), 1e-12);

    // Ranks 1 to 3 with the first negative: positive sum 5 of 6; sums 0, 1 and 5, 6 are as extreme: 4 of 8.
    [Fact]
    public void A_small_case_is_the_one_counted_by_hand() => Assert.Equal(0.5, WilcoxonSignedRank.PValue([-1, 2, 3]), 1e-12);

    [Fact]
    public void Zeros_are_left_out_and_ties_share_their_rank()
    {
        Assert.Equal(WilcoxonSignedRank.PValue([1, 2, 3, 4, 5]), WilcoxonSignedRank.PValue([0, 1, 2, 3, 4, 5, 0]), 1e-12);
        Assert.Equal(1, WilcoxonSignedRank.PValue([0, 0]));
        // Two equal magnitudes of opposite signs say nothing.
        Assert.Equal(1, WilcoxonSignedRank.PValue([2, -2]), 1e-12);
    }
}
