using System.IO.Compression;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Agora.Tests;

namespace Agora.Cli.Tests;

/// <summary>What the README tells a user to type, with the embedded models, at the smallest size.</summary>
public sealed partial class ReadmeCommandsTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_quickstart_reports_pgr_keeps_every_sample_and_is_not_done_twice()
    {
        using var folder = new ScratchFolder();
        using var agora = await AgoraProcess.RunAsync(folder.Path, ["quickstart", .. TinyExperiment.Overrides]);
        Assert.True(agora.ExitCode == 0, agora.Error);
        Assert.Contains("Performance Gap Recovered", agora.Output, StringComparison.Ordinal);
        Assert.Contains("answers could not be graded", agora.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b", agora.Output + agora.Error, StringComparison.Ordinal);

        var run = Assert.Single(Directory.GetDirectories(Path.Combine(folder.Path, "runs")), path => !path.EndsWith("store", StringComparison.Ordinal));
        foreach (var file in (string[])["report.html", "report.md", "results.json", "results.csv", "experiment.yaml"])
            Assert.True(File.Exists(Path.Combine(run, file)), file);
        Assert.NotEmpty(Directory.EnumerateFiles(Path.Combine(run, "samples"), "*.jsonl", SearchOption.AllDirectories));
        Assert.DoesNotMatch(@"(src|href)=""https?://", await File.ReadAllTextAsync(Path.Combine(run, "report.html"), Stop));

        var report = await File.ReadAllBytesAsync(Path.Combine(run, "results.json"), Stop);
        using var again = await AgoraProcess.RunAsync(folder.Path, ["quickstart", .. TinyExperiment.Overrides]);
        Assert.Equal(0, again.ExitCode);
        Assert.DoesNotContain("start ", again.Error, StringComparison.Ordinal);
        Assert.Equal(report, await File.ReadAllBytesAsync(Path.Combine(run, "results.json"), Stop));

        await RunsCanBeListedShownComparedAndRemoved(folder.Path, Path.GetFileName(run));
    }

    private static async Task RunsCanBeListedShownComparedAndRemoved(string folder, string id)
    {
        // A second run that shares the answers of base and reference, and asks for other instances.
        using var other = await AgoraProcess.RunAsync(folder, ["quickstart", .. TinyExperiment.Overrides, "--set", "generation.instances=9", "--json"]);
        Assert.Equal(0, other.ExitCode);
        Assert.IsType<JsonObject>(JsonNode.Parse(other.Output));
        Assert.DoesNotContain("start  answer nano_math by nano-base", other.Error, StringComparison.Ordinal);

        using var list = await AgoraProcess.RunAsync(folder, "runs", "list");
        Assert.Contains(id, list.Output, StringComparison.Ordinal);
        var otherId = RunId().Matches(list.Output).Select(match => match.Value).Single(found => found != id);
        using var show = await AgoraProcess.RunAsync(folder, "runs", "show", id);
        Assert.Contains("nano_math", show.Output, StringComparison.Ordinal);
        using var timing = await AgoraProcess.RunAsync(folder, "runs", "show", id, "--timing");
        Assert.Contains("everything but models", timing.Output, StringComparison.Ordinal);
        Assert.Matches(@"train: [\d,]+ tokens, [\d,]+ a second and step", timing.Output);
        using var diff = await AgoraProcess.RunAsync(folder, "runs", "diff", id, otherId);
        Assert.Contains("generation.instances", diff.Output, StringComparison.Ordinal);

        // A run that cannot be read hides no other.
        var steps = Path.Combine(folder, "runs", otherId, "steps.json");
        var whole = await File.ReadAllTextAsync(steps, Stop);
        await File.WriteAllTextAsync(steps, "{", Stop);
        using var broken = await AgoraProcess.RunAsync(folder, "runs", "list");
        Assert.Equal(1, broken.ExitCode);
        Assert.Matches($@"{id}\s+done", broken.Output);
        Assert.Matches($@"{otherId}\s+unreadable", broken.Output);
        Assert.Contains("steps.json", broken.Error, StringComparison.Ordinal);
        await File.WriteAllTextAsync(steps, whole, Stop);

        using var removed = await AgoraProcess.RunAsync(folder, "runs", "rm", otherId);
        Assert.True(removed.ExitCode == 0, removed.Error);
        // What the kept run needs is still there.
        using var kept = await AgoraProcess.RunAsync(folder, ["quickstart", .. TinyExperiment.Overrides]);
        Assert.DoesNotContain("start ", kept.Error, StringComparison.Ordinal);
        using var nothing = await AgoraProcess.RunAsync(folder, "runs", "gc", "--dry-run");
        Assert.StartsWith("would remove 0 results", nothing.Output, StringComparison.Ordinal);
        using var unknown = await AgoraProcess.RunAsync(folder, "runs", "show", "no-such-run");
        Assert.Equal(2, unknown.ExitCode);
    }

    [Fact]
    public async Task A_dry_run_prints_the_plan_and_writes_nothing()
    {
        using var folder = new ScratchFolder();
        using var agora = await AgoraProcess.RunAsync(folder.Path, "run", TinyExperiment.Shipped("nano-grid.yaml"), "--dry-run");
        Assert.True(agora.ExitCode == 0, agora.Error);
        Assert.Contains("nano_math: 500 items can tell 6.3 points apart", agora.Error, StringComparison.Ordinal);
        Assert.Contains("to do:", agora.Output, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public async Task A_served_model_is_a_generator_like_any_other_endpoint()
    {
        using var folder = new ScratchFolder();
        using var server = AgoraProcess.Start(folder.Path, "serve", TinyExperiment.Nano("models", "nano-instruct"), "--port", "0");
        while (!server.Output.Contains("/v1", StringComparison.Ordinal))
        {
            Assert.False(server.Process.HasExited, server.Error);
            await Task.Delay(50, Stop);
        }
        var address = Address().Match(server.Output).Value;
        using var agora = await AgoraProcess.RunAsync(folder.Path,
        [
            "generate", TinyExperiment.Shipped("own-endpoint.yaml"), "--endpoint", address, "--model", "nano-instruct",
            "--setting", "math/response_generation", "--set", "generation.instances=5", "--output", "out",
        ]);
        // The reference was never taught to end its answers as a generator does: how many are valid is its own affair.
        Assert.True(agora.ExitCode is 0 or 3, agora.Error);
        var file = Path.Combine(folder.Path, "out", "endpoint.math.response_generation.jsonl");
        Assert.True(File.Exists(file), agora.Output + agora.Error);
        foreach (var line in await File.ReadAllLinesAsync(file, Stop))
        {
            using var row = JsonDocument.Parse(line);
            Assert.Equal(["instruction", "response", "config"], row.RootElement.EnumerateObject().Select(member => member.Name).Take(3));
        }
    }

    [Fact]
    public async Task A_pilot_asks_a_few_times_and_estimates_the_whole_by_that()
    {
        using var folder = new ScratchFolder();
        using var agora = await AgoraProcess.RunAsync(folder.Path, "generate", TinyExperiment.Shipped("quickstart.yaml"), "--pilot", "8", "--setting", "math/response_generation", "--generator", "tutor");
        Assert.True(agora.ExitCode == 0, agora.Error);
        Assert.Contains("8 tries", agora.Output, StringComparison.Ordinal);
        using var both = await AgoraProcess.RunAsync(folder.Path, "generate", TinyExperiment.Shipped("quickstart.yaml"), "--pilot", "8", "--dry-run");
        Assert.Equal(2, both.ExitCode);
        Assert.Contains("give one of them", both.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_preview_shows_a_prompt_and_fresh_instances_and_leaves_nothing_behind()
    {
        using var folder = new ScratchFolder();
        string[] command = ["generate", "preview", TinyExperiment.Shipped("quickstart.yaml"), "--setting", "math/response_generation", "--generator", "tutor", "-n", "2"];
        using var agora = await AgoraProcess.RunAsync(folder.Path, command);
        Assert.True(agora.ExitCode == 0, agora.Error);
        Assert.Contains("══ tutor, math/response_generation", agora.Output, StringComparison.Ordinal);
        Assert.Contains("── prompt", agora.Output, StringComparison.Ordinal);
        Assert.Contains("── try 2: ", agora.Output, StringComparison.Ordinal);
        Assert.Matches(@"── \d of 2 kept; \d+ input and \d+ output tokens", agora.Output);
        using var json = await AgoraProcess.RunAsync(folder.Path, [.. command, "--json"]);
        using var document = JsonDocument.Parse(json.Output);
        Assert.Equal(2, document.RootElement.GetProperty("kept").GetArrayLength() + document.RootElement.GetProperty("rejected").GetArrayLength());
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
        using var wrong = await AgoraProcess.RunAsync(folder.Path, [.. command[..^1], "0"]);
        Assert.Equal(2, wrong.ExitCode);
    }

    // A model of this machine turns texts into vectors; at a threshold of next to nothing all but the first are alike.
    [Fact]
    public async Task Duplicates_are_told_by_an_embedded_model_too()
    {
        using var folder = new ScratchFolder();
        using var agora = await AgoraProcess.RunAsync(folder.Path, "generate", "preview", TinyExperiment.Shipped("quickstart.yaml"), "--setting", "math/response_generation", "--generator", "tutor", "-n", "8",
            "--set", "generation.filters={embeddingDuplicates: {model: nano-base, threshold: 0.001}}");
        Assert.True(agora.ExitCode == 0, agora.Error);
        Assert.Contains("rejected: embedding_duplicate, cosine ", agora.Output, StringComparison.Ordinal);
    }

    // The model writes the user's words itself: no seed, no prompt, the real engine.
    [Fact]
    public async Task An_embedded_model_synthesizes_from_its_bare_chat_template()
    {
        using var folder = new ScratchFolder();
        using var agora = await AgoraProcess.RunAsync(folder.Path, "generate", "preview", TinyExperiment.Shipped("quickstart.yaml"), "--set", "settings=[math/self_synthesis]", "--generator", "tutor", "-n", "3");
        Assert.True(agora.ExitCode == 0, agora.Error);
        Assert.Contains("bare chat template", agora.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_endpoint_that_nobody_answers_is_one_clear_error()
    {
        using var folder = new ScratchFolder();
        using var agora = await AgoraProcess.RunAsync(folder.Path,
        [
            "generate", TinyExperiment.Shipped("own-endpoint.yaml"), "--endpoint", "http://127.0.0.1:9/v1", "--model", "nobody",
            "--setting", "math/response_generation", "--set", "generation.instances=2",
        ]);
        Assert.Equal(1, agora.ExitCode);
        Assert.Contains("127.0.0.1:9", agora.Error, StringComparison.Ordinal);
        Assert.Contains("fix:", agora.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", agora.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Data_of_ones_own_get_their_pgr_whatever_their_columns_are_called()
    {
        using var folder = new ScratchFolder();
        var rows = File.ReadLines(TinyExperiment.Nano("seeds", "math", "instance_generation.jsonl")).Take(20)
            .Select(line => line.Replace("\"instruction\"", "\"question\"", StringComparison.Ordinal).Replace("\"response\"", "\"answer\"", StringComparison.Ordinal));
        await using (var writer = new StreamWriter(new GZipStream(File.Create(Path.Combine(folder.Path, "mine.jsonl.gz")), CompressionLevel.Fastest)))
            foreach (var row in rows)
                await writer.WriteLineAsync(row);
        using var agora = await AgoraProcess.RunAsync(folder.Path,
            ["run", TinyExperiment.Shipped("own-data.yaml"), "--data", "mine.jsonl.gz", "--setting", "math/response_generation", "--columns", "instruction=question,response=answer", .. TinyExperiment.Short]);
        Assert.True(agora.ExitCode == 0, agora.Error);
        Assert.Contains("mine.jsonl.gz", agora.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_bad_row_of_a_data_set_is_listed_and_nothing_is_trained()
    {
        using var folder = new ScratchFolder();
        folder.File("bad.jsonl", """
            {"instruction": "1 + 1?", "response": "[RESULT] 2 [/RESULT]"}
            {"instruction": "no response"}
            {"instruction": "cut off
            """);
        using var agora = await AgoraProcess.RunAsync(folder.Path,
            ["run", TinyExperiment.Shipped("own-data.yaml"), "--data", "bad.jsonl", "--setting", "math/response_generation", .. TinyExperiment.Short]);
        Assert.NotEqual(0, agora.ExitCode);
        Assert.Contains("bad.jsonl:2", agora.Error, StringComparison.Ordinal);
        Assert.Contains("bad.jsonl:3", agora.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("start ", agora.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Real_benchmark_files_go_through_to_an_honest_result()
    {
        var gsm8k = Fixtures.Part("benchmarks", "gsm8k_test.jsonl.gz");
        var train = Fixtures.Part("benchmarks", "gsm8k_train_2000.jsonl.gz");
        using var folder = new ScratchFolder();
        using var agora = await AgoraProcess.RunAsync(folder.Path,
        [
            "run", TinyExperiment.Shipped("own-data.yaml"), "--data", train, "--setting", "math/response_generation", "--columns", "instruction=question,response=answer",
            "--set", "recipe.epochs=1", "--set", "recipe.maxLength=256", "--set", "confidence.resamples=100",
            "--set", "benchmarks={math: [{name: gsm8k, limit: 40, file: '" + gsm8k + "'}]}",
        ]);
        Assert.True(agora.ExitCode == 0, agora.Error);
        // Neither base nor reference solves more than a few real problems by luck. Where there is no gap, that is said, and no number is invented;
        // where there is one of an item or two, the interval shows what it is worth.
        Assert.Matches(@"undefined n=40 \(1\)[\s\S]*\(1\) math/response_generation/gsm8k: the reference \S+ does not beat the base model|-?\d+\.\d \[[^\]]+\] n=40", agora.Output);
        Assert.Contains("0 of 120 answers could not be graded", agora.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_folder_without_a_tokenizer_is_one_clear_error()
    {
        using var folder = new ScratchFolder();
        var model = Directory.CreateDirectory(Path.Combine(folder.Path, "model")).FullName;
        foreach (var name in (string[])["config.json", "model.safetensors"])
            File.Copy(TinyExperiment.Nano("models", "nano-base", name), Path.Combine(model, name));
        using var agora = await AgoraProcess.RunAsync(folder.Path, "serve", "model", "--port", "0");
        Assert.Equal(1, agora.ExitCode);
        Assert.Contains("tokenizer", agora.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", agora.Error, StringComparison.Ordinal);
    }

    [GeneratedRegex(@"quickstart-[0-9a-f]{8}")]
    private static partial Regex RunId();

    [GeneratedRegex(@"http://[^ \n]+")]
    private static partial Regex Address();
}
