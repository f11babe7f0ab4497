using System.Text.Json;
using System.Text.Json.Nodes;
using Agora.Tests;
using Agora.Tests.Endpoints;

namespace Agora.Cli.Tests;

/// <summary><c>agora evaluate</c> as its users call it: a real process, the embedded models, files on disk.</summary>
public sealed class EvaluateTests
{
    private static readonly string Instruct = TinyExperiment.Nano("models", "nano-instruct");
    private static readonly string Untrained = TinyExperiment.Nano("models", "nano-base");

    [Fact]
    public async Task Answers_that_cannot_be_searched_for_a_program_are_wrong_and_counted()
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = _ => "def f(x):\n    return x\n" + new string('#', 300_000) });
        using var folder = new ScratchFolder();
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "plus.jsonl"), """{"task_id": "HumanEval/500", "prompt": "# Write f.\n", "entry_point": "f", "canonical_solution": "def f(x):\n    return x\n", "base_input": [[1]], "plus_input": [], "atol": 0}""", TestContext.Current.CancellationToken);
        using var agora = await AgoraProcess.RunAsync(folder.Path, "evaluate", endpoint.Address.ToString(), "--model", "test-model", "--benchmarks", "humaneval", "--data", "humaneval=plus.jsonl", "--grader", "evalplus");
        Assert.True(agora.ExitCode == 0, agora.Error);
        Assert.Contains("humaneval: 1 of 1 answers count as wrong: the answer is longer than 262144 characters", agora.Output, StringComparison.Ordinal);
        Assert.Contains("0 of 2 answers could not be graded", agora.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_models_are_scored_kept_and_compared()
    {
        using var folder = new ScratchFolder();
        using var first = await AgoraProcess.RunAsync(folder.Path, "evaluate", Instruct, "--benchmarks", "nano_math,nano_instruction_following", "--limit", "20");
        Assert.True(first.ExitCode == 0, first.Error);
        Assert.Contains("nano_math: 20 items can tell", first.Error, StringComparison.Ordinal);
        Assert.Matches(@"nano_math +\d+\.\d +\d+\.\d +\[", first.Output);
        Assert.Contains("0 of 40 answers could not be graded", first.Output, StringComparison.Ordinal);
        using var again = await AgoraProcess.RunAsync(folder.Path, "evaluate", Instruct, "--benchmarks", "nano_math,nano_instruction_following", "--limit", "20", "--json");
        Assert.DoesNotContain("start ", again.Error, StringComparison.Ordinal);
        Assert.Equal(2, JsonNode.Parse(again.Output)!["scores"]!.AsArray().Count);
        var kept = Assert.Single(Directory.GetDirectories(Path.Combine(folder.Path, "runs", "evaluations")));
        Assert.Equal(20, (await File.ReadAllLinesAsync(Path.Combine(kept, "nano_math.jsonl"), TestContext.Current.CancellationToken)).Length);

        using var second = await AgoraProcess.RunAsync(folder.Path, "evaluate", Untrained, "--benchmarks", "nano_math", "--limit", "20", "--temperature", "0.9");
        Assert.True(second.ExitCode == 0, second.Error);
        using var diff = await AgoraProcess.RunAsync(folder.Path, "evaluate", "diff", "nano-instruct", "nano-base");
        Assert.True(diff.ExitCode == 0, diff.Error);
        Assert.Contains("nano_math", diff.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("nano_instruction_following", diff.Output, StringComparison.Ordinal);
        using var json = await AgoraProcess.RunAsync(folder.Path, "evaluate", "diff", "nano-instruct", "nano-base", "--json", "--confidence", "90", "--resamples", "500");
        var row = JsonNode.Parse(json.Output)![0]!;
        Assert.True((double)row["difference"]! > 0);
        Assert.Equal(20, (int)row["items"]!);
        using var lonely = await AgoraProcess.RunAsync(folder.Path, "evaluate", "diff", "nano-base", "nano-base");
        Assert.Equal(2, lonely.ExitCode);
    }

    [Fact]
    public async Task A_served_model_gets_the_score_of_the_same_model_in_the_process()
    {
        using var folder = new ScratchFolder();
        await using var server = await Serving.ModelServer.StartAsync(new Serving.ServeOptions { ModelFolder = Instruct, Name = "served", Port = 0 }, TestContext.Current.CancellationToken);
        var address = new Uri(server.Address, "v1").ToString();
        foreach (var style in (string[])["chat", "base"])
        {
            string[] asked = ["--benchmarks", "gsm8k", "--data", $"gsm8k={Sums(folder)}", "--prompt-style", style, "--json", "--temperature", "0", "--max-new-tokens", "60"];
            using var embedded = await AgoraProcess.RunAsync(folder.Path, ["evaluate", Instruct, .. asked]);
            using var endpoint = await AgoraProcess.RunAsync(folder.Path, ["evaluate", address, "--model", server.ModelName, .. asked]);
            Assert.True(endpoint.ExitCode == 0, endpoint.Error);
            Assert.Equal(Completions(folder, "nano-instruct", style, embedded), Completions(folder, server.ModelName, style, endpoint));
            Assert.Equal(style, (string?)JsonNode.Parse(embedded.Output)!["scores"]![0]!["promptStyle"]);
        }
    }

    [Fact]
    public async Task Judges_are_named_on_the_command_line_and_what_they_could_not_say_is_reported()
    {
        using var folder = new ScratchFolder();
        var questions = folder.File("alpaca.json", """[{"instruction": "Say hello.", "output": "Hello."}, {"instruction": "Name a colour.", "output": "Red."}]""");
        string[] asked = ["evaluate", Instruct, "--benchmarks", "alpaca_eval", "--data", $"alpaca_eval={questions}", "--max-new-tokens", "20"];
        using var read = await AgoraProcess.RunAsync(folder.Path, [.. asked, "--judge", Instruct, "--judge", Untrained, "--judge-preference", "text"]);
        Assert.True(read.ExitCode == 3, read.Error);        // such models judge nothing
        Assert.Matches(@"of 2 verdicts read", read.Output);
        Assert.Contains("kappa none, Spearman none", read.Output, StringComparison.Ordinal);
        Assert.Contains("nano-base", read.Output, StringComparison.Ordinal);
        var kept = Directory.EnumerateFiles(Path.Combine(folder.Path, "runs", "evaluations"), "alpaca_eval.*", SearchOption.AllDirectories).Select(Path.GetFileName).Order(StringComparer.Ordinal);
        Assert.Equal(["alpaca_eval.jsonl", "alpaca_eval.judge-1.annotations.json", "alpaca_eval.judge-2.annotations.json", "alpaca_eval.model_outputs.json"], kept);

        using var unnamed = await AgoraProcess.RunAsync(folder.Path, [.. asked, "--judge", "http://127.0.0.1:9/v1", "--judge", "http://127.0.0.1:9/v1", "--judge-model", "one"]);
        Assert.Equal(2, unnamed.ExitCode);
        Assert.Contains("2 judges are endpoints, and 1 names are given", unnamed.Error, StringComparison.Ordinal);
        using var wrong = await AgoraProcess.RunAsync(folder.Path, [.. asked, "--judge", Instruct, "--judge-preference", "guess"]);
        Assert.Equal(2, wrong.ExitCode);
    }

    [Fact]
    public async Task Samples_in_a_file_are_graded_without_a_model_and_written_for_EvalPlus()
    {
        using var folder = new ScratchFolder();
        var tasks = folder.File("tasks.jsonl", """{"task_id": "HumanEval/0", "prompt": "def one():\n", "entry_point": "one", "canonical_solution": "    return 1\n", "test": "def check(f):\n    assert f() == 1\n"}""");
        var samples = folder.File("samples.jsonl", """
            {"task_id": "HumanEval/0", "solution": "def one():\n    return 1"}
            {"task_id": "HumanEval/0", "completion": "    return 2"}
            {"task_id": "HumanEval/0", "completion": "    return 1"}
            """);
        using var agora = await AgoraProcess.RunAsync(folder.Path, "evaluate", "--samples", samples, "--benchmarks", "humaneval", "--data", $"humaneval={tasks}", "--pass-at", "1,2", "--json");
        Assert.SkipWhen(agora.Error.Contains("cannot be run safely here", StringComparison.Ordinal), "no sandbox on this machine");
        Assert.True(agora.ExitCode == 0, agora.Error);
        using var scarce = await AgoraProcess.RunAsync(folder.Path, "evaluate", "--samples", samples, "--benchmarks", "humaneval", "--data", $"humaneval={tasks}", "--pass-at", "4");
        Assert.Equal(2, scarce.ExitCode);
        Assert.Contains("pass@4 needs as many samples of each item, and HumanEval/0 has 3", scarce.Error, StringComparison.Ordinal);
        var score = JsonNode.Parse(agora.Output)!["scores"]![0]!;
        Assert.Equal(3, (double)score["sandbox"]!["seconds"]!);
        Assert.InRange((double)score["sandbox"]!["timeScale"]!, 1, 3);
        Assert.NotEqual("unsafe", (string?)score["sandbox"]!["sandbox"]);
        Assert.DoesNotContain("unsafe", (string?)score["grader"], StringComparison.Ordinal);
        Assert.Equal(2.0 / 3, (double)score["estimate"]!["mean"]!, 1e-12);
        Assert.Equal(1.0, (double)score["passAt"]![0]!["estimate"]!["mean"]!, 1e-12);
        using var bare = await AgoraProcess.RunAsync(folder.Path, "evaluate", "--samples", samples, "--benchmarks", "humaneval", "--data", $"humaneval={tasks}", "--unsafe-no-sandbox", "--runs", "bare");
        Assert.Contains("code ran without a sandbox", bare.Output, StringComparison.Ordinal);
        var record = JsonNode.Parse(await File.ReadAllTextAsync(Directory.EnumerateFiles(Path.Combine(folder.Path, "bare"), "evaluation.json", SearchOption.AllDirectories).Single(), TestContext.Current.CancellationToken))!["scores"]![0]!;
        Assert.Equal("unsafe", (string?)record["sandbox"]!["sandbox"]);
        Assert.Contains("unsafe-no-sandbox", (string?)record["grader"], StringComparison.Ordinal);
        var written = Directory.EnumerateFiles(Path.Combine(folder.Path, "runs", "evaluations"), "humaneval.evalplus.jsonl", SearchOption.AllDirectories).Single();
        using var again = await AgoraProcess.RunAsync(folder.Path, "evaluate", "--samples", written, "--benchmarks", "humaneval", "--data", $"humaneval={tasks}", "--json");
        Assert.Equal(2.0 / 3, (double)JsonNode.Parse(again.Output)!["scores"]![0]!["estimate"]!["mean"]!, 1e-12);
    }

    [Fact]
    public async Task The_grader_decides_what_the_same_answers_are_worth()
    {
        using var folder = new ScratchFolder();
        var tasks = folder.File("two.jsonl", """
            {"question": "Ann has 1 pen and buys 2 more. How many?", "answer": "#### 3"}
            {"question": "Ann has 2 pens and buys 2 more. How many?", "answer": "#### 4"}
            """);
        var samples = folder.File("samples.jsonl", """
            {"id": "gsm8k/0", "completion": "So:\n#### 3"}
            {"id": "gsm8k/1", "completion": "[RESULT] 4 [/RESULT] after 2 steps"}
            """);
        foreach (var (grader, mean) in new[] { ("agora", 1.0), ("lm-eval-strict", 0.5), ("lm-eval-flexible", 0.5), ("lm-eval-cot-strict", 0.0) })
        {
            using var agora = await AgoraProcess.RunAsync(folder.Path, "evaluate", "--samples", samples, "--benchmarks", "gsm8k", "--data", $"gsm8k={tasks}", "--grader", $"gsm8k={grader}", "--json");
            Assert.True(agora.ExitCode == 0, agora.Error);
            Assert.Equal(mean, (double)JsonNode.Parse(agora.Output)!["scores"]![0]!["estimate"]!["mean"]!);
        }
    }

    [Fact]
    public async Task The_self_test_prints_what_it_saw()
    {
        using var folder = new ScratchFolder();
        using var agora = await AgoraProcess.RunAsync(folder.Path, "evaluate", "--self-test", "--benchmarks", "nano_math", "--limit", "50");
        Assert.True(agora.ExitCode == 0, agora.Error);
        Assert.Matches(@"reference +50 +100\.0 +100\.0 +0 +ok", agora.Output);
        Assert.Matches(@"empty +50 +0\.0 +0\.0 +0 +ok", agora.Output);
        Assert.Matches(@"shuffled +50", agora.Output);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public async Task How_items_were_asked_stands_with_the_score_and_a_comparison_across_it_says_so()
    {
        using var folder = new ScratchFolder();
        var train = folder.File("train.jsonl", """{"question": "Bob has 3 pens and buys 4 more. How many pens has he?", "answer": "He has 3 + 4 = 7.\n#### 7"}""");
        string[] asked = ["evaluate", Instruct, "--benchmarks", "gsm8k", "--data", $"gsm8k={Sums(folder)}", "--max-new-tokens", "20"];
        using var plain = await AgoraProcess.RunAsync(folder.Path, [.. asked, "--json"]);
        using var shown = await AgoraProcess.RunAsync(folder.Path, [.. asked, "--prompt-style", "base", "--few-shot", "1", "--exemplars", $"gsm8k={train}"]);
        Assert.True(shown.ExitCode == 0, shown.Error);
        Assert.Equal(("chat", 0), ((string?)JsonNode.Parse(plain.Output)!["scores"]![0]!["promptStyle"], (int?)JsonNode.Parse(plain.Output)!["scores"]![0]!["fewShot"]));
        Assert.Contains("gsm8k: asked in the style base, exemplars before each item: 1", shown.Output, StringComparison.Ordinal);
        var folders = Directory.GetDirectories(Path.Combine(folder.Path, "runs", "evaluations"));
        Assert.Contains(folders, kept => File.ReadAllText(Path.Combine(kept, "gsm8k.jsonl")).Contains("Question: Bob has 3 pens", StringComparison.Ordinal));
        using var diff = await AgoraProcess.RunAsync(folder.Path, ["evaluate", "diff", .. folders]);
        Assert.Contains("were asked differently", diff.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_address_where_nobody_is_gives_one_error_and_no_table()
    {
        using var folder = new ScratchFolder();
        using var agora = await AgoraProcess.RunAsync(folder.Path, "evaluate", "http://127.0.0.1:9/v1", "--model", "nobody", "--benchmarks", "nano_math");
        Assert.Equal((1, ""), (agora.ExitCode, agora.Output));
        Assert.Contains("the endpoint cannot be reached", agora.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_without_a_model_is_told_what_it_lacks()
    {
        using var folder = new ScratchFolder();
        using var agora = await AgoraProcess.RunAsync(folder.Path, "serve", folder.Path);
        Assert.Equal(1, agora.ExitCode);
        Assert.StartsWith("error: the model's folder has no config.json", agora.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_dry_run_asks_nobody_and_writes_nothing()
    {
        using var folder = new ScratchFolder();
        using var agora = await AgoraProcess.RunAsync(folder.Path, "evaluate", Instruct, "--benchmarks", "nano_math", "--dry-run", "--samples-per-task", "3");
        Assert.True(agora.ExitCode == 0, agora.Error);
        Assert.Contains("items can tell", agora.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Theory]
    [InlineData("neither a model nor samples", "--benchmarks", "nano_math")]
    [InlineData("no benchmark is called \"gsm9k\"", "MODEL", "--benchmarks", "gsm9k")]
    [InlineData("there is no file for gsm8k", "MODEL", "--benchmarks", "gsm8k")]
    [InlineData("gsm8k is not evaluated", "MODEL", "--benchmarks", "nano_math", "--data", "gsm8k=x")]
    [InlineData("\"gsm8k\" is not NAME=VALUE", "MODEL", "--benchmarks", "gsm8k", "--data", "gsm8k")]
    [InlineData("no such model folder", "nowhere/model", "--benchmarks", "nano_math")]
    [InlineData("an endpoint needs the model's name", "http://127.0.0.1:1/v1", "--benchmarks", "nano_math")]
    [InlineData("samples of an item of nano_code would all be the same", "MODEL", "--benchmarks", "nano_code", "--samples-per-task", "2")]
    [InlineData("\"best\" is not known", "MODEL", "--benchmarks", "nano_math", "--grader", "best")]
    [InlineData("nano_math has no grader lm-eval-strict", "MODEL", "--benchmarks", "nano_math", "--grader", "lm-eval-strict")]
    [InlineData("nano_math is not asked in the style base", "MODEL", "--benchmarks", "nano_math", "--prompt-style", "base")]
    [InlineData("--few-shot 3 needs nano_math's training split", "MODEL", "--benchmarks", "nano_math", "--few-shot", "3")]
    [InlineData("\"x\" is no k of pass@k", "MODEL", "--benchmarks", "nano_code", "--pass-at", "x")]
    [InlineData("pass@10 needs as many answers to each item, and 5 of them are asked for", "MODEL", "--benchmarks", "nano_code", "--pass-at", "1,10", "--samples-per-task", "5", "--temperature", "0.8")]
    [InlineData("--temperature changes nothing about answers that are there already", "--samples", "answers.jsonl", "--benchmarks", "nano_math", "--temperature", "0.5")]
    [InlineData("nano_math asks no judge", "MODEL", "--benchmarks", "nano_math", "--judge", "MODEL")]
    [InlineData("nano_math runs no programs, so there is no pass@k", "MODEL", "--benchmarks", "nano_math", "--pass-at", "1")]
    [InlineData("gsm8k is not evaluated", "MODEL", "--benchmarks", "nano_math", "--grader", "gsm8k=lm-eval-strict")]
    [InlineData("--temperature 3 is out of range", "MODEL", "--benchmarks", "nano_math", "--temperature", "3")]
    public async Task Wrong_usage_is_refused_before_anything_starts(string said, params string[] arguments)
    {
        using var folder = new ScratchFolder();
        using var agora = await AgoraProcess.RunAsync(folder.Path, ["evaluate", .. arguments.Select(argument => argument == "MODEL" ? Instruct : argument)]);
        Assert.Equal(2, agora.ExitCode);
        Assert.Contains(said, agora.Error, StringComparison.Ordinal);
        Assert.Contains("fix:", agora.Error, StringComparison.Ordinal);
        Assert.Empty(agora.Output);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    private static string Sums(ScratchFolder folder) => folder.File("sums.jsonl", string.Join('\n', Enumerable.Range(1, 6).Select(i => $$"""{"question": "Ann has {{i}} pens and buys 2 more. How many pens has she?", "answer": "#### {{i + 2}}"}""")));

    private static string[] Completions(ScratchFolder folder, string name, string style, AgoraProcess evaluated)
    {
        Assert.True(evaluated.ExitCode == 0, $"{style}: {evaluated.Error}");
        var newest = Directory.GetDirectories(Path.Combine(folder.Path, "runs", "evaluations"), $"{name}-*").OrderByDescending(Directory.GetCreationTimeUtc).First();
        return [.. File.ReadLines(Path.Combine(newest, "gsm8k.jsonl")).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("completion").GetString()!)];
    }
}
