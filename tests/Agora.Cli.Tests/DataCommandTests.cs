using Agora.Tests.Hub;

namespace Agora.Cli.Tests;

/// <summary><c>agora data</c> as a process, against a hub on loopback.</summary>
public sealed class DataCommandTests
{
    private const string Source = "hf://datasets/o/n/large.bin";
    private static readonly HubContent Large = HubContent.Large(100L << 20);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Killed_in_mid_download_the_same_command_goes_on_and_ends_with_the_same_bytes()
    {
        await using var server = await HubServer.StartAsync(new HubDataset { Repository = "o/n", Files = { ["large.bin"] = Large } });
        using var folder = new ScratchFolder();
        server.Rate = 8 << 20;
        for (var kills = 0; kills < 3; kills++)
        {
            using var killed = AgoraProcess.Start(folder.Path, Variables(server, folder), ["data", "pull", Source]);
            var before = server.BytesSent;
            while (server.BytesSent - before < Large.Length / 5)
            {
                Assert.False(killed.Process.HasExited, killed.Error);
                await Task.Delay(20, Stop);
            }
            killed.Process.Kill();      // SIGKILL: nothing can be tidied up
            await killed.Process.WaitForExitAsync(Stop);
        }
        Assert.Empty(Directory.EnumerateFiles(folder.Path, Large.Sha256, SearchOption.AllDirectories));
        var sent = server.BytesSent;
        server.Rate = null;
        using var agora = await AgoraProcess.RunAsync(folder.Path, Variables(server, folder), ["data", "pull", Source]);
        Assert.True(agora.ExitCode == 0, agora.Error);
        // A killed process loses what was in flight: at most a chunk of each of four connections, and what the sockets held.
        Assert.True(server.BytesSent - sent < Large.Length * 3 / 4, $"{server.BytesSent - sent} bytes were sent again");
        Assert.Equal(Large.Sha256, Convert.ToHexStringLower(await System.Security.Cryptography.SHA256.HashDataAsync(File.OpenRead(agora.Output.Trim()), Stop)));
    }

    [Fact]
    public async Task What_was_pulled_is_verified_until_it_changes()
    {
        await using var server = await HubServer.StartAsync(new HubDataset { Repository = "o/n", Files = { ["a.jsonl"] = new HubContent("{}\n") } });
        using var folder = new ScratchFolder();
        using var nothing = await AgoraProcess.RunAsync(folder.Path, Variables(server, folder), ["data", "verify"]);
        Assert.Equal(1, nothing.ExitCode);
        using var pulled = await AgoraProcess.RunAsync(folder.Path, Variables(server, folder), ["data", "pull", "hf://datasets/o/n/a.jsonl"]);
        Assert.True(pulled.ExitCode == 0, pulled.Error);
        using var good = await AgoraProcess.RunAsync(folder.Path, Variables(server, folder), ["data", "verify"]);
        Assert.Equal(0, good.ExitCode);
        await File.WriteAllTextAsync(pulled.Output.Trim(), "{\"b\": 1}\n", Stop);
        using var bad = await AgoraProcess.RunAsync(folder.Path, Variables(server, folder), ["data", "verify", "hf://datasets/o/n"]);
        Assert.Equal(1, bad.ExitCode);
        Assert.Contains("FAIL  hf://datasets/o/n@", bad.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_gated_dataset_ends_with_one_error_and_the_token_is_nowhere()
    {
        await using var server = await HubServer.StartAsync(new HubDataset { Repository = "o/n", Gated = true, Files = { ["a.jsonl"] = new HubContent("{}\n") } });
        using var folder = new ScratchFolder();
        using var agora = await AgoraProcess.RunAsync(folder.Path, [.. Variables(server, folder), ("HF_TOKEN", "hf_very_secret")], ["data", "pull", "hf://datasets/o/n/a.jsonl", "--verbose"]);
        Assert.Equal(1, agora.ExitCode);
        Assert.Contains("gated", agora.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("hf_very_secret", agora.Output + agora.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(Directory.EnumerateFiles(folder.Path, "*", SearchOption.AllDirectories), file => File.ReadAllText(file).Contains("hf_very_secret", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_list_says_what_is_gated_and_what_needs_a_copy_of_ones_own()
    {
        await using var server = await HubServer.StartAsync();
        using var folder = new ScratchFolder();
        using var list = await AgoraProcess.RunAsync(folder.Path, Variables(server, folder), ["data", "list"]);
        Assert.True(list.ExitCode == 0, list.Error);
        Assert.Matches(@"instruction_following/instance_generation .*no: gated", list.Output);
        Assert.Matches(@"\n +math .*no: give your copy", list.Output);
        using var info = await AgoraProcess.RunAsync(folder.Path, Variables(server, folder), ["data", "info", "math"]);
        Assert.Contains("withdrawn after a notice of its rights holder", info.Output, StringComparison.Ordinal);
        using var math = await AgoraProcess.RunAsync(folder.Path, Variables(server, folder), ["data", "pull", "math"]);
        Assert.Equal(2, math.ExitCode);
        Assert.Contains("--from", math.Error, StringComparison.Ordinal);
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task Info_lists_the_files_of_a_dataset()
    {
        await using var server = await HubServer.StartAsync(new HubDataset { Repository = "o/n", Files = { ["d/a.jsonl"] = new HubContent("{}\n") } });
        using var folder = new ScratchFolder();
        using var info = await AgoraProcess.RunAsync(folder.Path, Variables(server, folder), ["data", "info", "hf://datasets/o/n"]);
        Assert.Matches(@"3 B +d/a\.jsonl", info.Output);
    }

    [Fact]
    public async Task A_run_fetches_its_data_and_a_dry_run_does_not()
    {
        var rows = string.Join('\n', File.ReadLines(TinyExperiment.Nano("seeds", "math", "instance_generation.jsonl")).Take(20));
        await using var server = await HubServer.StartAsync(new HubDataset { Repository = "o/n", Files = { ["rows.jsonl"] = new HubContent(rows) } });
        using var folder = new ScratchFolder();
        string[] command = ["run", TinyExperiment.Shipped("own-data.yaml"), "--data", "hf://datasets/o/n/rows.jsonl", "--setting", "math/response_generation", .. TinyExperiment.Short];
        using var dry = await AgoraProcess.RunAsync(folder.Path, Variables(server, folder), [.. command, "--dry-run"]);
        Assert.Equal(1, dry.ExitCode);
        Assert.Contains("agora data pull", dry.Error, StringComparison.Ordinal);
        Assert.Empty(server.Requests);
        using var run = await AgoraProcess.RunAsync(folder.Path, Variables(server, folder), command);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Contains("rows.jsonl", run.Output, StringComparison.Ordinal);
        using var again = await AgoraProcess.RunAsync(folder.Path, Variables(server, folder), [.. command, "--dry-run"]);
        Assert.True(again.ExitCode == 0, again.Error);
    }

    [Fact]
    public async Task Generated_data_are_pushed_with_their_card_and_pulled_again()
    {
        await using var server = await HubServer.StartAsync();
        server.Writers.Add("hf_writer");
        using var folder = new ScratchFolder();
        using var generated = await AgoraProcess.RunAsync(folder.Path,
            ["generate", TinyExperiment.Shipped("quickstart.yaml"), .. TinyExperiment.Overrides, "--generator", "tutor", "--format", "jsonl", "--format", "parquet", "--card", "--output", "out"]);
        Assert.True(generated.ExitCode is 0 or 3, generated.Error);
        (string, string)[] variables = [.. Variables(server, folder).Where(variable => variable.Item1 != "HF_TOKEN"), ("HF_TOKEN", "hf_writer")];
        using var pushed = await AgoraProcess.RunAsync(folder.Path, variables, ["data", "push", "out", "hf://datasets/me/mine", "--private", "--message", "From the test"]);
        Assert.True(pushed.ExitCode == 0, pushed.Error);
        Assert.Contains("hf://datasets/me/mine is commit ", pushed.Output, StringComparison.Ordinal);
        Assert.Equal((true, "From the test"), (server.Made["me/mine"], server.Commits.Single()));
        foreach (var name in (string[])["README.md", "tutor.math.response_generation.jsonl", "tutor.math.response_generation.parquet"])
        {
            using var pulled = await AgoraProcess.RunAsync(folder.Path, variables, ["data", "pull", $"hf://datasets/me/mine/{name}"]);
            Assert.True(pulled.ExitCode == 0, pulled.Error);
            Assert.Equal(await File.ReadAllBytesAsync(Path.Combine(folder.Path, "out", name), Stop), await File.ReadAllBytesAsync(pulled.Output.Split("  ")[0].Trim(), Stop));
        }
        // The token is in nothing that was written or said.
        Assert.DoesNotContain("hf_writer", pushed.Output + pushed.Error, StringComparison.Ordinal);
        Assert.All(Directory.EnumerateFiles(folder.Path, "*", SearchOption.AllDirectories), file => Assert.DoesNotContain("hf_writer", File.ReadAllText(file), StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_evaluation_takes_data_by_the_same_names_as_an_experiment()
    {
        using var folder = new ScratchFolder();
        await using var server = await HubServer.StartAsync([new HubDataset { Repository = "o/n", Files =
        {
            ["test.jsonl"] = new HubContent("""{"question": "1+1?", "answer": "#### 2"}""" + "\n"),
            ["train.jsonl"] = new HubContent("""{"question": "2+2?", "answer": "#### 4"}""" + "\n"),
        } }]);
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "mine.jsonl"), """{"problem": "1+1?", "solution": "\\boxed{2}"}""" + "\n", Stop);
        using var pulled = await AgoraProcess.RunAsync(folder.Path, Variables(server, folder), ["data", "pull", "math", "--from", "mine.jsonl"]);
        Assert.True(pulled.ExitCode == 0, pulled.Error);
        using var tested = await AgoraProcess.RunAsync(folder.Path, Variables(server, folder), ["evaluate", "--self-test", "--benchmarks", "math,gsm8k", "--data", "math=catalogue:math", "--data", "gsm8k=hf://datasets/o/n/test.jsonl"]);
        Assert.True(tested.ExitCode == 0, tested.Error);
        Assert.Matches(@"math +reference +1 +100\.0", tested.Output);
        Assert.Matches(@"gsm8k +reference +1 +100\.0", tested.Output);
        using var shots = await AgoraProcess.RunAsync(folder.Path, Variables(server, folder), ["evaluate", "--self-test", "--benchmarks", "gsm8k", "--data", "gsm8k=hf://datasets/o/n/test.jsonl", "--few-shot", "1", "--prompt-style", "base", "--exemplars", "gsm8k=hf://datasets/o/n/train.jsonl"]);
        Assert.True(shots.ExitCode == 0, shots.Error);
        Assert.Contains(server.Requests, request => request.Method == "GET" && request.Path.EndsWith("/train.jsonl", StringComparison.Ordinal));
        using var unknown = await AgoraProcess.RunAsync(folder.Path, Variables(server, folder), ["evaluate", "--self-test", "--benchmarks", "gsm8k", "--data", "gsm8k=catalogue:gsm9k"]);
        Assert.Equal(2, unknown.ExitCode);
        Assert.Contains("the catalogue has no \"gsm9k\"", unknown.Error, StringComparison.Ordinal);
    }

    private static IEnumerable<(string, string)> Variables(HubServer server, ScratchFolder folder) =>
    [
        ("HF_ENDPOINT", server.Address.ToString()), ("HF_HOME", Path.Combine(folder.Path, "hf")), ("AGORA_DATA", Path.Combine(folder.Path, "data")), ("HF_TOKEN", ""), ("HF_HUB_CACHE", ""),
        ("HF_HUB_OFFLINE", ""),
    ];
}
