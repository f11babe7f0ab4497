using System.Text.Json.Nodes;
using Agora.Tests;

namespace Agora.Cli.Tests;

/// <summary><c>agora analyze</c>, as a user types it.</summary>
public sealed class AnalyzeCommandTests
{
    private static string Tables => Fixtures.Part("..", "paper");

    [Fact]
    public async Task The_published_tables_become_tables_files_and_one_json_document()
    {
        using var folder = new ScratchFolder();
        using var agora = await AgoraProcess.RunAsync(folder.Path, "analyze", "--published", Tables, "--out", "analysis");
        Assert.True(agora.ExitCode == 0, agora.Error);
        Assert.Contains("beats it", agora.Output, StringComparison.Ordinal);
        Assert.Contains("cut off instead of rounded", agora.Output, StringComparison.Ordinal);
        foreach (var file in (string[])["analysis.md", "analysis.json", "predictions.csv", "predictions.tex", "slips.csv", "figure4_fine.svg", "figure7_price.svg"])
            Assert.True(File.Exists(Path.Combine(folder.Path, "analysis", file)), file);

        using var json = await AgoraProcess.RunAsync(folder.Path, "analyze", "--published", Tables, "--json");
        var document = JsonNode.Parse(json.Output)!;
        Assert.Equal(0.3416, (double)document["analysis"]!["components"]!["regression"]!["rSquared"]!, 1e-4);
        // The method's name, and not what else is known of it.
        Assert.Contains("quality_enhancement", document["analysis"]!["metaPrompts"]!.AsArray().Select(pair => (string?)pair!["method"]));
        Assert.Equal("it has nothing to say of a generator that it has not seen",
            (string)document["analysis"]!["predictions"]!.AsArray().Single(entry => (string)entry!["predictor"]! == "generator mean")!["leavingGeneratorsOut"]!["notComputable"]!);
        Assert.Equal(json.Output, await File.ReadAllTextAsync(Path.Combine(folder.Path, "analysis", "analysis.json"), TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("there is no such folder", "analyze", "--published", "nowhere")]
    [InlineData("has no table2_pgr.csv", "analyze", "--published", ".")]
    [InlineData("there is nothing to analyse", "analyze")]
    [InlineData("there is no run", "analyze", "nowhere")]
    [InlineData("different studies", "analyze", "nowhere", "--published", ".")]
    [InlineData("there is no run", "metrics", "nowhere")]
    [InlineData("fewer than 2 instances", "metrics", "nowhere", "--sample", "1")]
    [InlineData("there is no run", "recommend", "nowhere", "--budget", "5")]
    [InlineData("there is no run", "report", "nowhere", "elsewhere")]
    [InlineData("paid for by the hour", "recommend", "nowhere", "--budget", "5", "--train-hours", "2")]
    [InlineData("no trainings to price", "analyze", "--published", ".", "--gpu-price", "2")]
    public async Task Wrong_usage_ends_with_exit_code_2(string what, params string[] arguments)
    {
        using var folder = new ScratchFolder();
        using var agora = await AgoraProcess.RunAsync(folder.Path, arguments);
        Assert.Equal(2, agora.ExitCode);
        Assert.Contains(what, agora.Error, StringComparison.Ordinal);
        Assert.Contains("fix:", agora.Error, StringComparison.Ordinal);
        Assert.Empty(agora.Output);
    }

    [Fact]
    public async Task A_runs_data_sets_are_measured_analysed_and_priced()
    {
        using var folder = new ScratchFolder();
        // Prices make the embedded generators something to buy; nobody is asked for money.
        string[] priced = [.. TinyExperiment.Overrides, "--set", "models.coder.price={input: 1, output: 4}", "--set", "models.tutor.price={input: 2, output: 8}", "--set", "problemSolving=true"];
        using var made = await AgoraProcess.RunAsync(folder.Path, ["quickstart", .. priced]);
        Assert.True(made.ExitCode == 0, made.Error);
        var run = Path.GetFileName(Directory.GetDirectories(Path.Combine(folder.Path, "runs"), "quickstart-*").Single());

        using var before = await AgoraProcess.RunAsync(folder.Path, "analyze", run);
        Assert.True(before.ExitCode == 0, before.Error);
        Assert.Contains("\"agora metrics", before.Error, StringComparison.Ordinal);

        using var metrics = await AgoraProcess.RunAsync(folder.Path, "metrics", run, "--json", "--against", TinyExperiment.Nano("benchmarks", "math.jsonl"), "--against-column", "question");
        Assert.True(metrics.ExitCode == 0, metrics.Error);
        var profile = JsonNode.Parse(metrics.Output)![0]!;
        Assert.Equal("math/response_generation", (string)profile["setting"]!);
        string[] names = [.. profile["metrics"]!.AsArray().Select(metric => (string)metric!["name"]!)];
        Assert.Contains("perplexity", names);
        Assert.Contains("response_diversity_cdist", names);
        Assert.Contains("contaminated", names);
        using var again = await AgoraProcess.RunAsync(folder.Path, "metrics", run, "--json", "--against", TinyExperiment.Nano("benchmarks", "math.jsonl"), "--against-column", "question");
        Assert.Equal(metrics.Output, again.Output);
        using var other = await AgoraProcess.RunAsync(folder.Path, "metrics", run, "--json", "--seed", "7", "--sample", "6");
        Assert.NotEqual(metrics.Output, other.Output);

        using var analysis = await AgoraProcess.RunAsync(folder.Path, "analyze", run, "--json");
        Assert.True(analysis.ExitCode == 0, analysis.Error);
        var document = JsonNode.Parse(analysis.Output)!;
        Assert.Contains("2 observations do not determine", (string)document["coarse"]!["fit"]!["notComputable"]!, StringComparison.Ordinal);
        Assert.Contains("perplexity", document["components"]!["features"]!.AsArray().Select(feature => (string)feature!));
        Assert.Equal(2, document["prices"]!.AsArray().Count);

        using var made2 = await AgoraProcess.RunAsync(folder.Path, ["quickstart", .. priced, "--set", "recipe.epochs=2"]);
        Assert.True(made2.ExitCode == 0, made2.Error);
        var second = Path.GetFileName(Directory.GetDirectories(Path.Combine(folder.Path, "runs"), "quickstart-*").Single(path => Path.GetFileName(path) != run));
        using var report = await AgoraProcess.RunAsync(folder.Path, "report", run, second, "--json");
        Assert.True(report.ExitCode == 0, report.Error);
        var compared = JsonNode.Parse(report.Output)!;
        // The students of both generators; base, reference and the generators' own answers are the same in both runs.
        Assert.Equal(2, compared["pairs"]!.AsArray().Count);
        Assert.Equal(4, (int)compared["same"]!);
        Assert.Equal(12, (int)compared["pairs"]![0]!["comparison"]!["items"]!);
        using var table = await AgoraProcess.RunAsync(folder.Path, "report", run, second);
        Assert.Contains("4 graded results are the same in both runs", table.Output, StringComparison.Ordinal);
        // A run that another version made is compared, and said to be one.
        var environment = Path.Combine(folder.Path, "runs", second, "environment.json");
        var kept = await File.ReadAllTextAsync(environment, TestContext.Current.CancellationToken);
        var edited = JsonNode.Parse(kept)!;
        edited["agora"] = "9.9.9";
        await File.WriteAllTextAsync(environment, edited.ToJsonString(), TestContext.Current.CancellationToken);
        using var versions = await AgoraProcess.RunAsync(folder.Path, "report", run, second);
        Assert.Contains("by 9.9.9: a difference between them may be one of versions", versions.Output.ReplaceLineEndings(" ").Replace("  ", " ", StringComparison.Ordinal), StringComparison.Ordinal);
        await File.WriteAllTextAsync(environment, kept, TestContext.Current.CancellationToken);
        using var itself = await AgoraProcess.RunAsync(folder.Path, "report", run, run);
        Assert.Equal(2, itself.ExitCode);
        // Another recipe is another experiment: their PGRs do not compare.
        using var mixed = await AgoraProcess.RunAsync(folder.Path, "analyze", run, second);
        Assert.Equal(2, mixed.ExitCode);
        Assert.Contains("recipe differ", mixed.Error, StringComparison.Ordinal);

        using var advice = await AgoraProcess.RunAsync(folder.Path, "recommend", run, "--budget", "5");
        Assert.True(advice.ExitCode == 0, advice.Error);
        Assert.Matches("runner-up:|Nothing is worth its money", advice.Output);
        Assert.Contains("training is not counted", advice.Output, StringComparison.Ordinal);
        using var trained = await AgoraProcess.RunAsync(folder.Path, "recommend", run, "--budget", "5", "--gpu-price", "2", "--train-hours", "3", "--json");
        var plain = JsonNode.Parse((await AgoraProcess.RunAsync(folder.Path, "recommend", run, "--budget", "5", "--json")).Output)!;
        // 2 dollars an hour for 3 hours per 10,000 instances: 8 instances cost 0.0048 dollars more.
        Assert.Equal((double)plain[0]!["options"]![0]!["dollars"]! + 8 * 6 / 10_000.0, (double)JsonNode.Parse(trained.Output)![0]!["options"]![0]!["dollars"]!, 1e-9);
        using var poor = await AgoraProcess.RunAsync(folder.Path, "recommend", run, "--budget", "0.0000001");
        Assert.Equal(2, poor.ExitCode);
        Assert.Contains("nothing can be recommended", poor.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Meta_prompts_are_an_axis_of_one_run_and_compared_by_analysis_report_and_recommendation()
    {
        using var folder = new ScratchFolder();
        string[] priced = [.. TinyExperiment.Overrides, "--set", "models.coder.price={input: 1, output: 4}", "--set", "models.tutor.price={input: 2, output: 8}"];
        using var alone = await AgoraProcess.RunAsync(folder.Path, ["quickstart", .. priced]);
        Assert.True(alone.ExitCode == 0, alone.Error);
        var single = Directory.GetDirectories(Path.Combine(folder.Path, "runs"), "quickstart-*").Single();
        using var made = await AgoraProcess.RunAsync(folder.Path, ["quickstart", .. priced, "--set", "metaPrompts=[agorabench, json_format]"]);
        Assert.True(made.ExitCode == 0, made.Error);
        var run = Directory.GetDirectories(Path.Combine(folder.Path, "runs"), "quickstart-*").Single(path => path != single);

        // What was written without the axis is not written again.
        Assert.Equal(4, Directory.GetDirectories(Path.Combine(folder.Path, "runs", "store"), "generate-*").Length);
        Assert.Contains("coder+json_format", made.Output, StringComparison.Ordinal);
        using var analysis = await AgoraProcess.RunAsync(folder.Path, "analyze", Path.GetFileName(run), "--json", "--out", "analysis");
        Assert.True(analysis.ExitCode == 0, analysis.Error);
        var document = JsonNode.Parse(analysis.Output)!;
        Assert.Equal(["coder", "tutor"], document["generators"]!.AsArray().Select(generator => (string)generator!["generator"]!));
        var all = document["metaPrompts"]!.AsArray()[0]!;
        Assert.Equal(("agorabench", "json_format", 2), ((string)all["first"]!, (string)all["second"]!, (int)all["pairs"]!));
        Assert.True(File.Exists(Path.Combine(folder.Path, "analysis", "meta_prompts.csv")));
        Assert.True(File.Exists(Path.Combine(folder.Path, "analysis", "pareto_math.svg")));
        foreach (var file in (string[])["report.md", "report.html", Path.Combine("tables", "meta_prompts.csv")])
            Assert.Contains("json_format", await File.ReadAllTextAsync(Path.Combine(run, file), TestContext.Current.CancellationToken), StringComparison.Ordinal);
        using var advice = await AgoraProcess.RunAsync(folder.Path, "recommend", Path.GetFileName(run), "--budget", "5", "--json");
        Assert.Equal(["agorabench coder", "agorabench tutor", "json_format coder", "json_format tutor"],
            JsonNode.Parse(advice.Output)![0]!["options"]!.AsArray().Select(option => $"{option!["metaPrompt"]} {option["generator"]}").Order(StringComparer.Ordinal));

        using var valid = await AgoraProcess.RunAsync(folder.Path, ["validate", TinyExperiment.Shipped("quickstart.yaml"), .. TinyExperiment.Overrides, "--set", "metaPrompts=[agorabench, json_format]"]);
        Assert.Contains("2 generators x 2 meta-prompts x 1 settings", valid.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_is_measured_with_a_model_folder_and_a_judge()
    {
        using var folder = new ScratchFolder();
        folder.File("data.jsonl", string.Concat(Enumerable.Range(0, 6).Select(i => $"{{\"q\": \"Add {i} and {i + 1}.\", \"a\": \"{2 * i + 1}\"}}\n")));
        using var agora = await AgoraProcess.RunAsync(folder.Path, "metrics", "data.jsonl", "--columns", "instruction=q,response=a", "--domain", "math", "--json",
            "--base", TinyExperiment.Nano("models", "nano-base"), "--embeddings", TinyExperiment.Nano("models", "nano-base"), "--judge", TinyExperiment.Nano("models", "nano-instruct"), "--judge-format", "prometheus");
        Assert.True(agora.ExitCode == 0, agora.Error);
        var metrics = JsonNode.Parse(agora.Output)![0]!["metrics"]!.AsArray();
        // Six instances and a tiny judge that gives no score: without value, and said so.
        Assert.Equal("none of 6 instances has a value: the answer holds no score that can be read", (string)metrics.Single(metric => (string)metric!["name"]! == "response_quality_judge")!["missing"]!);
        Assert.True((double)metrics.Single(metric => (string)metric!["name"]! == "instruction_diversity_cdist")!["value"]! > 0);
        using var wrong = await AgoraProcess.RunAsync(folder.Path, "metrics", "data.jsonl", "--columns", "instruction=q,response=a", "--domain", "maths");
        Assert.Equal(2, wrong.ExitCode);
        using var alone = await AgoraProcess.RunAsync(folder.Path, "metrics", "data.jsonl", "--columns", "instruction=q,response=a", "--reference", TinyExperiment.Nano("models", "nano-base"));
        Assert.Equal(2, alone.ExitCode);
        Assert.Contains("give --base, too", alone.Error, StringComparison.Ordinal);
        using var remote = await AgoraProcess.RunAsync(folder.Path, "metrics", "data.jsonl", "--columns", "instruction=q,response=a", "--reward", "http://127.0.0.1:9/v1");
        Assert.Equal(2, remote.ExitCode);
        Assert.Contains("give the folder of a model on this machine", remote.Error, StringComparison.Ordinal);
        using var nameless = await AgoraProcess.RunAsync(folder.Path, "metrics", "data.jsonl", "--columns", "instruction=q,response=a", "--base", "http://127.0.0.1:9/v1");
        Assert.Equal(2, nameless.ExitCode);
        Assert.Contains("--base-model", nameless.Error, StringComparison.Ordinal);
        using var chat = await AgoraProcess.RunAsync(folder.Path, "metrics", "data.jsonl", "--columns", "instruction=q,response=a", "--reward", TinyExperiment.Nano("models", "nano-base"));
        Assert.Equal(1, chat.ExitCode);
        Assert.Contains("no score head", chat.Error, StringComparison.Ordinal);
    }
}
