using Agora.Experiments;
using Agora.Students.Checkpoints;
using Agora.Students.Training;
using Agora.Tests.Checkpoints;
using Agora.Training;
using TorchSharp;

namespace Agora.Tests.Training;

[Collection("torch")]
public sealed class PretrainerTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_model_learns_a_sequence_by_heart_and_is_saved()
    {
        var summary = await Train("out", Counting(64), threads: 1);
        Assert.True(summary.FirstLossNats > 2);
        Assert.True(summary.FinalLossNats < 0.5, $"final loss {summary.FinalLossNats}");
        using var checkpoint = CheckpointFolder.Open(folder.File("out"));
        Assert.Equal(CheckpointFolderTests.Tiny.Parameters, checkpoint.Config.Parameters);
    }

    [Fact]
    public async Task The_weights_depend_on_the_seed_but_not_on_threads_or_on_trainings_beside_it()
    {
        var documents = Counting(600);
        await Task.WhenAll(Train("a", documents, threads: 1), Train("b", documents, threads: 1), Train("c", documents, threads: 2), Train("d", documents, threads: 1, seed: 8));
        Assert.Equal(Weights("a"), Weights("b"));
        Assert.Equal(Weights("a"), Weights("c"));
        Assert.NotEqual(Weights("a"), Weights("d"));
    }

    [Fact]
    public async Task Training_leaves_no_tensor_behind()
    {
        await Train("before", Counting(8), threads: 1);     // loads torch and whatever it keeps for itself
        var before = torch.Tensor.TotalCount;
        await Train("after", Counting(8), threads: 1);
        Assert.Equal(before, torch.Tensor.TotalCount);
    }

    [Fact]
    public async Task Training_goes_on_from_a_checkpoint()
    {
        await Train("first", Counting(32), threads: 1);
        var summary = await new Pretrainer(1).TrainAsync(
            Request("second", Counting(32)) with { NewModel = null, StartFolder = folder.File("first"), StoredType = FloatType.BF16 }, new Silent(), TestContext.Current.CancellationToken);
        Assert.True(summary.FirstLossNats < 1, $"first loss {summary.FirstLossNats}");
        using var checkpoint = CheckpointFolder.Open(folder.File("second"));
        Assert.Equal(FloatType.BF16, checkpoint.StoredType);
    }

    [Fact]
    public async Task Documents_without_a_target_are_refused() =>
        await Assert.ThrowsAsync<AgoraException>(() => Train("out", [new TrainingDocument([1, 2, 3], [false, false, false])], threads: 1));

    private byte[] Weights(string name) => File.ReadAllBytes(Path.Combine(folder.File(name), "model.safetensors"));

    // 4 5 6 7 8 9 10 4 5 …, each document from its own start.
    private static TrainingDocument[] Counting(int count) =>
        [.. Enumerable.Range(0, count).Select(i => new TrainingDocument([1, .. Enumerable.Range(i, 10 + i % 13).Select(j => 4 + j % 7)]))];

    private PretrainingRequest Request(string name, IReadOnlyList<TrainingDocument> documents, long seed = 7) => new()
    {
        NewModel = CheckpointFolderTests.Tiny,
        Documents = documents,
        Recipe = new PretrainingRecipe { Epochs = Math.Max(1, 2400 / documents.Count), LearningRate = 3e-2, SequenceLength = 64, SequencesPerStep = Math.Max(1, documents.Count / 8) },
        Seed = seed,
        OutputFolder = folder.File(name),
    };

    private Task<TrainingSummary> Train(string name, IReadOnlyList<TrainingDocument> documents, int threads, long seed = 7) =>
        new Pretrainer(threads).TrainAsync(Request(name, documents, seed), new Silent(), TestContext.Current.CancellationToken);

    private sealed class Silent : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
        }
    }
}
