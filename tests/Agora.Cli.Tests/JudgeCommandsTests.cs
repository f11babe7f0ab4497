using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Agora.Cli.Tests;

/// <summary><c>agora judge</c> on official files, as a user types it.</summary>
public sealed class JudgeCommandsTests : IDisposable
{
    private readonly ScratchFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Annotations_give_the_leaderboards_figures_and_their_warnings()
    {
        folder.File("a.json", Annotations("mine", "judge", i => i % 4 == 0 ? 1 : 2, output: "always the same"));
        folder.File("df_gamed.csv", Gamed());
        using var agora = await RunAsync("alpaca-eval", "a.json", "--length-control", "df_gamed.csv", "--leaderboard", "leaderboard.csv", "--json");
        Assert.Equal(0, agora.ExitCode);
        var score = JsonNode.Parse(agora.Output)![0]!["score"]!;
        Assert.Equal(75, (double)score["plain"]!["winRate"]!, 1e-9);
        Assert.InRange((double)score["lengthControlledWinRate"]!, 50, 100);
        Assert.Contains("warning: mine: 40 of 40 outputs are constant", agora.Error, StringComparison.Ordinal);
        Assert.StartsWith("mine,75,", (await File.ReadAllLinesAsync(Path.Combine(folder.Path, "leaderboard.csv"), TestContext.Current.CancellationToken))[1], StringComparison.Ordinal);

        using var strong = await RunAsync("alpaca-eval", "a.json", "--length-control", "df_gamed.csv", "--strength", "0", "--json");
        Assert.Equal(50, (double)JsonNode.Parse(strong.Output)![0]!["score"]!["lengthControlledWinRate"]!, 1e-9);
        using var plain = await RunAsync("alpaca-eval", "a.json");
        Assert.Contains("75.00", plain.Output, StringComparison.Ordinal);
        Assert.Contains("not length-controlled", plain.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("the judge decided", plain.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, "for the model")]
    [InlineData(1.1, "for the baseline")]
    [InlineData(1.5, "as a draw")]
    public async Task A_judge_of_annotations_that_always_says_the_same_is_told(double preference, string decided)
    {
        folder.File("a.json", Annotations("mine", "judge", _ => preference, "output"));
        using var agora = await RunAsync("alpaca-eval", "a.json");
        Assert.Equal(0, agora.ExitCode);
        Assert.Contains($"warning: mine: the judge decided all 40 pairs {decided}", agora.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Instructions_find_difficulties_by_text_and_outputs_give_the_length()
    {
        // The last instruction is the hard one; the file has it first.
        folder.File("a.jsonl", string.Join('\n', Enumerable.Range(0, 39).Reverse().Select(i => Row("mine", "judge", i, i % 4 == 0 ? 1 : 2, $"output {i}"))));
        folder.File("df_gamed.csv", Gamed());
        folder.File("alpaca_eval.json", JsonSerializer.Serialize(Enumerable.Range(0, 40).Select(i => new { instruction = $"Do {i}" })));
        folder.File("outputs.json", JsonSerializer.Serialize(Enumerable.Range(0, 4).Select(i => new { instruction = $"Do {i}", output = new string('x', 10 * i), generator = "mine" })));
        using var byPlace = await RunAsync("alpaca-eval", "a.jsonl", "--length-control", "df_gamed.csv", "--json", "--strength", "6");
        using var byText = await RunAsync("alpaca-eval", "a.jsonl", "--length-control", "df_gamed.csv", "--json", "--strength", "6", "--instructions", "alpaca_eval.json", "--outputs", "outputs.json");
        Assert.True(byText.ExitCode == 0, byText.Error);
        Assert.Contains("behind a gap", byPlace.Error, StringComparison.Ordinal);
        Assert.NotEqual((double)JsonNode.Parse(byPlace.Output)![0]!["score"]!["lengthControlledWinRate"]!, (double)JsonNode.Parse(byText.Output)![0]!["score"]!["lengthControlledWinRate"]!);
        Assert.Equal(15, (int)JsonNode.Parse(byText.Output)![0]!["score"]!["averageLength"]!);
    }

    [Fact]
    public async Task Judgments_give_win_rates_ratings_and_both_intervals()
    {
        folder.File("mine.jsonl", Judgments("mine", "judge", i => i % 3 == 0 ? ("B>>A", "A>B") : ("A>B", "A=B")));
        folder.File("same.jsonl", Judgments("same", "judge", _ => ("A>B", "A>B")));
        using var agora = await RunAsync("arena-hard", "mine.jsonl", "same.jsonl", "--leaderboard", "leaderboard.csv", "--json");
        Assert.True(agora.ExitCode == 0, agora.Error);
        var scores = JsonNode.Parse(agora.Output)!["scores"]!;
        // 14 questions of 4 battles won, 26 with one lost and one tied.
        Assert.Equal(100 * (56 + 13) / 108.0, (double)scores[0]!["winRate"]!, 1e-9);
        Assert.Equal(50, (double)scores[1]!["winRate"]!, 1e-9);
        Assert.True((double)scores[0]!["questionInterval"]!["low"]! < (double)scores[0]!["publishedInterval"]!["low"]!);
        Assert.Contains("warning: same: the judge said A>B every time", agora.Error, StringComparison.Ordinal);
        Assert.Equal("model,score,rating_q025,rating_q975,CI,avg_tokens,date", (await File.ReadAllLinesAsync(Path.Combine(folder.Path, "leaderboard.csv"), TestContext.Current.CancellationToken))[0]);

        using var fewer = await RunAsync("arena-hard", "mine.jsonl", "--rounds", "7", "--question-rounds", "7", "--seed", "5", "--json");
        Assert.NotEqual(scores[0]!["publishedInterval"]!.ToJsonString(), JsonNode.Parse(fewer.Output)!["scores"]![0]!["publishedInterval"]!.ToJsonString());
        Assert.NotEqual(scores[0]!["questionInterval"]!.ToJsonString(), JsonNode.Parse(fewer.Output)!["scores"]![0]!["questionInterval"]!.ToJsonString());
    }

    [Fact]
    public async Task The_rules_of_2025_void_whole_questions_and_style_is_controlled_where_answers_are_given()
    {
        folder.File("mine.jsonl", Judgments("mine", "judge", i => i % 5 == 0 ? ("B>A", "C") : i % 2 == 0 ? ("B>A", "A>B") : ("A>B", "A=B")));
        folder.File("answers.jsonl", Answers("mine", i => i % 2 == 0 ? 300 + i : 100 + i));
        folder.File("base.jsonl", Answers("base", i => 200 - i));
        using var old = await RunAsync("arena-hard", "mine.jsonl", "--json");
        using var later = await RunAsync("arena-hard", "mine.jsonl", "--json", "--rules", "2025");
        Assert.Equal((72, 64), ((int)JsonNode.Parse(old.Output)!["scores"]![0]!["battles"]!, (int)JsonNode.Parse(later.Output)!["scores"]![0]!["battles"]!));
        Assert.Contains("8 of 80 games have no label that counts", old.Error, StringComparison.Ordinal);

        using var styled = await RunAsync("arena-hard", "mine.jsonl", "--json", "--answers", "answers.jsonl", "--answers", "base.jsonl", "--baseline", "base", "--style", "length");
        Assert.True(styled.ExitCode == 0, styled.Error);
        var control = JsonNode.Parse(styled.Output)!["styleControl"]!;
        Assert.Equal(["length"], control["coefficients"]!.AsObject().Select(trait => trait.Key));
        // Whoever wrote more won.
        Assert.InRange((double)control["coefficients"]!["length"]!, 0.5, 5);
        using var markdown = await RunAsync("arena-hard", "mine.jsonl", "--json", "--answers", "answers.jsonl", "--answers", "base.jsonl", "--baseline", "base", "--style", "markdown");
        Assert.Equal(["headers", "lists", "bolds"], JsonNode.Parse(markdown.Output)!["styleControl"]!["coefficients"]!.AsObject().Select(trait => trait.Key));
        using var missing = await RunAsync("arena-hard", "mine.jsonl", "--answers", "answers.jsonl");
        Assert.Equal(2, missing.ExitCode);
    }

    [Fact]
    public async Task Two_judges_are_compared_and_a_judge_of_itself_is_found_out()
    {
        foreach (var (judge, own) in new[] { ("alpha", 0.9), ("beta", 0.5) })
            foreach (var model in (string[])["alpha", "gamma"])
                folder.File($"{model}.by-{judge}.jsonl", string.Join('\n', Enumerable.Range(0, 20).Select(i => Row(model, judge, i, 1 + (model == "alpha" ? own : 0.4) * (i % 2 == 0 ? 1 : 0.8), $"output {i}"))));
        using var agora = await RunAsync("compare", "alpha.by-alpha.jsonl", "alpha.by-beta.jsonl", "gamma.by-alpha.jsonl", "gamma.by-beta.jsonl", "--json");
        Assert.True(agora.ExitCode == 0, agora.Error);
        var result = JsonNode.Parse(agora.Output)!;
        Assert.Equal(2, result["agreements"]!.AsArray().Count);
        Assert.Equal(36, (double)result["selfPreferences"]![0]!["net"]!, 1e-9);
        using var table = await RunAsync("compare", "alpha.by-alpha.jsonl", "alpha.by-beta.jsonl");
        Assert.Contains("alpha gives its own answers 36.00 points more", table.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("alpaca-eval", "no format of AlpacaEval's annotations")]
    [InlineData("arena-hard", "no format of Arena-Hard's judgments")]
    public async Task A_file_in_an_unknown_format_is_one_clear_error(string format, string what)
    {
        folder.File("strange.json", """[{"text": "x"}]""");
        using var agora = await RunAsync(format, "strange.json");
        Assert.Equal(2, agora.ExitCode);
        Assert.Contains(what, agora.Error, StringComparison.Ordinal);
        Assert.Contains("fix:", agora.Error, StringComparison.Ordinal);
        Assert.Empty(agora.Output);
    }

    [Theory]
    [InlineData("alpaca-eval", "nowhere.json")]
    [InlineData("alpaca-eval", "a.json", "a.json")]
    [InlineData("alpaca-eval", "a.json", "--strength", "10")]
    [InlineData("alpaca-eval", "a.json", "--strength", "1")]
    [InlineData("alpaca-eval", "a.json", "--length-control", "nowhere.csv")]
    [InlineData("arena-hard", "a.json", "--rounds", "0")]
    [InlineData("arena-hard", "mine.jsonl", "--style", "length")]
    [InlineData("arena-hard", "mine.jsonl", "--baseline", "base")]
    [InlineData("compare", "a.json")]
    public async Task Wrong_usage_ends_with_exit_code_2(params string[] arguments)
    {
        folder.File("a.json", Annotations("mine", "judge", _ => 1.5, "output"));
        folder.File("mine.jsonl", Judgments("mine", "judge", _ => ("A>B", "A=B")));
        using var agora = await RunAsync(arguments);
        Assert.Equal(2, agora.ExitCode);
        Assert.Contains("fix:", agora.Error, StringComparison.Ordinal);
    }

    private Task<AgoraProcess> RunAsync(params string[] arguments) => AgoraProcess.RunAsync(folder.Path, ["judge", .. arguments]);

    private static string Row(string model, string judge, int place, double preference, string output) => JsonSerializer.Serialize(
        new { instruction = $"Do {place}", output_1 = "the baseline's text", generator_1 = "base", output_2 = output, generator_2 = model, annotator = judge, preference });

    private static string Annotations(string model, string judge, Func<int, double> preference, string output) =>
        $"[{string.Join(",\n", Enumerable.Range(0, 40).Select(i => Row(model, judge, i, preference(i), output)))}]";

    private static string Judgments(string model, string judge, Func<int, (string First, string Second)> labels) => string.Concat(Enumerable.Range(0, 40).Select(i => JsonSerializer.Serialize(
        new { question_id = $"q{i}", model, judge, games = new[] { new { judgment = "...", score = labels(i).First }, new { judgment = "...", score = labels(i).Second } } }) + "\n"));

    private static string Answers(string model, Func<int, int> tokens) => string.Concat(Enumerable.Range(0, 40).Select(i => JsonSerializer.Serialize(
        new { question_id = $"q{i}", model_id = model, choices = new[] { new { turns = new[] { new { content = $"answer {i}", token_len = tokens(i) } } } } }) + "\n"));

    private static string Gamed() => "model,index,std_delta_len,instruction_difficulty,preference\n" + string.Concat(Enumerable.Range(0, 80).Select(i => string.Create(
        CultureInfo.InvariantCulture, $"v,{i % 40},{(i < 40 ? -1 : 1) * (1 + i % 7) / 3.0:0.###},{(i % 40 - 20) / 10.0:0.#},{(i < 40 ? 0.65 : 0.25)}\n")));
}
