using System.Text.Json;
using Agora.Experiments;
using Agora.Students.Training;

namespace Agora.Tests.Training;

/// <summary>Trainings that go wrong end with the step, the batch and the rows.</summary>
[Collection("torch")]
public sealed class DivergenceTests : IDisposable
{
    private readonly TrainingStudents students = new();

    public void Dispose() => students.Dispose();

    [Fact]
    public async Task A_learning_rate_that_is_too_high_ends_the_training()
    {
        var fault = await FaultAsync(TrainingStudents.Recipe with { LearningRate = 0.9, Epochs = 40, Schedule = Schedule.Constant });
        Assert.StartsWith("the training loss rises: ", fault.What, StringComparison.Ordinal);
        Assert.Matches(@"^step \d+ of \d+, batch \d+ of epoch \d+, learning rate 0.9, rows \d+(, \d+)* \(from 0\)$", fault.Where);
        Assert.Contains("recipe.learningRate", fault.Fix, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(students.File("out"), "model.safetensors")));
    }

    [Fact]
    public async Task The_same_recipe_with_a_fitting_rate_goes_to_its_end() =>
        Assert.True((await students.TrainAsync("out", TrainingStudents.Recipe with { Epochs = 40, Schedule = Schedule.Constant })) is { FinalLossNats: < 1, FirstLossNats: > 3 });

    [Fact]
    public async Task A_base_model_with_a_weight_that_is_no_number_is_refused_by_the_tensors_name()
    {
        // Written into the bytes: our own writer refuses such a weight.
        var path = Path.Combine(students.BaseModel, "model.safetensors");
        var bytes = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
        var header = (int)BitConverter.ToInt64(bytes);
        using (var json = JsonDocument.Parse(bytes.AsMemory(8, header)))
            BitConverter.GetBytes(float.NaN).CopyTo(bytes, 8 + header + json.RootElement.GetProperty("model.layers.1.mlp.up_proj.weight").GetProperty("data_offsets")[0].GetInt32() + 28);
        await File.WriteAllBytesAsync(path, bytes, TestContext.Current.CancellationToken);
        var fault = await FaultAsync(TrainingStudents.Recipe);
        Assert.Contains("model.layers.1.mlp.up_proj.weight holds NaN", fault.What, StringComparison.Ordinal);
    }

    [Fact]
    public void A_row_that_gives_no_number_is_named()
    {
        var (model, documents) = Poisoned();
        using (model)
        {
            using var loop = new TrainingLoop(model, new OptimizerSettings(), new LanedGradient(model, threads: 1, sharing: true));
            var session = new TrainingSession { Steps = [new TrainingStep([documents[0], documents[1]], 1e-3), new TrainingStep(documents, 1e-3)] };
            var fault = Assert.Throws<AgoraException>(() => loop.Run(session, new TrainingStudents.Reporter(_ => { }), TestContext.Current.CancellationToken));
            Assert.Contains("became NaN at step 2 of 2; it was ", fault.What, StringComparison.Ordinal);
            Assert.EndsWith("rows 12 (from 0) alone give none", fault.What, StringComparison.Ordinal);
            Assert.Equal("step 2 of 2, batch 2 of epoch 1, learning rate 0.001, rows 10, 11, 12 (from 0)", fault.Where);
        }
    }

    [Fact]
    public void Weights_that_run_away_in_the_last_step_are_noticed_all_the_same()
    {
        var (model, documents) = Poisoned();
        using (model)
        {
            using var loop = new TrainingLoop(model, new OptimizerSettings(), new LanedGradient(model, threads: 1, sharing: true));
            var session = new TrainingSession { Steps = [new TrainingStep([documents[0], documents[1]], double.MaxValue)] };
            var fault = Assert.Throws<AgoraException>(() => loop.Run(session, new TrainingStudents.Reporter(_ => { }), TestContext.Current.CancellationToken));
            Assert.Equal("the model after step 1", fault.Where);
        }
    }

    // The embedding of token 9 alone is no number; the head is another matrix.
    private static (TransformerModel Model, TrainingDocument[] Documents) Poisoned()
    {
        var config = Checkpoints.CheckpointFolderTests.Tiny with { TieEmbeddings = false };
        var model = TransformerModel.Initialise(config, new RandomStreams(5).For("initial weights"));
        using var values = model.Weights.data<float>();
        values[9 * config.HiddenSize] = float.NaN;
        return (model, [new([1, 2, 3]) { Rows = [10] }, new([1, 4, 5]) { Rows = [11] }, new([1, 9, 5, 6]) { Rows = [12] }]);
    }

    private async Task<AgoraException> FaultAsync(StudentRecipe recipe) => await Assert.ThrowsAsync<AgoraException>(() => students.TrainAsync("out", recipe));
}
