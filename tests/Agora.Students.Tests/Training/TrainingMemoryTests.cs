using Agora.Experiments;
using Agora.Students.Checkpoints;
using Agora.Students.Training;

namespace Agora.Tests.Training;

[Collection("torch")]
public sealed class TrainingMemoryTests : IDisposable
{
    // Llama-3.1-8B, from its config.json.
    private static readonly TransformerConfig Llama8B = new()
    {
        VocabularySize = 128_256,
        HiddenSize = 4096,
        IntermediateSize = 14_336,
        Layers = 32,
        Heads = 32,
        KeyValueHeads = 8,
        HeadSize = 128,
        MaxPositions = 131_072,
        AttentionWindows = [.. Enumerable.Repeat<int?>(null, 32)],
    };

    private readonly TrainingStudents students = new();

    public void Dispose() => students.Dispose();

    [Fact]
    public void Llama_8B_is_trained_in_full_on_one_device_of_140_GB()
    {
        Assert.Equal(8_030_261_248, Llama8B.Parameters);
        var need = TrainingMemory.Of(Shape(Llama8B, Precision.Bf16, checkpointing: true));
        Assert.InRange(need.Total, 96_000_000_000, 130_000_000_000);
        Assert.True(TrainingMemory.Of(Shape(Llama8B, Precision.Bf16, checkpointing: true) with { Bfloat16 = Bfloat16Update.MasterWeights }).Total > need.Total + 32_000_000_000);
        Assert.True(TrainingMemory.Of(Shape(Llama8B, Precision.F32, checkpointing: true)).Total > 140_000_000_000);
    }

    [Fact]
    public void What_would_fit_is_said_and_what_would_not_is_not()
    {
        var fault = Assert.Throws<AgoraException>(() => TrainingMemory.Check(Shape(Llama8B, Precision.F32, checkpointing: false), 140_000_000_000, "cuda:0", "models/llama"));
        Assert.StartsWith("training needs ", fault.What, StringComparison.Ordinal);
        Assert.EndsWith("on cuda:0, which has 140.0 GB", fault.What, StringComparison.Ordinal);
        Assert.Contains("recipe.precision: bf16 with activationCheckpointing: true (", fault.Fix, StringComparison.Ordinal);
        Assert.DoesNotContain("one of: recipe.activationCheckpointing: true", fault.Fix, StringComparison.Ordinal);
        Assert.Contains("recipe.lora: {}", fault.Fix, StringComparison.Ordinal);
        Assert.Contains("a smaller model", Assert.Throws<AgoraException>(() => TrainingMemory.Check(Shape(Llama8B, Precision.F32, checkpointing: false), 8_000_000_000, "cuda:0", "models/llama")).Fix, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_training_that_does_not_fit_is_refused_before_its_first_step()
    {
        var trainer = new SftTrainer(2) { MemoryOf = _ => 10_000_000 };
        var fault = await Assert.ThrowsAsync<AgoraException>(() => trainer.TrainAsync(
            students.Request("out", TrainingStudents.Recipe), new TrainingStudents.Reporter(_ => Assert.Fail("a step was taken")), TestContext.Current.CancellationToken));
        Assert.Contains("which has 10 MB", fault.What, StringComparison.Ordinal);
        Assert.False(Directory.Exists(students.File("out")));
    }

    [Fact]
    public async Task Where_the_limit_is_unknown_the_need_is_told()
    {
        var notices = new List<string>();
        await new SftTrainer(2) { MemoryOf = _ => null }.TrainAsync(
            students.Request("out", TrainingStudents.Recipe with { Epochs = 1 }) with { Notice = notices.Add }, new TrainingStudents.Reporter(_ => { }), TestContext.Current.CancellationToken);
        Assert.Contains("does not say how much it has", Assert.Single(notices), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_way_to_save_memory_saves_some()
    {
        var usual = Shape(Llama8B, Precision.F32, checkpointing: false);
        foreach (var less in new[] { usual with { Checkpointing = true }, usual with { Precision = Precision.Bf16 }, usual with { Lora = new LoraSpec() } })
            Assert.True(TrainingMemory.Of(less).Total < 0.8 * TrainingMemory.Of(usual).Total);
        Assert.True(TrainingMemory.Of(usual with { LongestDocument = 8192 }).Activations > 1.9 * TrainingMemory.Of(usual).Activations);
    }

    private static TrainingMemory.Shape Shape(TransformerConfig config, Precision precision, bool checkpointing) =>
        new(config, Fused: false, precision, Bfloat16Update.Stochastic, checkpointing, Lora: null, LongestDocument: 4096, Threads: 2);
}
