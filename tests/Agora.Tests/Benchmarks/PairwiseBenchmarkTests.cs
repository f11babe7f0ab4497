using System.Text.Json;
using Agora.Benchmarks;
using Agora.Experiments;

namespace Agora.Tests.Benchmarks;

public sealed class PairwiseBenchmarkTests
{
    private const string Baseline = "a plain answer";

    [Fact]
    public async Task Alpaca_eval_keeps_the_contract()
    {
        using var file = Alpaca(3);
        await BenchmarkContract.Holds(file.Open("alpaca_eval"), Context(new ScriptedJudge(_ => "1")));
    }

    [Fact]
    public async Task Arena_hard_keeps_the_contract()
    {
        using var file = Arena();
        await BenchmarkContract.Holds(file.Open("arena_hard"), Context(new ScriptedJudge(_ => "[[A=B]]")));
    }

    [Fact]
    public async Task A_judge_that_always_names_the_first_answer_gains_nobody_a_swapped_pair()
    {
        using var file = Arena();
        var grade = Assert.Single(await Grade(file.Open("arena_hard"), new ScriptedJudge(_ => "[[A>B]]"), "a good answer"));
        Assert.Equal(new Grade.Scored(0.5), grade.Grade);
    }

    [Theory]
    [InlineData("[[A>>B]]", "[[A>B]]", 0.25)]       // as B lost three battles, as A won one
    [InlineData("[[B>A]]", "[[A>B]]", 1)]
    [InlineData("[[A=B]]", "[[A>>B]]", 0.875)]      // half of one battle and three of three
    [InlineData("no idea", "[[A>B]]", 1)]           // a void game leaves the other
    public async Task A_strong_verdict_counts_for_three(string baselineFirst, string modelFirst, double share)
    {
        using var file = Arena();
        var judge = new ScriptedJudge(messages => messages[0].Text.IndexOf(Baseline, StringComparison.Ordinal) < messages[0].Text.IndexOf("a good answer", StringComparison.Ordinal) ? baselineFirst : modelFirst);
        Assert.Equal(new Grade.Scored(share), Assert.Single(await Grade(file.Open("arena_hard"), judge, "a good answer")).Grade);
    }

    [Fact]
    public async Task A_judge_without_a_verdict_is_asked_once_more()
    {
        using var file = Arena();
        var judge = new ScriptedJudge(messages => messages.Count == 1 ? "Hard to say." : "[[B>A]]");
        Assert.IsType<Grade.Scored>(Assert.Single(await Grade(file.Open("arena_hard"), judge, "a good answer")).Grade);
        Assert.Equal(4, judge.Asked.Count);
    }

    [Theory]
    [InlineData("alpaca_eval")]
    [InlineData("arena_hard")]
    public async Task An_unreadable_judge_leaves_items_unscored_not_lost(string name)
    {
        using var file = name == "arena_hard" ? Arena() : Alpaca(1);
        var grade = Assert.Single(await Grade(file.Open(name), new ScriptedJudge(_ => "Both are fine."), "a good answer"));
        Assert.Contains("no readable verdict", Assert.IsType<Grade.Unscored>(grade.Grade).Reason);
    }

    [Fact]
    public async Task Swapping_the_two_answers_turns_a_win_into_a_loss()
    {
        using var file = Alpaca(40);
        var benchmark = file.Open("alpaca_eval");
        var judge = new ScriptedJudge(messages => messages[0].Text.IndexOf("a good answer", StringComparison.Ordinal) < messages[0].Text.IndexOf(Baseline, StringComparison.Ordinal) ? "1" : "2");
        var context = Context(judge);
        var answers = benchmark.Items.Select(item => BenchmarkContract.Answer(item, "a good answer")).ToArray();
        Assert.All(await benchmark.GradeAsync(answers, context, TestContext.Current.CancellationToken), grade => Assert.Equal(new Grade.Scored(1), grade.Grade));
        var firsts = judge.Asked.Count(prompt => prompt.IndexOf("a good answer", StringComparison.Ordinal) < prompt.IndexOf(Baseline, StringComparison.Ordinal));
        Assert.InRange(firsts, 8, 32);      // either order, about as often
    }

    [Fact]
    public async Task An_answer_that_spells_a_place_of_the_prompt_stays_where_it_is()
    {
        using var file = Alpaca(1);
        var judge = new ScriptedJudge(_ => "1");
        await Grade(file.Open("alpaca_eval"), judge, "{first} {second} {instruction}");
        Assert.Contains("{first} {second} {instruction}", Assert.Single(judge.Asked));
    }

    [Fact]
    public async Task Without_a_judge_nothing_is_graded()
    {
        using var file = Alpaca(1);
        var fault = await Assert.ThrowsAsync<AgoraException>(() => BenchmarkContract.Grade(file.Open("alpaca_eval"), "a good answer"));
        Assert.Contains("needs a judge", fault.What);
    }

    [Fact]
    public void Every_recorded_judgment_gets_its_label()
    {
        foreach (var line in File.ReadLines(Fixtures.Part("arena_hard", "verdicts.jsonl")).Where(line => line.Length > 0))
        {
            var json = JsonDocument.Parse(line).RootElement;
            var verdict = ArenaHard.Read(json.GetProperty("text").GetString()!);
            Assert.Equal(json.GetProperty("v01_counts").GetBoolean(), verdict.First is not null);
            Assert.Equal(json.GetProperty("v01_ask_again").GetBoolean(), verdict.MayAskAgain);
            if (verdict.First is not null)
                Assert.Equal(json.GetProperty("v01_label").GetString(), verdict.Label);
        }
    }

    [Fact]
    public void A_question_without_a_baseline_is_a_fault_of_its_line()
    {
        using var file = new BenchmarkFileOnDisk("question.jsonl", """{"question_id": "q", "turns": [{"content": "Why?"}], "baseline": "So."}""", """{"question_id": "r", "turns": [{"content": "Why?"}]}""");
        Assert.Contains("question.jsonl:2  no \"baseline\"", file.Refusal("arena_hard"));
    }

    private static BenchmarkFileOnDisk Alpaca(int items) =>
        new("alpaca_eval.json", $"[{string.Join(",\n", Enumerable.Range(0, items).Select(i => $$"""{"instruction": "Do {{i}}", "output": "{{Baseline}}", "generator": "g", "dataset": "d"}"""))}]");

    private static BenchmarkFileOnDisk Arena() => new("question.jsonl", $$"""{"question_id": "q", "turns": [{"content": "Why?"}], "baseline": "{{Baseline}}"}""");

    private static Task<System.Collections.Immutable.ImmutableArray<GradedAnswer>> Grade(IBenchmark benchmark, ScriptedJudge judge, string answer) =>
        benchmark.GradeAsync([BenchmarkContract.Answer(benchmark.Items[0], answer)], Context(judge), TestContext.Current.CancellationToken);

    private static GradingContext Context(ScriptedJudge judge) => new() { Random = new RandomStreams(1), Judges = [judge] };
}
