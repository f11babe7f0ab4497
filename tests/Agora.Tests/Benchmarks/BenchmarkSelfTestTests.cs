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

    private static Task<System.Collections.Immutable.ImmutableArray<SelfTestLine>> RunAsync(IBenchmark benchmark) =>
        BenchmarkSelfTest.RunAsync(benchmark, new GradingContext { Random = new RandomStreams(1) }, TestContext.Current.CancellationToken);
}
