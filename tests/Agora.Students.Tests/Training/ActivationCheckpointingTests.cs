using Agora.Experiments;
using Agora.Students.Training;
using Agora.Tests.Checkpoints;
using static TorchSharp.torch;

namespace Agora.Tests.Training;

[Collection("torch")]
public sealed class ActivationCheckpointingTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_gradient_is_that_of_keeping_everything(bool lora)
    {
        var config = CheckpointFolderTests.Tiny with { InitializerRange = 0.4, AttentionWindows = [5, null], QueryKeyNorm = true };
        using var model = TransformerModel.Initialise(config, new RandomStreams(5).For("initial weights"));
        if (lora)
            model.Adapters = new LoraAdapters(model, new LoraSpec { Rank = 2 }, new RandomStreams(6).For("adapters"));
        using AutogradGradient whole = new(model, 1), checkpointed = new(model, 1, checkpointing: true);
        TrainingDocument[] documents = [new([1, 5, 6, 7, 4, 8, 9]), new([1, 8, 9, 4], [false, false, true, true]), new([1, 2], [false, false])];
        Assert.Equal(whole.Compute(documents), checkpointed.Compute(documents), 1e-7);
        using var scope = NewDisposeScope();
        Assert.True((whole.Sum - checkpointed.Sum).norm().item<float>() <= 1e-6 * whole.Sum.norm().item<float>());
        Assert.True(whole.Sum.norm().item<float>() > 1e-3);
    }

    [Fact]
    public async Task A_student_may_be_trained_with_it()
    {
        using var students = new TrainingStudents();
        var usual = await students.TrainAsync("usual", TrainingStudents.Recipe with { Epochs = 1 });
        var checkpointed = await students.TrainAsync("checkpointed", TrainingStudents.Recipe with { Epochs = 1, ActivationCheckpointing = true });
        Assert.Equal(usual.FinalLossNats, checkpointed.FinalLossNats, 1e-3);
        // Torch's own differentiation rounds otherwise than the backward pass that is written out.
        Assert.NotEqual(students.Weights("usual"), students.Weights("checkpointed"));
    }
}
