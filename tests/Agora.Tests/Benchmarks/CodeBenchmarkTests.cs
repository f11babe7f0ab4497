using System.Text.Json;
using Agora.Benchmarks;
using Agora.Experiments;

namespace Agora.Tests.Benchmarks;

[Collection("sandbox")]
public sealed class CodeBenchmarkTests
{
    private const string Row = """{"id": "a", "prompt": "Write double(x), which returns twice x.", "entry_point": "double", "tests": "assert double(2) == 4\nassert double(-1) == -2", "solution": "def double(x):\n    return 2 * x"}""";

    [Fact]
    public async Task Nano_code_keeps_the_contract()
    {
        using var file = new BenchmarkFileOnDisk("items.jsonl", Row);
        await NeedsSandbox();
        await BenchmarkContract.Holds(file.Open("nano_code"));
    }

    [Fact]
    public async Task Answers_are_run_not_read()
    {
        using var file = new BenchmarkFileOnDisk("items.jsonl", Row);
        await NeedsSandbox();
        var grades = await BenchmarkContract.Grade(file.Open("nano_code"),
            "Sure!\n```python\ndef double(x):\n    return x + x\n```\nThis adds x to itself.",
            "def double(x):\n    return 2 * x",
            "```python\ndef double(x):\n    return x ** 2\n```",
            "```\nprint('hello')\n```\n```python\ndef double(x): return x * 2\n```\n```\ndouble(3)\n```",
            "def double(x): return 2 * x\n<|eot_id|>raise SystemExit",
            "I cannot write code.");
        Assert.Equal([1, 1, 0, 1, 1, 0], grades.Select(g => ((Grade.Scored)g.Grade).Value));
        Assert.Contains("AssertionError", grades[2].Detail);
    }

    [Fact]
    public async Task A_program_that_two_students_wrote_alike_is_run_once()
    {
        using var file = new BenchmarkFileOnDisk("items.jsonl", Row);
        await NeedsSandbox();
        var benchmark = file.Open("nano_code");
        const string unlike = "import random\ndef double(x): raise ValueError(random.random())";
        var first = await BenchmarkContract.Grade(benchmark, unlike);
        var second = await BenchmarkContract.Grade(benchmark, unlike);
        var other = await BenchmarkContract.Grade(benchmark, unlike + "\n");
        Assert.Contains("ValueError: 0.", first[0].Detail);
        Assert.Equal(first[0].Detail, second[0].Detail);
        Assert.Equal([new Grade.Scored(0)], other.Select(grade => grade.Grade));
    }

    [Fact]
    public void An_unprotected_run_is_another_grader()
    {
        using var file = new BenchmarkFileOnDisk("items.jsonl", Row);
        Assert.DoesNotContain("unsafe", file.Open("nano_code").GraderVersion);
        Assert.Contains("unsafe-no-sandbox", file.Open("nano_code", unsafeNoSandbox: true).GraderVersion);
    }

    [Fact]
    public void An_entry_point_must_be_a_name()
    {
        using var file = new BenchmarkFileOnDisk("items.jsonl", """{"id": "a", "prompt": "p", "entry_point": "f()", "tests": "assert f()"}""");
        Assert.Contains("items.jsonl:1  \"entry_point\" is no Python name: \"f()\"", file.Refusal("nano_code"));
    }

    [Fact]
    public async Task Humaneval_keeps_the_contract_on_its_official_file()
    {
        var benchmark = Official("humaneval", "HumanEval.jsonl.gz");
        Assert.Equal(164, benchmark.Items.Length);
        await NeedsSandbox();
        await BenchmarkContract.Holds(benchmark);
        var stubs = await benchmark.GradeAsync([.. benchmark.Items.Select(item => BenchmarkContract.Answer(item, "    pass\n"))], Context(), TestContext.Current.CancellationToken);
        Assert.All(stubs, stub => Assert.Equal(new Grade.Scored(0), stub.Grade));
    }

    [Fact]
    public async Task Humanevals_example_samples_get_their_published_verdicts()
    {
        var benchmark = BenchmarkCatalogue.Open(new BenchmarkSpec { Name = "humaneval", File = "example_problem.jsonl" }, Fixtures.Part("code_exec"));
        await NeedsSandbox();
        var completions = File.ReadLines(Fixtures.Part("code_exec", "example_samples.jsonl")).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("completion").GetString()!);
        var grades = await BenchmarkContract.Grade(benchmark, [.. completions]);
        var expected = JsonDocument.Parse(File.ReadAllBytes(Fixtures.Part("code_exec", "example_expected.json"))).RootElement;
        Assert.Equal(expected.GetProperty("per_sample").EnumerateArray().Select(s => s.GetProperty("passed").GetBoolean() ? 1.0 : 0), grades.Select(g => ((Grade.Scored)g.Grade).Value));
        Assert.Equal(expected.GetProperty("pass@1").GetDouble(), PassAtK.Of(grades.Length, grades.Count(g => g.Grade is Grade.Scored(1)), 1), 1e-12);
    }

    [Theory]
    [InlineData("mbpp.jsonl.gz", "mbpp_full", 974)]
    [InlineData("mbpp_sanitized.jsonl.gz", "mbpp_sanitized", 427)]
    public async Task Mbpps_references_come_out_as_recorded(string file, string record, int tasks)
    {
        var benchmark = Mbpp.Open(new BenchmarkSpec { Name = "mbpp", File = file }, Fixtures.Part("benchmarks"), new BenchmarkOptions(), asked: _ => true);
        Assert.Equal(tasks, benchmark.Items.Length);
        var results = JsonDocument.Parse(File.ReadAllBytes(Fixtures.Part("code_exec", "reference_results.json"))).RootElement;
        Assert.Equal(tasks, results.GetProperty(record).GetProperty("tasks").GetInt32());
        await NeedsSandbox();
        var grades = await benchmark.GradeAsync(benchmark.ReferenceAnswers, Context(), TestContext.Current.CancellationToken);
        // Task 123's reference takes 2 to 7 s of a quiet machine; on a busy one it may time out.
        Assert.Empty(grades.Where(g => g.Grade is not Grade.Scored(1) && g.ItemId != "123").Select(g => $"{g.ItemId}: {g.Detail}"));
    }

    [Theory]
    [InlineData("mbpp.jsonl.gz", 500)]
    [InlineData("mbpp_sanitized.jsonl.gz", 257)]
    public void Mbpp_asks_its_test_split_alone(string file, int items) => Assert.Equal(items, Official("mbpp", file).Items.Length);

    private static IBenchmark Official(string name, string file) =>
        BenchmarkCatalogue.Open(new BenchmarkSpec { Name = name, File = file }, Fixtures.Part("benchmarks"));

    private static GradingContext Context() => new() { Random = new RandomStreams(1) };

    private static async Task NeedsSandbox() => await (await CodeSandboxTests.Start()).DisposeAsync();
}
