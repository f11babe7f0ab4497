using Agora.Benchmarks;
using CsCheck;

namespace Agora.Tests.Benchmarks;

public sealed class MathEquivalenceTests
{
    [Theory]
    [InlineData("\\frac{1}{2}", "0.5")]
    [InlineData("\\frac12", "1/2")]
    [InlineData("1\\frac{1}{2}", "1.5")]
    [InlineData("3\\sqrt{13}", "\\sqrt{117}")]
    [InlineData("\\frac{\\sqrt{3}}{3}", "\\frac{1}{\\sqrt{3}}")]
    [InlineData("(x+1)^2", "x^2+2x+1")]
    [InlineData("\\tan^2 y + 1", "\\sec^2(y)")]
    [InlineData("x = 5", "5")]
    [InlineData("f(x) = 2x + 3", "3 + 2x")]
    [InlineData("10\\%", "10")]
    [InlineData("125\\text{ miles}", "125")]
    [InlineData("15\\mbox{ cm}^2", "15")]
    [InlineData("90^\\circ", "90")]
    [InlineData("1, 2, 3", "\\{3, 1, 2\\}")]
    [InlineData("1 \\pm \\sqrt{19}", "1 - \\sqrt{19}, 1 + \\sqrt{19}")]
    [InlineData("(-793, 10)", "-793 < a < 10")]
    [InlineData("x \\le 5", "5 \\ge x")]
    [InlineData("(-\\infty, 2] \\cup (3, 4)", "(3,4)\\cup(-\\infty,2]")]
    [InlineData("\\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}", "\\begin{bmatrix}1&2\\\\3&4\\end{bmatrix}")]
    [InlineData("x^2/4 + y^2/3 = 1", "3x^2 + 4y^2 = 12")]
    [InlineData("\\text{(C)}", "C")]
    [InlineData("\\text{Evelyn}", "evelyn")]
    [InlineData("\\frac{1}{12}", "0.0833333333333333")]
    [InlineData("12,\\!000", "12000")]
    [InlineData("204_5", "204_{5}")]
    [InlineData("\\binom{5}{2}", "10")]
    [InlineData("\\log_2 8", "3")]
    [InlineData("e^{i\\pi}", "-1")]
    public void These_say_the_same(string one, string other)
    {
        Assert.True(MathEquivalence.AreEquivalent(one, other));
        Assert.True(MathEquivalence.AreEquivalent(other, one));
    }

    [Theory]
    [InlineData("1/3", "0.33")]
    [InlineData("5", "5.001")]
    [InlineData("10000", "10001")]
    [InlineData("3.04", "0.0304")]
    [InlineData("(0, 9)", "[0, 9)")]
    [InlineData("(1, 2)", "(2, 1)")]
    [InlineData("1, 2", "1, 2, 3")]
    [InlineData("x", "|x|")]
    [InlineData("f(y) = y", "f(x) = x")]
    [InlineData("2x = 6", "6")]
    [InlineData("32349", "32, 349")]
    [InlineData("204_5", "204_6")]
    [InlineData("\\sqrt{2}", "1.414")]
    [InlineData("d", "\\text{E}")]
    [InlineData("5", "")]
    [InlineData("\\infty", "-\\infty")]
    public void These_do_not(string one, string other)
    {
        Assert.False(MathEquivalence.AreEquivalent(one, other));
        Assert.False(MathEquivalence.AreEquivalent(other, one));
    }

    /// <summary>The table of docs/evaluation.md, line by line.</summary>
    [Theory]
    [InlineData("12\\%", "12", true)]
    [InlineData("12\\%", "12 percent", true)]
    [InlineData("12\\%", "0.12", false)]
    [InlineData("40", "\\$40", true)]
    [InlineData("6, 1, -3", "-3, 6, 1", true)]
    [InlineData("(6, 1)", "(1, 6)", false)]
    [InlineData("[1, 4]", "(1, 4]", false)]
    [InlineData("1,234", "1234", true)]
    [InlineData("1.234", "1234", false)]
    [InlineData("7,25", "7.25", false)]
    [InlineData("1/3", "0.333333", true)]
    [InlineData("1/3", "0.3333", false)]
    [InlineData("1 \\le x \\le 4", "[1, 4]", true)]
    [InlineData("y = 3", "3", true)]
    [InlineData("\\text{Tuesday}", "tuesday", true)]
    [InlineData("(B)", "B", true)]
    [InlineData("\\\\frac{1}{2}", "\\frac{1}{2}", true)]
    [InlineData("96/4", "24", true)]
    public void Policies_are_what_is_documented(string reference, string answer, bool same) =>
        Assert.Equal(same, MathEquivalence.AreEquivalent(reference, answer));

    [Fact]
    public void A_sum_of_fractions_equals_its_value_and_nothing_near_it() =>
        Gen.Select(Gen.Int[-99, 99], Gen.Int[1, 99], Gen.Int[-99, 99], Gen.Int[1, 99]).Sample((a, b, c, d) =>
        {
            var sum = FormattableString.Invariant($"\\frac{{{a}}}{{{b}}} + \\frac{{{c}}}{{{d}}}");
            var value = FormattableString.Invariant($"{a * d + c * b}/{b * d}");
            var near = FormattableString.Invariant($"{1000000 * (a * d + c * b) + 1}/{1000000 * b * d}");
            return MathEquivalence.AreEquivalent(sum, value) && !MathEquivalence.AreEquivalent(sum, near);
        });
}
