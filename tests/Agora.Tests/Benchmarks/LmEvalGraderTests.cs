using Agora.Benchmarks;
using Agora.Experiments;

namespace Agora.Tests.Benchmarks;

public sealed class LmEvalGraderTests
{
    private const string Row = """{"question": "3 + 2?", "answer": "3+2=<<3+2=5>>5\n#### 5"}""";

    [Theory]
    [InlineData(AnswerGrader.Agora, "So it is \\boxed{5}$.", true)]
    [InlineData(AnswerGrader.LmEvalFlexible, "So it is \\boxed{5}$.", false)]      // it reads "$." from it
    [InlineData(AnswerGrader.LmEvalFlexible, "So it is 5.", true)]
    [InlineData(AnswerGrader.LmEvalFlexible, "5.0", false)]                       // texts are compared, not numbers
    [InlineData(AnswerGrader.LmEvalStrict, "#### 5", true)]
    [InlineData(AnswerGrader.LmEvalStrict, "#### 5\n#### 6", true)]               // the first mark counts
    [InlineData(AnswerGrader.LmEvalStrict, "The answer is 5.", false)]
    [InlineData(AnswerGrader.LmEvalCotStrict, "The answer is 5.", true)]
    [InlineData(AnswerGrader.LmEvalCotStrict, "The answer is 5", false)]          // the filter wants a character behind the number
    [InlineData(AnswerGrader.LmEvalLlamaStrict, "The final answer is 4. The final answer is 5", true)]
    [InlineData(AnswerGrader.LmEvalLlamaStrict, "The answer is 5.", false)]
    public async Task Each_grader_reads_by_its_own_convention(AnswerGrader grader, string completion, bool right)
    {
        using var file = new BenchmarkFileOnDisk("gsm8k.jsonl", Row);
        var grades = await BenchmarkContract.Grade(file.Open("gsm8k", new BenchmarkOptions { Grader = grader }), completion);
        Assert.Equal(new Grade.Scored(right ? 1 : 0), grades[0].Grade);
    }

    [Fact]
    public void Another_grader_is_another_grader_version()
    {
        using var file = new BenchmarkFileOnDisk("gsm8k.jsonl", Row);
        Assert.Equal(5, Enum.GetValues<AnswerGrader>().Where(grader => grader != AnswerGrader.EvalPlus)
            .Select(grader => file.Open("gsm8k", new BenchmarkOptions { Grader = grader }).GraderVersion).Distinct().Count());
    }

    [Theory]
    [InlineData("Final Answer: The final answer is $\\frac{1}{2}$. I hope it is correct.", "\\frac12", true)]
    [InlineData("Final Answer: The final answer is $0.5$. I hope it is correct.", "\\frac12", true)]
    [InlineData("Final Answer: The final answer is $x=5$. I hope", "5", false)]     // cut off within the closing words
    [InlineData("Final Answer: The final answer is $x=5$.", "5", false)]            // the words are appended without the blank that belongs before them
    [InlineData("Final Answer: The final answer is $x=5$. ", "5", true)]
    [InlineData("\\boxed{5}", "5", false)]
    [InlineData("Final Answer: The final answer is $12,345$ dollars. I hope it is correct.", "12345", true)]
    [InlineData("Final Answer: The final answer is $\\text{(C)}$. I hope it is correct.", "(C)", true)]
    [InlineData("Final Answer: The final answer is $3$\n. I hope it is correct.", "3", false)]     // the sentence must end on its line
    public void Minervas_closing_sentence_is_all_that_counts(string completion, string reference, bool right) =>
        Assert.Equal(new Grade.Scored(right ? 1 : 0), MinervaMath.Grade(completion, reference).Grade);

    [Theory]
    [InlineData("x = \\frac12", "\\frac{1}{2}")]
    [InlineData("\\sqrt2", "\\sqrt{2}")]
    [InlineData("10\\text{ miles}", "10miles")]
    [InlineData("$5$ and more", "5")]
    [InlineData("1,000", "1000")]
    [InlineData("90^\\circ", "90")]
    public void Answers_are_normalised_as_the_harness_does(string answer, string normalised) => Assert.Equal(normalised, MinervaMath.Normalized(answer));

    [Theory]
    [InlineData("math", AnswerGrader.LmEvalFlexible)]
    [InlineData("nano_math", AnswerGrader.LmEvalStrict)]
    [InlineData("humaneval", AnswerGrader.LmEvalStrict)]
    [InlineData("gsm8k", AnswerGrader.EvalPlus)]
    public void A_grader_that_a_benchmark_does_not_have_is_refused(string benchmark, AnswerGrader grader)
    {
        using var file = new BenchmarkFileOnDisk("rows.jsonl", Row);
        var refusal = Assert.Throws<AgoraException>(() => file.Open(benchmark, new BenchmarkOptions { Grader = grader }));
        Assert.Equal(2, refusal.ExitCode);
        Assert.Contains("--grader", refusal.Where);
    }
}
