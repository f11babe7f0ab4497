using System.Diagnostics;
using Agora.Benchmarks;
using CsCheck;

namespace Agora.Tests.Benchmarks;

public sealed class MathAnswerTests
{
    [Theory]
    [InlineData("5 + 7 = 12\n[RESULT] 12 [/RESULT]", AnswerMark.ResultTags, "12")]
    [InlineData("[RESULT] 1 [/RESULT] no: [RESULT] 2 [/RESULT] [RESULT]", AnswerMark.ResultTags, "2")]
    [InlineData("[RESULT] 3 [/RESULT] \\boxed{4}", AnswerMark.ResultTags, "3")]
    [InlineData("so \\boxed{\\frac{1}{2}}. #### 7", AnswerMark.Box, "\\frac{1}{2}")]
    [InlineData("$\\boxed{2}$ and $\\boxed{3}$", AnswerMark.Box, "2, 3")]
    [InlineData("\\boxed{2} is wrong. It is \\fbox 3.", AnswerMark.Box, "3")]
    [InlineData("He has 3 left.\n#### 1,234", AnswerMark.Hashes, "1,234")]
    [InlineData("The answer is 4. Final answer: 5 apples. I had 9.", AnswerMark.AnswerPhrase, "5 apples")]
    [InlineData("First 3, then -4.", AnswerMark.LastNumber, "-4")]
    [InlineData("<think>\\boxed{1}</think> It is 2", AnswerMark.LastNumber, "2")]
    [InlineData("It is 2.<|eot_id|>Question: what is 3 + 5?", AnswerMark.LastNumber, "2")]
    public void The_strongest_mark_decides(string completion, AnswerMark mark, string text) =>
        Assert.Equal(new MathAnswer(text, mark), MathAnswer.Extract(completion, AnswerPolicy.Number));

    [Theory]
    [InlineData("Therefore $x \\geq 5$ is the solution.", "$x \\geq 5$")]
    [InlineData("Take $d = 90$. Thus there are 12 of them. I hope it is correct.", "12")]
    [InlineData("  \\frac{1}{2}  ", "\\frac{1}{2}")]
    public void Where_answers_are_formulas_an_unmarked_one_is_found(string completion, string text) =>
        Assert.Equal(text, MathAnswer.Extract(completion, AnswerPolicy.Expression)!.Text);

    [Theory]
    [InlineData("")]
    [InlineData("no idea")]
    [InlineData("<think> it may be 5")]
    [InlineData("[RESULT] [/RESULT]")]
    public void Where_there_is_no_answer_none_is_made_up(string completion) => Assert.Null(MathAnswer.Extract(completion, AnswerPolicy.Number));

    [Theory]
    [InlineData("$1,234.50", "2469/2")]
    [InlineData("x = 5 + 3 = 8 apples", "8")]
    [InlineData("-3/4 cup", "-3/4")]
    [InlineData("2 1/2 hours", "5/2")]
    [InlineData("-$20", "-20")]
    [InlineData("18 dollars over 7 days", "18")]
    [InlineData("\\$23{,}000", "23000")]
    [InlineData("\\frac{3}{4}", "3/4")]
    public void A_stated_number_is_read_exactly(string text, string value)
    {
        Assert.True(MathGrading.TryReadNumber(text, out var number));
        Assert.Equal(value, number.ToString());
    }

    [Fact]
    public void Every_number_written_plainly_is_read_back() =>
        Gen.Select(Gen.Int[-1_000_000, 1_000_000], Gen.Int[0, 99]).Sample((whole, cents) =>
        {
            var written = FormattableString.Invariant($"{whole:#,0}.{cents:00}");
            var expected = new ExactNumber(new System.Numerics.BigInteger(Math.Abs((long)whole) * 100 + cents) * (whole < 0 ? -1 : 1), 100);
            return MathGrading.TryReadNumber($"It costs {written} dollars", out var number) && number == expected
                && WrittenNumber.TryFindLast($"first 3, then {written}.", out var last, out _) && last == expected;
        });

    /// <remarks>The limit is far above what is needed (a few milliseconds), and far below what anything quadratic would take.</remarks>
    [Fact]
    public void No_text_is_a_bomb()
    {
        string[] bombs =
        [
            new string('{', 10_000_000), Repeat("\\boxed{", 100_000), Repeat("\\frac{", 100_000), Repeat("\\(", 500_000), Repeat("$\\", 500_000),
            new string('9', 10_000_000), Repeat("1 1/", 1_000_000), Repeat("answer is ", 500_000), Repeat("[RESULT]", 500_000), Repeat("[/RESULT]", 500_000),
            "\\boxed{" + Repeat("(", 3000) + "1" + Repeat(")", 3000) + "}", "\\boxed{" + Repeat("2^", 1000) + "9}", "\\boxed{9!!!!!!!!^{9!^{9!^{9!}}}}", Repeat("Therefore ", 500_000),
            "\\boxed{" + string.Join(",", Enumerable.Range(0, 700)) + "}", "\\boxed{" + Repeat("\\sqrt{x^x+", 55) + "1" + Repeat("}", 55) + "}",
        ];
        foreach (var bomb in bombs)
        {
            var clock = Stopwatch.StartNew();
            MathGrading.Expression(bomb, "\\sqrt{2}, " + string.Join(",", Enumerable.Range(1, 700)));
            MathGrading.Number(bomb, new ExactNumber(1, 3));
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), $"{bomb[..20]} took {clock.Elapsed}");
        }
    }

    private static string Repeat(string text, int count) => string.Concat(Enumerable.Repeat(text, count));
}
