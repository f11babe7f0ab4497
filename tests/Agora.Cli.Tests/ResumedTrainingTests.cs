using System.Globalization;
using Agora.Runs;
using Agora.Tests;

namespace Agora.Cli.Tests;

/// <summary>A real training, killed again and again: it goes on from its checkpoint, and the student has the same bytes as one whose training was left alone.</summary>
public sealed class ResumedTrainingTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_killed_training_goes_on_from_its_checkpoint_and_ends_with_the_same_bytes()
    {
        Assert.SkipUnless(File.Exists(TinyExperiment.Nano("models", "nano-base", "model.safetensors")), "the embedded models are not there; \"agora nano build\" makes them");
        using var undisturbed = new ScratchFolder();
        using var whole = await AgoraProcess.RunAsync(undisturbed.Path, Command());
        Assert.True(whole.ExitCode == 0, whole.Error);
        var expected = Student(undisturbed.Path);

        using var killed = new ScratchFolder();
        var random = new Random(20261128);
        var resumed = new List<int>();
        for (var kills = 0; kills < 4; kills++)
        {
            using var agora = AgoraProcess.Start(killed.Path, Command());
            // The moment counts from the first checkpoint on, so that every process gets somewhere on a busy machine, too.
            await FirstCheckpointAsync(agora, killed.Path);
            await Task.WhenAny(agora.Process.WaitForExitAsync(Stop), Task.Delay(random.Next(150), Stop));
            if (agora.Process.HasExited)
                break;
            agora.Process.Kill();
            await agora.Process.WaitForExitAsync(Stop);
            resumed.AddRange(ResumedAt(agora.Error));
        }
        using var last = await AgoraProcess.RunAsync(killed.Path, Command());
        Assert.True(last.ExitCode == 0, last.Error);
        resumed.AddRange(ResumedAt(last.Error));

        Assert.Equal(expected.Keys, Student(killed.Path).Keys);
        Assert.Empty(Student(killed.Path).Where(file => file.Value != expected[file.Key]).Select(file => file.Key));
        TestContext.Current.TestOutputHelper?.WriteLine($"went on after steps {string.Join(", ", resumed)}");
        Assert.NotEmpty(resumed);
        Assert.Equal(resumed.Order(), resumed);
        Assert.True(resumed[^1] > resumed[0], "every process begins where the one before had come to");
    }

    // 60 steps over 120 rows of nano's seeds, a checkpoint after each.
    private static string[] Command() =>
    [
        "run", TinyExperiment.Shipped("own-data.yaml"), "--runs", "runs",
        "--set", "dataSets[0].data.limit=120", "--set", "recipe.epochs=4", "--set", "recipe.checkpointSteps=1", "--set", "recipe.evaluationShare=0.1", "--set", "confidence.resamples=200",
        "--set", "benchmarks={math: [{name: nano_math, limit: 4, file: '" + TinyExperiment.Nano("benchmarks", "math.jsonl") + "'}]}",
    ];

    private static async Task FirstCheckpointAsync(AgoraProcess agora, string folder)
    {
        var store = Path.Combine(folder, "runs", "store");
        var before = DateTime.UtcNow;
        while (!agora.Process.HasExited)
        {
            if (Directory.Exists(store) && Directory.EnumerateFiles(store, "training.checkpoint", SearchOption.AllDirectories).Any(file => File.GetLastWriteTimeUtc(file) > before))
                return;
            await Task.Delay(5, Stop);
        }
    }

    private static IEnumerable<int> ResumedAt(string error) => error.Split('\n')
        .Select(line => line.Split("goes on after step ") is [_, var rest] ? int.Parse(rest.Split(' ')[0], CultureInfo.InvariantCulture) : (int?)null)
        .OfType<int>();

    private static SortedDictionary<string, string> Student(string folder)
    {
        var store = Path.Combine(folder, "runs", "store");
        Assert.Empty(Directory.EnumerateDirectories(store, "*.partial"));
        var step = Assert.Single(Directory.EnumerateDirectories(store, "train-*"));
        return new SortedDictionary<string, string>(
            Directory.EnumerateFiles(step, "*", SearchOption.AllDirectories).Where(path => Path.GetFileName(path) != StepManifest.TimingFileName)
                .ToDictionary(path => Path.GetRelativePath(step, path), path => Convert.ToHexString(File.ReadAllBytes(path))), StringComparer.Ordinal);
    }
}
