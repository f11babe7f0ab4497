using System.Diagnostics;
using Agora.Runs;

namespace Agora.Tests.Runs;

/// <summary>Real processes on one folder: side by side, killed, out of disk.</summary>
public sealed class RunProcessTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Two_processes_on_one_store_share_the_work_and_repeat_none_of_it()
    {
        var (expected, requests) = await ReferenceAsync();
        var tiny = new TinyExperiment(folder["shared"]);
        using var first = Start("shared", millisecondsPerRequest: 5);
        using var second = Start("shared", millisecondsPerRequest: 5);
        var both = await Task.WhenAll(EndAsync(first), EndAsync(second));
        Assert.All(both, process => Assert.Equal((0, ""), (process.ExitCode, process.Error)));
        int[][] counts = [.. both.Select(process => process.Output.Split(' ').Select(int.Parse).ToArray())];
        Assert.Equal((requests, 4), (counts.Sum(count => count[0]), counts.Sum(count => count[1])));
        Assert.Equal(expected, Contents(tiny));
    }

    [Fact]
    public async Task Killed_at_fifty_random_moments_it_ends_with_the_same_bytes()
    {
        var (expected, _) = await ReferenceAsync();
        var random = new Random(20261122);
        var tiny = new TinyExperiment(folder["killed"]);
        var (kills, runs) = (0, 0);
        while (kills < 50)
        {
            using var process = Start("killed", millisecondsPerRequest: 10);
            var ending = EndAsync(process);
            await Task.WhenAny(ending, Task.Delay(random.Next(100, 900), Stop));
            if (process.HasExited)
            {
                Assert.Equal((0, ""), ((await ending).ExitCode, (await ending).Error));
                Assert.Equal(expected, Contents(tiny));
                Directory.Delete(tiny.Archive.Folder, recursive: true);
                runs++;
                continue;
            }
            process.Kill();
            await ending;
            kills++;
        }
        using var last = Start("killed", millisecondsPerRequest: 0);
        var (exitCode, _, error) = await EndAsync(last);
        Assert.Equal((0, ""), (exitCode, error));
        Assert.Equal(expected, Contents(tiny));
        await tiny.Archive.CollectAsync(previews: false, pretend: false, Stop);
        Assert.DoesNotContain(Directory.EnumerateDirectories(tiny.Archive.Store.Folder), path => !StepKey.IsKey(Path.GetFileName(path)) && Path.GetFileName(path) is not ("locks" or "completions"));
        TestContext.Current.TestOutputHelper?.WriteLine($"{kills} kills over {runs + 1} runs");
    }

    [Fact]
    public async Task On_a_full_disk_it_says_so_and_goes_on_once_there_is_room()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "mounts a small file system, which needs Linux");
        using (var probe = Process.Start(new ProcessStartInfo("unshare", ["--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]) { RedirectStandardError = true })!)
        {
            await probe.WaitForExitAsync(Stop);
            Assert.SkipUnless(probe.ExitCode == 0, "this user may not mount a small file system");
        }
        var (expected, _) = await ReferenceAsync();
        var tiny = new TinyExperiment(folder["full"]);
        Directory.CreateDirectory(tiny.Archive.Folder);
        var script = $"""
            mount -t tmpfs -o size=200k none "$1/runs"
            {Program} "$1" 0; echo $?
            mount -o remount,size=50m "$1/runs"
            {Program} "$1" 0; echo $?
            cp -a "$1/runs" "$1/copied"
            """;
        using var process = Process.Start(Redirected("unshare", "--map-root-user", "--mount", "bash", "-c", script, "bash", folder["full"]))!;
        var (_, output, error) = await EndAsync(process);
        var lines = output.Split('\n');
        Assert.Equal(("1", "0"), (lines[^3].Split(' ')[^1], lines[^1]));
        Assert.Contains("no room left to write", error, StringComparison.Ordinal);
        Assert.Contains("free some space", error, StringComparison.Ordinal);
        Directory.Delete(tiny.Archive.Folder);
        Directory.Move(folder["full/copied"], tiny.Archive.Folder);
        Assert.Equal(expected, Contents(tiny));
    }

    private async Task<(SortedDictionary<string, string> Contents, int Requests)> ReferenceAsync()
    {
        var reference = new TinyExperiment(folder["reference"]);
        Assert.Equal(0, (await reference.RunAsync(reference.Experiment(), Stop)).ExitCode);
        return (Contents(reference), reference.Models.Requests);
    }

    private static SortedDictionary<string, string> Contents(TinyExperiment tiny) => TinyExperiment.Contents(Assert.Single(tiny.Archive.List()), tiny.Archive.Store);

    private Process Start(string name, int millisecondsPerRequest) => Process.Start(Redirected(Program, folder[name], $"{millisecondsPerRequest}"))!;

    // The program stands in its own output folder: same configuration and framework as this one's.
    private static string Program { get; } = Path.Combine(
        AppContext.BaseDirectory.Replace("Agora.Tests" + Path.DirectorySeparatorChar, "Agora.Tests.Process" + Path.DirectorySeparatorChar, StringComparison.Ordinal),
        OperatingSystem.IsWindows() ? "Agora.Tests.Process.exe" : "Agora.Tests.Process");

    private static ProcessStartInfo Redirected(string program, params string[] arguments) =>
        new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };

    private static async Task<(int ExitCode, string Output, string Error)> EndAsync(Process process)
    {
        var output = process.StandardOutput.ReadToEndAsync(Stop);
        var error = process.StandardError.ReadToEndAsync(Stop);
        await process.WaitForExitAsync(Stop);
        return (process.ExitCode, (await output).Trim(), (await error).Trim());
    }
}
