using System.Diagnostics;
using Agora.Runs;
using Agora.Tests;

namespace Agora.Cli.Tests;

/// <summary>The real command line with the embedded models, killed again and again: the same command ends with the same bytes.</summary>
public sealed class KilledRunsTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    // A whole experiment of a few seconds: one generator, one setting, a short benchmark.
    private static readonly string[] Command =
    [
        "run", Path.Combine(Fixtures.Checkout, "experiments", "quickstart.yaml"), "--runs", "runs",
        "--set", "generators=[tutor]", "--set", "settings=[math/response_generation]", "--set", "generation.instances=8", "--set", "recipe.epochs=1",
        "--set", "seedData={math/response_generation: {file: '" + Nano("seeds", "math", "response_generation.jsonl") + "'}}",
        "--set", "benchmarks={math: [{name: nano_math, limit: 12, file: '" + Nano("benchmarks", "math.jsonl") + "'}]}",
    ];

    [Fact]
    public async Task Killed_at_fifty_random_moments_the_same_command_ends_with_the_same_bytes()
    {
        Assert.SkipUnless(File.Exists(Nano("models", "nano-base", "model.safetensors")), "the embedded models are not there; \"agora nano build\" makes them");
        using var undisturbed = new ScratchFolder();
        var clock = Stopwatch.StartNew();
        await EndsWellAsync(undisturbed.Path);
        // Bounded, so that a busy machine does not make the test endless.
        var duration = Math.Min(clock.ElapsedMilliseconds, 5000);
        var expected = Contents(undisturbed.Path);

        using var killed = new ScratchFolder();
        var random = new Random(20261122);
        var ended = 0;
        for (var kills = 0; kills < 50;)
        {
            using var agora = AgoraProcess.Start(killed.Path, Command);
            await Task.WhenAny(agora.Process.WaitForExitAsync(Stop), Task.Delay(TimeSpan.FromMilliseconds(random.NextDouble() * duration), Stop));
            if (!agora.Process.HasExited)
            {
                agora.Process.Kill();
                await agora.Process.WaitForExitAsync(Stop);
                kills++;
                continue;
            }
            // It was done before its moment came: this run counts, and the next one starts from nothing.
            Assert.True(agora.ExitCode == 0, agora.Error);
            AssertSame(expected, Contents(killed.Path));
            Directory.Delete(Path.Combine(killed.Path, "runs"), recursive: true);
            ended++;
        }
        await EndsWellAsync(killed.Path);
        AssertSame(expected, Contents(killed.Path));
        TestContext.Current.TestOutputHelper?.WriteLine($"50 kills over {ended + 1} runs of {duration} ms");
    }

    private static async Task EndsWellAsync(string folder)
    {
        using var agora = await AgoraProcess.RunAsync(folder, Command);
        Assert.True(agora.ExitCode == 0, agora.Error);
    }

    // One name at a time, because a difference in a whole dictionary cannot be read.
    private static void AssertSame(SortedDictionary<string, string> expected, SortedDictionary<string, string> actual)
    {
        Assert.Equal(expected.Keys, actual.Keys);
        Assert.Empty(expected.Where(entry => actual[entry.Key] != entry.Value).Select(entry => entry.Key));
    }

    // Results of all steps, and everything in the run folder but the moment, the machine and the links.
    private static SortedDictionary<string, string> Contents(string folder)
    {
        var archive = new RunArchive(Path.Combine(folder, "runs"));
        var run = Assert.Single(archive.List());
        Assert.Equal(RunStatus.Done, run.Status());
        var files = run.Steps().SelectMany(step => Directory.EnumerateFiles(archive.Store.FolderOf(new StepKey(step.Key)), "*", SearchOption.AllDirectories))
            .Concat(Directory.EnumerateFiles(run.FullPath).Where(path => !Path.GetFileName(path).StartsWith('.')))
            .Concat(Directory.EnumerateFiles(Path.Combine(run.FullPath, "samples"), "*", SearchOption.AllDirectories))
            .Where(path => Path.GetFileName(path) is not (StepManifest.TimingFileName or "run.json" or "environment.json"));
        return new SortedDictionary<string, string>(
            files.ToDictionary(path => Path.GetRelativePath(folder, path), path => Convert.ToHexString(File.ReadAllBytes(path))), StringComparer.Ordinal);
    }

    private static string Nano(params string[] path) => Path.Combine([Fixtures.Checkout, "nano", .. path]);
}
