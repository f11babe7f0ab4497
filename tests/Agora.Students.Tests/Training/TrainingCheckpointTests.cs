using Agora.Experiments;
using Agora.Training;

namespace Agora.Tests.Training;

/// <summary>A training that is cut off goes on from its last checkpoint and ends with the same bytes.</summary>
[Collection("torch")]
public sealed class TrainingCheckpointTests : IDisposable
{
    private static readonly StudentRecipe Recipe = TrainingStudents.Recipe with { EvaluationShare = 0.1, ClipNorm = 1, WarmupSteps = 3, Schedule = Schedule.Cosine };

    private readonly TrainingStudents students = new();
    private readonly List<string> notices = [];

    public void Dispose() => students.Dispose();

    [Fact]
    public async Task Cut_off_after_any_step_the_training_ends_as_if_it_had_not_been()
    {
        var whole = await students.TrainAsync("whole", Recipe);
        for (var cut = 1; cut < whole.Steps; cut += 3)
        {
            var name = $"cut{cut}";
            await CutOffAsync(name, Recipe, cut);
            Assert.Empty(notices);
            var summary = await ResumeAsync(name, Recipe);
            Assert.Equal([$"goes on after step {cut} of {whole.Steps}"], notices);
            Assert.Equal(students.Weights("whole"), students.Weights(name));
            Assert.Equal(whole.Losses, summary.Losses);
            Assert.Equal(whole.HeldOut!.LossNats, summary.HeldOut!.LossNats);
            Assert.Equal((whole.Tokens, whole.ResponseTokens), (summary.Tokens, summary.ResponseTokens));
            notices.Clear();
        }
    }

    [Theory]
    [InlineData(0.0, null)]
    [InlineData(86_400.0, 2)]
    public async Task Checkpoints_are_written_at_an_interval_of_time_or_of_steps(double seconds, int? everySteps)
    {
        var recipe = Recipe with { CheckpointSeconds = seconds, CheckpointSteps = everySteps };
        var seen = new List<int>();
        await TrainingStudents.TrainAsync(
            Request("out", recipe), new TrainingStudents.Reporter(now =>
            {
                if (File.Exists(CheckpointOf("out")))
                    seen.Add(now.Step);
            }), TestContext.Current.CancellationToken);
        // A progress report comes before the checkpoint of its own step.
        Assert.Equal((everySteps ?? 1) + 1, seen[0]);
    }

    [Fact]
    public async Task Without_an_interval_that_ends_none_is_written()
    {
        await TrainingStudents.TrainAsync(Request("out", Recipe with { CheckpointSeconds = 86_400 }), new TrainingStudents.Reporter(_ => Assert.False(File.Exists(CheckpointOf("out")))), TestContext.Current.CancellationToken);
        Assert.False(File.Exists(CheckpointOf("out")));
    }

    [Fact]
    public async Task A_torn_or_damaged_checkpoint_is_recognised_and_not_used()
    {
        await students.TrainAsync("whole", Recipe);
        await CutOffAsync("cut", Recipe, 5);
        var good = await File.ReadAllBytesAsync(CheckpointOf("cut"), TestContext.Current.CancellationToken);
        var random = new Random(1);
        byte[][] damaged =
        [
            [], good[..7], good[..11], good[..100], good[..(good.Length / 2)], good[..^1], [.. good, 0], new byte[good.Length],
            .. Enumerable.Range(0, 12).Select(_ =>
            {
                var flipped = (byte[])good.Clone();
                flipped[random.Next(good.Length)] ^= (byte)(1 << random.Next(8));
                return flipped;
            }),
        ];
        foreach (var bytes in damaged)
        {
            await File.WriteAllBytesAsync(CheckpointOf("cut"), bytes, TestContext.Current.CancellationToken);
            notices.Clear();
            await ResumeAsync("cut", Recipe with { CheckpointSeconds = 86_400 });
            Assert.StartsWith("the checkpoint is not used: ", Assert.Single(notices), StringComparison.Ordinal);
            Assert.Equal(students.Weights("whole"), students.Weights("cut"));
        }
    }

    [Fact]
    public async Task A_checkpoint_of_another_training_is_not_used()
    {
        await CutOffAsync("cut", Recipe, 5);
        var other = Recipe with { LearningRate = 1e-3 };
        await ResumeAsync("cut", other);
        Assert.Contains("of another training", Assert.Single(notices), StringComparison.Ordinal);
        await students.TrainAsync("whole", other);
        Assert.Equal(students.Weights("whole"), students.Weights("cut"));
    }

    [Fact]
    public async Task A_checkpoint_that_cannot_be_written_is_an_error_that_says_where()
    {
        Directory.CreateDirectory(CheckpointOf("out"));     // a folder stands in its place
        var fault = await Assert.ThrowsAsync<AgoraException>(() => ResumeAsync("out", Recipe with { CheckpointSteps = 1 }));
        Assert.Contains("cannot write a checkpoint", fault.What, StringComparison.Ordinal);
        Assert.Equal(CheckpointOf("out"), fault.Where);
    }

    private string CheckpointOf(string name) => Path.Combine(students.File(name + ".state"), "training.checkpoint");

    private TrainingRequest Request(string name, StudentRecipe recipe) =>
        students.Request(name, recipe) with { Checkpoints = new TrainingCheckpoints(students.File(name + ".state"), "a step"), Notice = notices.Add };

    private Task<TrainingSummary> ResumeAsync(string name, StudentRecipe recipe) =>
        TrainingStudents.TrainAsync(Request(name, recipe), new TrainingStudents.Reporter(_ => { }), TestContext.Current.CancellationToken);

    private async Task CutOffAsync(string name, StudentRecipe recipe, int step)
    {
        using var stop = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => TrainingStudents.TrainAsync(Request(name, recipe), new TrainingStudents.Reporter(now =>
        {
            if (now.Step == step)
                stop.Cancel();
        }), stop.Token));
    }
}
