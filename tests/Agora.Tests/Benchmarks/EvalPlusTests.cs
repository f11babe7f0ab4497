using Agora.Benchmarks;
using Agora.Experiments;

namespace Agora.Tests.Benchmarks;

[Collection("sandbox")]
public sealed class EvalPlusTests
{
    private const string Add = """{"task_id": "HumanEval/500", "prompt": "def add(a, b):\n    \"\"\"Sum.\"\"\"\n", "entry_point": "add", "canonical_solution": "    return a + b\n", "base_input": [[1, 2]], "plus_input": [[-5, 5], [1e10, 0.5]], "atol": 0, "contract": ""}""";

    private static readonly BenchmarkOptions Base = new();
    private static readonly BenchmarkOptions Plus = new() { PlusTests = true };

    [Fact]
    public async Task Plus_tests_find_what_the_original_ones_let_pass()
    {
        using var file = new BenchmarkFileOnDisk("plus.jsonl", Add);
        await NeedsSandbox();
        const string abs = "def add(a, b):\n    return abs(a) + abs(b)";
        Assert.Equal(new Grade.Scored(1), (await BenchmarkContract.Grade(file.Open("humaneval", Base), abs))[0].Grade);
        var failed = (await BenchmarkContract.Grade(file.Open("humaneval", Plus), abs))[0];
        Assert.Equal(new Grade.Scored(0), failed.Grade);
        Assert.Contains("10 is not 0", failed.Detail);
    }

    [Fact]
    public async Task Both_keep_the_benchmark_contract()
    {
        using var file = new BenchmarkFileOnDisk("plus.jsonl", Add);
        await NeedsSandbox();
        await BenchmarkContract.Holds(file.Open("humaneval", Base));
        await BenchmarkContract.Holds(file.Open("humaneval", Plus));
        await BenchmarkContract.Holds(file.Open("humaneval", Plus with { Grader = AnswerGrader.EvalPlus, Style = PromptStyle.EvalPlus }));
    }

    [Theory]
    [InlineData("return 0.1 + 0.2", "return 0.3", true)]                               // floats are compared with a tolerance
    [InlineData("return 0.1 + 0.2", "return 0.30001", false)]
    [InlineData("return 1", "return 1.0", true)]                                       // equal is equal, whatever the type
    [InlineData("return [0.1 + 0.2, 1.0]", "return (0.3, 1.0)", false)]                // types must agree where a tolerance is needed
    [InlineData("return {1, 2}", "return {2, 1}", true)]
    [InlineData("return (1, [2], None, 'a\\n\"\\\\', b'x', {'k': {3}})", "return (1, [2], None, 'a\\n\"\\\\', b'x', {'k': {3}})", true)]
    [InlineData("return float('inf')", "return 1e308 * 10", true)]
    [InlineData("return 10 ** 5000", "return 10 ** 5000", true)]
    [InlineData("return 3 + 4j", "return 3 + 4j", true)]
    [InlineData("import collections\n    return collections.Counter('aab')", "return {'a': 2, 'b': 1}", true)]
    [InlineData("return [1]", "return [1, 1]", false)]
    public async Task Outputs_are_compared_as_EvalPlus_does(string reference, string answer, bool right)
    {
        using var file = new BenchmarkFileOnDisk("plus.jsonl", Row("HumanEval/500", $"def f(x):\n    {reference}\n", "[[0]]"));
        await NeedsSandbox();
        var grade = (await BenchmarkContract.Grade(file.Open("humaneval", Base), $"def f(x):\n    {answer}\n"))[0];
        Assert.True(grade.Grade == new Grade.Scored(right ? 1 : 0), grade.ToString());
    }

    [Theory]
    [InlineData("Mbpp/2", "def f(a):\n    assert type(a) is tuple\n    return list(a)\n", "def f(a):\n    return a[::-1]\n", "[[[1, 2]]]", true)]     // compared as sets, given tuples
    [InlineData("Mbpp/737", "import re\ndef f(s):\n    return re.match('a', s)\n", "def f(s):\n    return s[0] == 'a'\n", "[[\"abc\"], [\"xyz\"]]", true)]       // found or not is all that counts
    [InlineData("Mbpp/737", "import re\ndef f(s):\n    return re.match('a', s)\n", "def f(s):\n    return True\n", "[[\"abc\"], [\"xyz\"]]", false)]
    [InlineData("Mbpp/164", "def f(s):\n    return 1\n", "def f(s):\n    return 2\n", "[[0]]", true)]
    [InlineData("Mbpp/295", "def f(s):\n    return 7\n", "def f(s):\n    return 0\n", "[[0]]", true)]
    [InlineData("Mbpp/558", "def f(a, b):\n    return 1\n", "def f(a, b):\n    return 10\n", "[[9, 10]]", true)]      // 09 and 10: 1 + 9
    [InlineData("Mbpp/581", "def f(b, h):\n    return 33\n", "def f(b, h):\n    return 35\n", "[[3, 4]]", true)]
    [InlineData("HumanEval/32", "def f(xs):\n    return 1.0\n", "def f(xs):\n    return 2.0\n", "[[[-4.0, 2.0]]]", true)]      // the root is checked, not the reference's output
    [InlineData("HumanEval/32", "def f(xs):\n    return 2.0\n", "def f(xs):\n    return 2.1\n", "[[[-4.0, 2.0]]]", false)]
    [InlineData("Mbpp/115", "def f(x):\n    return all(type(one) is set or one == {} for one in x)\n", "def f(x):\n    return True\n", "[[[[1], []]]]", true)]
    [InlineData("Mbpp/124", "def f(x, y):\n    return (type(x).__name__, type(y).__name__)\n", "def f(x, y):\n    return ('float', 'complex')\n", "[[\"1\", \"2j\"]]", true)]
    [InlineData("Mbpp/580", "def f(x):\n    return x == ((1, (2,)), 3)\n", "def f(x):\n    return True\n", "[[[[1, [2]], 3]]]", true)]
    [InlineData("Mbpp/722", "def f(d, n):\n    return d == {'k': (1, 2)} and n == 6\n", "def f(d, n):\n    return True\n", "[[{\"k\": [1, 2]}, 6]]", true)]
    public async Task Tasks_with_rules_of_their_own_keep_them(string task, string reference, string answer, string inputs, bool right)
    {
        using var file = new BenchmarkFileOnDisk("plus.jsonl", Row(task, reference, inputs));
        await NeedsSandbox();
        var grade = (await BenchmarkContract.Grade(file.Open(task.StartsWith('M') ? "mbpp" : "humaneval", Base), $"```python\n{answer}\n```"))[0];
        Assert.True(grade.Grade == new Grade.Scored(right ? 1 : 0), grade.ToString());
    }

    [Theory]
    [InlineData("def f(x):\n    class Anything:\n        def __eq__(self, other): return True\n    return Anything()\n")]
    [InlineData("import builtins, signal\nbuiltins.zip = lambda *a: []\nbuiltins.all = lambda *a: True\ndef zip(*a): return []\ndef f(x):\n    return 5\n")]
    [InlineData("def f(x):\n    return -x\n\ndef type(x): return int\ndef abs(x): return 0\n")]
    public async Task A_program_cannot_talk_the_comparison_over(string program)
    {
        using var file = new BenchmarkFileOnDisk("plus.jsonl", Row("HumanEval/500", "def f(x):\n    return x / 3\n", "[[1], [2]]"));
        await NeedsSandbox();
        Assert.Equal(new Grade.Scored(0), (await BenchmarkContract.Grade(file.Open("humaneval", Base), program))[0].Grade);
    }

    [Theory]
    [InlineData("HumanEval/500", "return [x / 3, 1]", "return [Near(), Near()]", "[[1]]")]
    [InlineData("HumanEval/32", "return 2.0", "return Near()", "[[[-4.0, 2.0]]]")]
    [InlineData("Mbpp/581", "return 33", "return Near()", "[[3, 4]]")]
    public async Task An_output_that_is_near_everything_is_near_nothing(string task, string reference, string answer, string inputs)
    {
        const string Near = "class Near(float):\n    def __sub__(self, other): return 0.0\n    def __abs__(self): return 0.0\n    def __rmul__(self, other): return self\n    def __pow__(self, other): return self\n"
            + "    def __add__(self, other): return self\n    __radd__ = __rsub__ = __add__\n\n";
        var head = task == "Mbpp/581" ? "def f(b, h):\n    " : "def f(x):\n    ";
        using var file = new BenchmarkFileOnDisk("plus.jsonl", Row(task, $"{head}{reference}\n", inputs));
        await NeedsSandbox();
        Assert.Equal(new Grade.Scored(0), (await BenchmarkContract.Grade(file.Open(task.StartsWith('M') ? "mbpp" : "humaneval", Base), $"```python\n{Near}{head}{answer}\n```"))[0].Grade);
    }

    [Fact]
    public async Task One_input_that_does_not_end_costs_seconds_and_not_the_whole_minute()
    {
        using var file = new BenchmarkFileOnDisk("plus.jsonl", Row("HumanEval/500", "def f(x):\n    return x\n", "[[1], [2], [3], [4], [5], [6], [7], [8], [9], [10], [11]]"));
        await NeedsSandbox();
        var grade = (await BenchmarkContract.Grade(file.Open("humaneval", Base), "def f(x):\n    while True: pass\n"))[0];
        Assert.Equal(new Grade.Scored(0), grade.Grade);
        Assert.Contains("one input took too long", grade.Detail);
    }

    [Fact]
    public async Task A_reference_that_does_not_run_leaves_the_task_without_a_grade()
    {
        using var file = new BenchmarkFileOnDisk("plus.jsonl", Row("HumanEval/500", "def f(x):\n    return 1 / 0\n", "[[1]]"));
        await NeedsSandbox();
        var grade = (await BenchmarkContract.Grade(file.Open("humaneval", Base), "def f(x):\n    return 1\n"))[0];
        Assert.Contains("ZeroDivisionError", Assert.IsType<Grade.Unscored>(grade.Grade).Reason);
    }

    [Fact]
    public void Inputs_that_the_task_does_not_take_are_a_fault_of_the_file()
    {
        using var file = new BenchmarkFileOnDisk("plus.jsonl", Row("Mbpp/2", "def f(x):\n    return x\n", "[[5]]"));
        Assert.Contains("plus.jsonl:1  \"base_input\" is not what the task takes: an argument must be a list, not a number", file.Refusal("mbpp"));
    }

    [Theory]
    [InlineData("Sure, here it is:\n```python\nimport math\n\ndef helper(x):\n    return x\n\ndef f(x):\n    return helper(x)\n\ndef unused():\n    return 1\n\nprint(f(1))\n```\nIt works because it does.", "import math\ndef helper(x):\n    return x\ndef f(x):\n    return helper(x)")]
    [InlineData("def f(x):\n    return 1\n\ndef f(x):\n    return 2\n", "def f(x):\n    return 1")]         // the first definition counts
    [InlineData("def f(x):\n    pass\n\ndef f(x):\n    return 2\n", "def f(x):\n    return 2")]           // one that returns something
    [InlineData("LIMIT = 3\nOTHER = 4\ndef f(x):\n    return x < LIMIT\n", "LIMIT = 3\ndef f(x):\n    return x < LIMIT")]
    [InlineData("print(1)\nprint(2)\n", "print(1)\nprint(2)")]                                          // nothing is left, so the whole run
    [InlineData("\u001b[1mdef f(x):\u001b[0m\n    return 'é😀'\n", "def f(x):\n    return 'é😀'")]
    public async Task Programs_are_found_as_EvalPlus_finds_them(string answer, string program)
    {
        await using var sandbox = await CodeSandboxTests.Start();
        var found = await ProgramExtraction.RunAsync(sandbox, answer, "f", TestContext.Current.CancellationToken);
        Assert.Null(found.Fault);
        Assert.Equal(program, found.Code!.Trim());
    }

    // EvalPlus's pass@1 is over all samples, so none may leave the mean by its own doing.
    [Theory]
    [InlineData("surrogate", "counted as wrong: the answer holds an unpaired surrogate")]
    [InlineData("long", "counted as wrong: the answer is longer than 262144 characters")]
    public async Task An_answer_that_cannot_be_searched_is_wrong_and_stays_in_the_mean(string how, string detail) =>
        await IsWrong(how == "long" ? "def f(x):\n    return x\n" + new string('#', 1 << 19) : "def f(x):\n    return '\ud800'", detail);

    // The search grows with the square of the lines.
    [Fact, Trait("Category", "Nightly")]
    public async Task An_answer_that_takes_too_long_to_search_is_wrong_and_stays_in_the_mean() =>
        await IsWrong(string.Concat(Enumerable.Range(0, 4000).Select(i => $"x{i} = (\n(((\n")), "counted as wrong: looking for the program took too long");

    private static async Task IsWrong(string answer, string detail)
    {
        using var file = new BenchmarkFileOnDisk("plus.jsonl", Row("HumanEval/500", "def f(x):\n    return x\n", "[[1]]"));
        await NeedsSandbox();
        var grade = (await BenchmarkContract.Grade(file.Open("humaneval", new BenchmarkOptions { Grader = AnswerGrader.EvalPlus }), answer))[0];
        Assert.Equal(new Grade.Scored(0), grade.Grade);
        Assert.Equal(detail, grade.Detail);
        Assert.NotNull(CodeBenchmark.Unsearchable(grade));
    }

    [Fact]
    public void All_styles_ask_for_the_same_task()
    {
        using var file = new BenchmarkFileOnDisk("plus.jsonl", Add);
        Assert.Contains("```python\ndef add", file.Open("humaneval", Base).Items[0].Prompt);
        Assert.Equal("def add(a, b):\n    \"\"\"Sum.\"\"\"\n", file.Open("humaneval", new BenchmarkOptions { Style = PromptStyle.Base }).Items[0].Prompt);
        var chat = file.Open("humaneval", new BenchmarkOptions { Style = PromptStyle.EvalPlus });
        Assert.Contains("```\ndef add(a, b):", chat.Items[0].Prompt);
        Assert.EndsWith("```python\n", chat.Asking.AnswerPrefix);
        Assert.Contains("\n```\n", chat.Asking.Stop);
    }

    private static string Row(string task, string reference, string inputs) => $$"""
        {"task_id": "{{task}}", "prompt": "# Write f.\n", "entry_point": "f", "canonical_solution": {{System.Text.Json.JsonSerializer.Serialize(reference)}}, "base_input": {{inputs}}, "plus_input": [], "atol": {{(task == "HumanEval/32" ? "1e-4" : "0")}}}
        """;

    private static async Task NeedsSandbox() => await (await CodeSandboxTests.Start()).DisposeAsync();
}
