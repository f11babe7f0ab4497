using System.Text.Json;
using Agora.Benchmarks;
using Agora.Experiments;

namespace Agora.Tests.Benchmarks;

[Collection("sandbox")]
public sealed class SampleFileTests
{
    private const string Tasks = """
        {"task_id": "HumanEval/0", "prompt": "def one():\n", "entry_point": "one", "canonical_solution": "    return 1\n", "test": "def check(f):\n    assert f() == 1\n"}
        {"task_id": "HumanEval/1", "prompt": "def two():\n", "entry_point": "two", "canonical_solution": "    return 2\n", "test": "def check(f):\n    assert f() == 2\n"}
        """;

    [Fact]
    public async Task Solutions_and_completions_are_run_as_they_are()
    {
        using var tasks = new BenchmarkFileOnDisk("tasks.jsonl", Tasks);
        using var samples = new BenchmarkFileOnDisk("samples.jsonl",
            """{"task_id": "HumanEval/1", "solution": "def two():\n    return 2"}""",
            """{"task_id": "HumanEval/0", "completion": "    return 1"}""",
            """{"task_id": "HumanEval/0", "solution": "```python\ndef one():\n    return 1\n```"}""",        // EvalPlus would fail it too
            """{"task_id": "HumanEval/0", "message": "```python\ndef one():\n    return 1\n```"}""",
            """{"task_id": "HumanEval/0", "solution": "def one():\n    return 1\u0000"}""");
        await (await CodeSandboxTests.Start()).DisposeAsync();
        var benchmark = tasks.Open("humaneval");
        var answers = SampleFile.Read(samples.Path, benchmark);
        Assert.Equal(["HumanEval/0", "HumanEval/0", "HumanEval/0", "HumanEval/0", "HumanEval/1"], answers.Select(answer => answer.ItemId));
        var grades = await benchmark.GradeAsync(answers, new GradingContext { Random = new RandomStreams(1) }, TestContext.Current.CancellationToken);
        Assert.Equal([1, 0, 1, 0, 1], grades.Select(grade => ((Grade.Scored)grade.Grade).Value));
    }

    [Fact]
    public void Faults_are_listed_with_their_lines()
    {
        using var tasks = new BenchmarkFileOnDisk("tasks.jsonl", Tasks);
        using var samples = new BenchmarkFileOnDisk("samples.jsonl",
            """{"task_id": "HumanEval/7", "solution": ""}""", """{"task_id": "HumanEval/0", "answer": "1"}""", """{"solution": "x"}""", """{"task_id": "HumanEval/1", "solution": "\ud800"}""");
        var refusal = Assert.Throws<AgoraException>(() => SampleFile.Read(samples.Path, tasks.Open("humaneval"))).Message;
        Assert.Contains("samples.jsonl:1  humaneval has no item \"HumanEval/7\"", refusal);
        Assert.Contains("samples.jsonl:2  no \"solution\", \"completion\" or \"message\"", refusal);
        Assert.Contains("samples.jsonl:3  no \"id\"; the row has \"solution\"", refusal);
        Assert.Contains("samples.jsonl:4  \"solution\" holds an unpaired surrogate", refusal);
    }

    [Fact]
    public void A_task_without_a_sample_is_an_error_and_not_a_zero()
    {
        using var tasks = new BenchmarkFileOnDisk("tasks.jsonl", Tasks);
        using var samples = new BenchmarkFileOnDisk("samples.jsonl", """{"task_id": "HumanEval/1", "solution": ""}""");
        Assert.Contains("1 of 2 items of humaneval have no sample, the first of them HumanEval/0", Assert.Throws<AgoraException>(() => SampleFile.Read(samples.Path, tasks.Open("humaneval"))).What);
    }

    [Fact]
    public void Mbpps_numbers_and_EvalPlus_names_mean_the_same_tasks()
    {
        using var tasks = new BenchmarkFileOnDisk("mbpp.jsonl", """{"task_id": 11, "text": "Add one.", "code": "def inc(x):\n    return x + 1", "test_list": ["assert inc(1) == 2"]}""");
        using var samples = new BenchmarkFileOnDisk("samples.jsonl", """{"task_id": "Mbpp/11", "solution": "def inc(x): return x + 1"}""");
        var answer = Assert.Single(SampleFile.Read(samples.Path, tasks.Open("mbpp")));
        Assert.Equal("11", answer.ItemId);
        var line = JsonDocument.Parse(SampleFile.EvalPlusLine("mbpp", answer, new GradedAnswer("11", answer.Completion, new Grade.Scored(1)))).RootElement;
        Assert.Equal("Mbpp/11", line.GetProperty("task_id").GetString());
        Assert.Equal(answer.Completion, line.GetProperty("solution").GetString());
    }

    [Fact]
    public void What_is_written_reads_back_as_the_same_programs()
    {
        using var tasks = new BenchmarkFileOnDisk("tasks.jsonl", Tasks);
        string[] programs = ["def one():\n    return 'é\\u0000😀'\t\r\n", "x = 1"];
        BenchmarkAnswer[] answers = [.. programs.Select((program, place) => new BenchmarkAnswer { ItemId = $"HumanEval/{place}", Prompt = "", Completion = program, Finished = true })];
        using var written = new BenchmarkFileOnDisk("written.jsonl", [.. answers.Select(answer => SampleFile.EvalPlusLine("humaneval", answer, new GradedAnswer(answer.ItemId, answer.Completion, new Grade.Scored(1))))]);
        var read = SampleFile.Read(written.Path, tasks.Open("humaneval"));
        Assert.Equal(programs, read.Select(answer => answer.Completion));
        Assert.All(read, answer => Assert.Equal(AnswerForm.Program, answer.Form));
    }
}
