using Agora.Benchmarks;
using Agora.Experiments;

namespace Agora.Tests.Benchmarks;

public sealed class BenchmarkSelfTestTests
{
    private static readonly string[] Rows = [.. Enumerable.Range(1, 9).Select(i => $$"""{"id": "{{i}}", "question": "{{i}} + {{i}}?", "answer": "{{2 * i}}"}""")];

    [Fact]
    public async Task A_sound_benchmark_grades_its_own_answers_right_and_others_wrong()
    {
        using var file = new BenchmarkFileOnDisk("items.jsonl", Rows);
        var lines = await RunAsync(file.Open("nano_math"));
        Assert.Equal([(SelfTestAnswers.Reference, 1.0), (SelfTestAnswers.Empty, 0.0), (SelfTestAnswers.Shuffled, 0.0)], lines.Select(line => (line.Answers, line.Mean!.Value)));
        Assert.All(lines, line => Assert.Empty(line.Surprises));
        Assert.All(lines, line => Assert.Equal(9, line.Count));
    }

    [Fact]
    public async Task A_grader_that_is_broken_shows()
    {
        using var file = new BenchmarkFileOnDisk("items.jsonl", Rows);
        var broken = new ItemwiseBenchmark<int>("broken", Domain.Math, 1, "hash",
            [.. Enumerable.Range(1, 4).Select(i => (new BenchmarkItem($"{i}", "?"), i, (string?)$"{i}"))], (text, reference) => ItemGrade.Of(text, text != "2", "the grader's words"));
        var lines = await RunAsync(broken);
        Assert.Equal(["2: the grader's words"], lines[0].Surprises);
        Assert.Equal(4, lines[1].Surprises.Length);
    }

    [Theory]
    [InlineData(9, 9)]
    [InlineData(4, 0)]      // a handful may agree by chance
    public async Task A_grader_that_takes_any_text_shows_in_the_shuffled_answers(int items, int surprises)
    {
        var broken = new ItemwiseBenchmark<int>("broken", Domain.Math, 1, "hash",
            [.. Enumerable.Range(1, items).Select(i => (new BenchmarkItem($"{i}", "?"), i, (string?)$"{i}"))], (text, _) => ItemGrade.Of(text, text.Length > 0, ""));
        var lines = await RunAsync(broken);
        Assert.Empty(lines[0].Surprises);
        Assert.Empty(lines[1].Surprises);
        Assert.Equal(surprises, lines[2].Surprises.Length);
    }

    [Theory]
    [InlineData("alpaca_eval", """{"instruction": "Say hello.", "output": "Hello."}""", """{"instruction": "Name a colour.", "output": "Red."}""")]
    [InlineData("arena_hard", """{"question_id": "a", "turns": [{"content": "Say hello."}], "baseline": "Hello."}""", """{"question_id": "b", "turns": [{"content": "Name a colour."}], "baseline": "Red."}""")]
    public async Task The_baseline_of_a_judged_benchmark_draws_with_itself_and_nobody_is_asked(string benchmark, params string[] rows)
    {
        using var file = new BenchmarkFileOnDisk("items.jsonl", rows);
        var lines = await RunAsync(file.Open(benchmark));
        Assert.Equal([(2, 0.5, 0.5), (2, 0, 0), (0, null, null)], lines.Select(line => (line.Count, line.Mean, line.Expected)));
        Assert.All(lines, line => Assert.Empty(line.Surprises));
    }

    private static Task<System.Collections.Immutable.ImmutableArray<SelfTestLine>> RunAsync(IBenchmark benchmark) =>
        BenchmarkSelfTest.RunAsync(benchmark, new GradingContext { Random = new RandomStreams(1) }, TestContext.Current.CancellationToken);
}
