using Agora.Benchmarks;
using Agora.Experiments;

namespace Agora.Tests.Benchmarks;

public sealed class FewShotPromptTests
{
    private const string Asked = """{"question": "1 + 1?", "answer": "#### 2"}""";
    private static readonly string[] Training = [.. Enumerable.Range(2, 20).Select(i => $$"""{"question": "{{i}} + {{i}}?", "answer": "Twice {{i}}.\n#### {{2 * i}}"}""")];

    [Fact]
    public void A_base_prompt_is_one_text_that_the_model_continues()
    {
        using var file = new BenchmarkFileOnDisk("gsm8k.jsonl", Asked);
        var benchmark = file.Open("gsm8k", new BenchmarkOptions { Style = PromptStyle.Base });
        Assert.Equal("Question: 1 + 1?\nAnswer:", benchmark.Items[0].Prompt);
        Assert.True(benchmark.Asking.IsContinued);
        Assert.Contains("Question:", benchmark.Asking.Stop);
    }

    [Fact]
    public void Exemplars_stand_before_every_item_of_a_base_prompt()
    {
        using var file = new BenchmarkFileOnDisk("gsm8k.jsonl", Asked);
        using var training = new BenchmarkFileOnDisk("train.jsonl", Training);
        var prompt = file.Open("gsm8k", new BenchmarkOptions { Style = PromptStyle.Base, Shots = 2, ExemplarFile = training.Path }).Items[0].Prompt;
        Assert.Matches(@"^Question: (\d+) \+ \1\?\nAnswer: Twice \1\.\n#### \d+\n\nQuestion: (\d+) \+ \2\?\nAnswer: Twice \2\.\n#### \d+\n\nQuestion: 1 \+ 1\?\nAnswer:$", prompt);
    }

    [Fact]
    public void In_chat_exemplars_are_earlier_exchanges()
    {
        using var file = new BenchmarkFileOnDisk("gsm8k.jsonl", Asked);
        using var training = new BenchmarkFileOnDisk("train.jsonl", Training);
        var benchmark = file.Open("gsm8k", new BenchmarkOptions { Shots = 3, ExemplarFile = training.Path });
        Assert.Equal("1 + 1?", benchmark.Items[0].Prompt);
        Assert.Equal(3, benchmark.Asking.Exemplars.Distinct().Count());
        Assert.All(benchmark.Asking.Exemplars, exemplar => Assert.Contains("####", exemplar.Answer));
    }

    [Fact]
    public void Another_seed_draws_other_exemplars()
    {
        using var file = new BenchmarkFileOnDisk("gsm8k.jsonl", Asked);
        using var training = new BenchmarkFileOnDisk("train.jsonl", Training);
        Exemplar[] Drawn(long seed) => [.. file.Open("gsm8k", new BenchmarkOptions { Shots = 4, ExemplarFile = training.Path, Seed = seed }).Asking.Exemplars];
        Assert.Equal(Drawn(1), Drawn(1));
        Assert.NotEqual(Drawn(1), Drawn(2));
    }

    [Fact]
    public void A_question_that_is_asked_may_not_be_an_exemplar()
    {
        using var file = new BenchmarkFileOnDisk("gsm8k.jsonl", Asked);
        using var training = new BenchmarkFileOnDisk("train.jsonl", [.. Training, Asked]);
        var refusal = Assert.Throws<AgoraException>(() => file.Open("gsm8k", new BenchmarkOptions { Shots = 1, ExemplarFile = training.Path }));
        Assert.Contains("1 of the exemplars are questions that are asked", refusal.What);
    }

    [Fact]
    public void Exemplars_that_are_not_there_are_not_made_up()
    {
        using var file = new BenchmarkFileOnDisk("gsm8k.jsonl", Asked);
        using var training = new BenchmarkFileOnDisk("train.jsonl", Training[..2]);
        Assert.Contains("needs gsm8k's training split", Assert.Throws<AgoraException>(() => file.Open("gsm8k", new BenchmarkOptions { Shots = 5 })).What);
        Assert.Contains("the file holds 2", Assert.Throws<AgoraException>(() => file.Open("gsm8k", new BenchmarkOptions { Shots = 5, ExemplarFile = training.Path })).What);
        Assert.Contains("are not used", Assert.Throws<AgoraException>(() => file.Open("gsm8k", new BenchmarkOptions { ExemplarFile = training.Path })).What);
    }

    [Fact]
    public void Math_exemplars_teach_the_closing_sentence_that_the_strict_grader_reads()
    {
        using var file = new BenchmarkFileOnDisk("math.jsonl", """{"problem": "Half of 1?", "solution": "It is $\\boxed{\\frac{1}{2}}$."}""");
        using var training = new BenchmarkFileOnDisk("train.jsonl", """{"problem": "Half of 4?", "solution": "It is $\\boxed{2}$."}""");
        var benchmark = file.Open("math", new BenchmarkOptions { Style = PromptStyle.Base, Grader = AnswerGrader.LmEvalStrict, Shots = 1, ExemplarFile = training.Path });
        Assert.StartsWith("Problem:\nHalf of 4?\n\nSolution:\nIt is $\\boxed{2}$.\nFinal Answer: The final answer is $2$. I hope it is correct.\n\nProblem:\nHalf of 1?", benchmark.Items[0].Prompt);
        Assert.EndsWith("\n\nSolution:", benchmark.Items[0].Prompt);
    }

    [Fact]
    public void Mbpp_exemplars_are_solved_tasks()
    {
        const string row = """{"task_id": 11, "text": "Add one.", "code": "def inc(x):\r\n    return x + 1", "test_list": ["assert inc(1) == 2"], "test_setup_code": "", "challenge_test_list": []}""";
        using var file = new BenchmarkFileOnDisk("mbpp.jsonl", row);
        using var training = new BenchmarkFileOnDisk("train.jsonl", row.Replace("11", "601").Replace("one", "two").Replace("inc", "inc2"));
        var based = file.Open("mbpp", new BenchmarkOptions { Style = PromptStyle.Base, Shots = 1, ExemplarFile = training.Path });
        Assert.Equal("\"\"\"\nAdd two.\nassert inc2(1) == 2\n\"\"\"\ndef inc2(x):\n    return x + 1\n\n\"\"\"\nAdd one.\nassert inc(1) == 2\n\"\"\"\n", based.Items[0].Prompt);
        var asked = file.Open("mbpp", new BenchmarkOptions { Style = PromptStyle.EvalPlus, Shots = 1, ExemplarFile = training.Path });
        Assert.EndsWith("```python\n", asked.Asking.AnswerPrefix);
        Assert.Equal("```python\ndef inc2(x):\n    return x + 1\n```", asked.Asking.Exemplars[0].Answer);
    }
}
