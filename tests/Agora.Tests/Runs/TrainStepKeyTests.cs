using System.Text.Json;
using Agora.Experiments;
using Agora.Runs;

namespace Agora.Tests.Runs;

/// <summary>What decides a student, and what does not.</summary>
public sealed class TrainStepKeyTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    // Students trained before these options came keep their keys.
    [Fact]
    public async Task A_recipe_without_later_options_has_the_key_that_it_always_had()
    {
        var tiny = new TinyExperiment(folder.Path);
        var outcome = await tiny.RunAsync(tiny.Experiment(), TestContext.Current.CancellationToken);
        var step = outcome.Folder.Steps().First(step => step.Name.StartsWith("train", StringComparison.Ordinal));
        using var manifest = JsonDocument.Parse(File.ReadAllText(Path.Combine(tiny.Archive.Store.FolderOf(new StepKey(step.Key)), StepManifest.FileName)));
        Assert.Equal(
            ["batchSize", "clipNorm", "epochDecay", "epochs", "gradientAccumulation", "learningRate", "maxLength", "packing", "systemMessage", "warmupSteps", "weightDecay"],
            manifest.RootElement.GetProperty("parameters").GetProperty("recipe").EnumerateObject().Select(member => member.Name).Order(StringComparer.Ordinal));
    }

    public static TheoryData<StudentRecipe, bool> Recipes => new()
    {
        { new StudentRecipe { CheckpointSeconds = 1 }, false },
        { new StudentRecipe { CheckpointSteps = 7 }, false },
        { new StudentRecipe { Device = "cpu" }, false },
        { new StudentRecipe { Lora = new LoraSpec() }, true },
        { new StudentRecipe { Precision = Precision.Bf16 }, true },
        { new StudentRecipe { ActivationCheckpointing = true }, true },
        { new StudentRecipe { Schedule = Schedule.Cosine }, true },
        { new StudentRecipe { FinalLearningRateShare = 0.3 }, true },
        { new StudentRecipe { EvaluationShare = 0.3 }, true },
        { new StudentRecipe { Epochs = 6 }, true },
    };

    [Theory]
    [MemberData(nameof(Recipes))]
    public async Task What_changes_the_student_makes_another_one_and_how_often_its_state_is_kept_does_not(StudentRecipe recipe, bool another)
    {
        var tiny = new TinyExperiment(folder.Path);
        await tiny.RunAsync(tiny.Experiment(), TestContext.Current.CancellationToken);
        var before = tiny.Trainer.Trained;
        await tiny.RunAsync(tiny.Experiment() with { Recipe = recipe }, TestContext.Current.CancellationToken);
        Assert.Equal(another ? 2 * before : before, tiny.Trainer.Trained);
    }
}
