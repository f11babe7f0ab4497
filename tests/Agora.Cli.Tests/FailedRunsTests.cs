using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Agora.Tests;
using Agora.Tests.Endpoints;

namespace Agora.Cli.Tests;

/// <summary>What a user sees when something outside fails: one error that says what, where and what to do, and nothing lost.</summary>
public sealed class FailedRunsTests
{
    private const int Instances = 4;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_key_that_the_endpoint_refuses_is_one_clear_error_that_does_not_tell_it()
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = _ => "", Key = "right" });
        using var folder = new ScratchFolder();
        using var agora = await AgoraProcess.RunAsync(folder.Path, [("MY_KEY", "wrong-4711")],
            [.. Generate, "--endpoint", endpoint.Address.ToString(), "--model", "test-model", "--api-key-variable", "MY_KEY"]);
        AssertOneError(agora, "the endpoint does not accept the key", "fix:");
        Assert.InRange(endpoint.Requests, 1, Instances);     // those that were under way; none is asked again
        Assert.DoesNotContain("4711", agora.Output + agora.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(Directory.EnumerateFiles(folder.Path, "*", SearchOption.AllDirectories), file => File.ReadAllText(file).Contains("4711", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_key_variable_that_is_not_set_is_said_before_anybody_is_asked()
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = _ => "", Key = "right" });
        using var folder = new ScratchFolder();
        using var agora = await AgoraProcess.RunAsync(folder.Path,
            [.. Generate, "--endpoint", endpoint.Address.ToString(), "--model", "test-model", "--api-key-variable", "NO_SUCH_KEY"]);
        AssertOneError(agora, "NO_SUCH_KEY", "fix:");
        Assert.Equal(0, endpoint.Requests);
    }

    // Requests that succeed, fail, are repeated and refused: whatever the run wrote is searched.
    [Theory]
    [InlineData("openai", "/v1")]
    [InlineData("azure", "")]
    [InlineData("anthropic", "")]
    public async Task A_key_reaches_the_endpoint_and_nothing_that_a_run_writes(string provider, string path)
    {
        const string secret = "sk-secret-4711-0815";
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour
        {
            Answer = Arithmetic.Answer,
            Key = secret,
            Fault = request => request.Number switch { 1 => Fault.TooManyRequests, 2 => Fault.CutInBody, 3 => Fault.PromptTooLong, 4 => Fault.FinishLength, _ => null },
        });
        using var folder = new ScratchFolder();
        var shipped = TinyExperiment.Shipped("own-endpoint.yaml");
        File.WriteAllText(Path.Combine(folder.Path, "keyed.yaml"), File.ReadAllText(shipped)
            .Replace("../", Path.GetDirectoryName(Path.GetDirectoryName(shipped)) + "/", StringComparison.Ordinal)
            .Replace("provider: openai", $"provider: {provider}", StringComparison.Ordinal)
            .Replace("model: my-model", "model: test-model", StringComparison.Ordinal)
            .Replace("http://127.0.0.1:8000/v1", endpoint.Root.ToString().TrimEnd('/') + path, StringComparison.Ordinal)
            .Replace("# apiKeyVariable", "apiKeyVariable", StringComparison.Ordinal));
        using var agora = await AgoraProcess.RunAsync(folder.Path, [("MY_API_KEY", secret)], ["generate", "keyed.yaml", "--generator", "my-generator", "--set", "generation.instances=8", "--verbose"]);
        Assert.True(agora.ExitCode == 0, agora.Error);
        Assert.DoesNotContain(secret, agora.Output + agora.Error, StringComparison.Ordinal);
        var files = Directory.GetFiles(folder.Path, "*", SearchOption.AllDirectories);
        Assert.Contains(files, file => file.EndsWith("bill.json", StringComparison.Ordinal));
        Assert.All(files, file => Assert.DoesNotContain(secret, File.ReadAllText(file), StringComparison.Ordinal));
    }

    // Judges, embeddings, batches and the sandbox's processes: files, output, the process list and what children were given.
    [Fact]
    public async Task A_key_is_in_no_file_no_output_no_command_line_and_no_childs_environment()
    {
        const string secret = "sk-secret-4711-0816";
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour
        {
            Answer = request => request.LastMessage.Contains("Score: N", StringComparison.Ordinal) ? "Fine.\nScore: 3" : "def f(x):\n    return x",
            Key = secret,
            Latency = TimeSpan.FromMilliseconds(20),
            Fault = request => request.Number switch { 1 => Fault.TooManyRequests, 2 => Fault.CutInBody, _ => null },
        });
        using var folder = new ScratchFolder();
        File.WriteAllLines(Path.Combine(folder.Path, "data.jsonl"), Enumerable.Range(0, 20).Select(i => $$"""{"instruction":"What is {{i}} plus one?","response":"It is {{i + 1}}."}"""));
        var at = endpoint.Address.ToString();
        var seen = new Seen();
        seen.Add(await WatchedAsync(folder, secret, "metrics", "data.jsonl", "--domain", "math", "--judge", at, "--judge-model", "test-model", "--embeddings", at, "--embeddings-model", "test-model", "--api-key-variable", "MY_API_KEY", "--verbose"));
        seen.Add(await WatchedAsync(folder, secret, "evaluate", at, "--model", "test-model", "--api-key-variable", "MY_API_KEY", "--benchmarks", "nano_code", "--limit", "8", "--data", $"nano_code={TinyExperiment.Nano("benchmarks", "code.jsonl")}", "--verbose"));
        var shipped = TinyExperiment.Shipped("own-endpoint.yaml");
        File.WriteAllText(Path.Combine(folder.Path, "batched.yaml"), File.ReadAllText(shipped)
            .Replace("../", Path.GetDirectoryName(Path.GetDirectoryName(shipped)) + "/", StringComparison.Ordinal)
            .Replace("model: my-model", "model: test-model\n    mode: batch\n    batch: {gatherSeconds: 0.2, pollSeconds: 0.2}\n    capabilities: {batch: true}", StringComparison.Ordinal)
            .Replace("http://127.0.0.1:8000/v1", at, StringComparison.Ordinal)
            .Replace("# apiKeyVariable", "apiKeyVariable", StringComparison.Ordinal));
        seen.Add(await WatchedAsync(folder, secret, "generate", "batched.yaml", "--generator", "my-generator", "--set", "generation.instances=4", "--set", "generation.maxCompletionsPerInstance=1", "--verbose"));

        Assert.True(endpoint is { Embedded: > 0, Batches: > 0 });
        Assert.True(seen.Children > 0, "no process of the sandbox was seen");
        Assert.Equal([], seen.Leaks);
        var files = Directory.GetFiles(folder.Path, "*", SearchOption.AllDirectories);
        Assert.Contains(files, file => file.EndsWith("manifest.json", StringComparison.Ordinal));
        Assert.All(files, file => Assert.DoesNotContain(secret, File.ReadAllText(file), StringComparison.Ordinal));
        Assert.All(endpoint.Uploads, upload => Assert.DoesNotContain(secret, System.Text.Encoding.UTF8.GetString(upload), StringComparison.Ordinal));
    }

    private sealed class Seen
    {
        public int Children { get; private set; }
        public List<string> Leaks { get; } = [];

        public void Add(Seen other)
        {
            Children += other.Children;
            Leaks.AddRange(other.Leaks);
        }

        // The process itself has the key in its environment, where the user put it; what it starts has it nowhere.
        public void Look(int agora, string secret)
        {
            var parents = new Dictionary<int, int>();
            foreach (var folder in Directory.GetDirectories("/proc"))
                if (int.TryParse(Path.GetFileName(folder), out var id) && Read($"{folder}/stat") is { Length: > 0 } stat && stat[(stat.LastIndexOf(')') + 2)..].Split(' ') is [_, var parent, ..])
                    parents[id] = int.Parse(parent, System.Globalization.CultureInfo.InvariantCulture);
            foreach (var id in parents.Keys)
            {
                if (Read($"/proc/{id}/cmdline").Contains(secret, StringComparison.Ordinal)) Leaks.Add($"command line of {id}");
                var above = parents.GetValueOrDefault(id);
                while (above > 1 && above != agora) above = parents.GetValueOrDefault(above);
                // Between fork and exec it is still our own image.
                if (above != agora || Read($"/proc/{id}/cmdline") == Read($"/proc/{agora}/cmdline")) continue;
                Children++;
                if (Read($"/proc/{id}/environ").Contains(secret, StringComparison.Ordinal) && Read($"/proc/{id}/cmdline") != Read($"/proc/{agora}/cmdline")) Leaks.Add($"environment of {Read($"/proc/{id}/cmdline")}");
            }
        }

        private static string Read(string path)
        {
            try
            {
                return File.ReadAllText(path);
            }
            catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
            {
                return "";
            }
        }
    }

    private static async Task<Seen> WatchedAsync(ScratchFolder folder, string secret, params string[] arguments)
    {
        var seen = new Seen();
        using var agora = AgoraProcess.Start(folder.Path, [("MY_API_KEY", secret)], arguments);
        while (!agora.Process.HasExited)
        {
            seen.Look(agora.Process.Id, secret);
            await Task.Delay(10, Stop);
        }
        await agora.Process.WaitForExitAsync(Stop);
        Assert.True(agora.ExitCode is 0 or 3, agora.Error);
        Assert.DoesNotContain(secret, agora.Output + agora.Error, StringComparison.Ordinal);
        return seen;
    }

    [Fact]
    public async Task An_endpoint_where_nobody_listens_is_one_clear_error()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        using var folder = new ScratchFolder();
        using var agora = await AgoraProcess.RunAsync(folder.Path, [.. Generate, "--endpoint", $"http://127.0.0.1:{port}/v1", "--model", "m"]);
        AssertOneError(agora, $"127.0.0.1:{port}", "fix:");
    }

    // A file system in memory that is too small at first, in a mount namespace of its own.
    [Fact]
    public async Task A_full_disk_is_one_clear_error_and_with_room_the_same_command_goes_on()
    {
        using var folder = new ScratchFolder();
        var command = string.Join(' ', [.. AgoraProcess.Command, "run", Quote(TinyExperiment.Shipped("quickstart.yaml")), .. TinyExperiment.Overrides.Select(Quote), "--runs", "small/runs"]);
        var script = $"""
            mkdir small && mount -t tmpfs -o size=2m none small || exit 77
            {command} >first.out 2>first.err; echo $? >first.rc
            mount -o remount,size=200m small
            {command} >second.out 2>second.err; echo $? >second.rc
            """;
        using var unshare = Process.Start(new ProcessStartInfo("unshare", ["--user", "--map-root-user", "--mount", "sh", "-c", script]) { WorkingDirectory = folder.Path })!;
        await unshare.WaitForExitAsync(Stop);
        Assert.SkipWhen(unshare.ExitCode is 1 or 77, "this machine lets nobody mount a file system of his own");

        string Text(string file) => File.ReadAllText(Path.Combine(folder.Path, file));
        Assert.Equal("1\n", Text("first.rc"));
        Assert.Contains("No space left", Text("first.err"), StringComparison.OrdinalIgnoreCase);
        Assert.Contains("fix:", Text("first.err"), StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", Text("first.err"), StringComparison.Ordinal);
        Assert.True(Text("second.rc") == "0\n", Text("second.err"));
        using var undisturbed = await AgoraProcess.RunAsync(folder.Path, ["run", TinyExperiment.Shipped("quickstart.yaml"), .. TinyExperiment.Overrides, "--runs", "roomy/runs"]);
        Assert.Equal(Table(undisturbed.Output), Table(Text("second.out")));
    }

    private static string[] Generate { get; } =
        ["generate", TinyExperiment.Shipped("own-endpoint.yaml"), "--setting", "math/response_generation", "--set", $"generation.instances={Instances}"];

    private static void AssertOneError(AgoraProcess agora, params string[] parts)
    {
        Assert.Equal(1, agora.ExitCode);
        Assert.Single(agora.Error.Split('\n'), line => line.StartsWith("error:", StringComparison.Ordinal));
        Assert.All(parts, part => Assert.Contains(part, agora.Error, StringComparison.Ordinal));
        Assert.DoesNotContain("   at ", agora.Error, StringComparison.Ordinal);
    }

    private static string Quote(string argument) => "'" + argument.Replace("'", "'\\''", StringComparison.Ordinal) + "'";

    /// <summary>The results that are printed, without progress and without where the report is.</summary>
    private static string Table(string output)
    {
        var from = output.IndexOf("Performance Gap Recovered", StringComparison.Ordinal);
        Assert.True(from >= 0, output);
        return output[from..output.IndexOf("report:", from, StringComparison.Ordinal)];
    }
}
