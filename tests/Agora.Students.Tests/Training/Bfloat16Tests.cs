using Agora.Experiments;
using Agora.Students.Checkpoints;
using Agora.Students.Training;
using Agora.Tests.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace Agora.Tests.Training;

/// <summary>Weights in bfloat16 under an optimiser in float32.</summary>
[Collection("torch")]
public sealed class Bfloat16Tests : IDisposable
{
    private readonly TrainingStudents students = new();

    public void Dispose() => students.Dispose();

    [Fact]
    public void Stochastic_rounding_goes_to_a_neighbour_and_is_right_on_average()
    {
        using var scope = NewDisposeScope();
        float[] values = [1.001f, -1.003f, 0.5f, -0.0f, 3.14159f, -1e-20f, 1e20f, 1.99999f, 255.9f];
        var sums = new double[values.Length];
        using var random = new Generator(7);
        const int draws = 4000;
        for (var draw = 0; draw < draws; draw++)
        {
            using var inner = NewDisposeScope();
            var rounded = Bfloat16AdamW.RoundStochastically(tensor(values), random).data<float>().ToArray();
            for (var i = 0; i < values.Length; i++)
            {
                Assert.Equal(0, BitConverter.SingleToInt32Bits(rounded[i]) & 0xFFFF);
                Assert.True(Math.Abs(rounded[i] - values[i]) <= Math.Abs(values[i]) / 128, $"{values[i]} to {rounded[i]}");
                sums[i] += rounded[i];
            }
        }
        for (var i = 0; i < values.Length; i++)
            Assert.Equal(values[i], sums[i] / draws, 2e-4 * Math.Abs(values[i]));
    }

    [Fact]
    public void What_bfloat16_can_hold_is_not_moved()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(7);
        float[] values = [1, -1, 0, 0.5f, 1.0078125f, 2, -256, 1.5e-30f];
        values[^1] = BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(values[^1]) & ~0xFFFF);
        for (var draw = 0; draw < 200; draw++)
            Assert.Equal(values, Bfloat16AdamW.RoundStochastically(tensor(values), random).data<float>().ToArray());
    }

    // A step of 1e-5 on weights near 1 is a four-hundredth of what bfloat16 can tell apart.
    [Theory]
    [InlineData((int)Bfloat16Update.Stochastic, true)]
    [InlineData((int)Bfloat16Update.MasterWeights, true)]
    [InlineData((int)Bfloat16Update.Nearest, false)]
    public void Updates_below_half_a_step_of_bfloat16_are_not_lost(int update, bool moves)
    {
        using var scope = NewDisposeScope();
        var weights = ones(4096, bfloat16);
        using var optimizer = new Bfloat16AdamW(weights, 0, new OptimizerSettings { Bfloat16 = (Bfloat16Update)update, WeightDecay = 0 });
        var gradient = ones(4096, bfloat16);
        for (var step = 0; step < 600; step++)
            optimizer.Step(gradient, 1e-5);
        Assert.Equal(moves ? 1 - 600e-5 : 1, weights.to(float32).mean().item<float>(), 2e-3);
    }

    [Fact]
    public void The_loss_and_its_gradient_are_near_those_of_float32()
    {
        TrainingDocument[] documents = [new([1, 5, 6, 7, 4]), new([1, 8, 9, 4])];
        using var wide = TransformerModel.Initialise(CheckpointFolderTests.Tiny with { InitializerRange = 0.4 }, new RandomStreams(5).For("initial weights"));
        using var folder = new TemporaryFolder();
        CheckpointWriter.SaveNew(wide.Config, folder.Path, wide.TensorsToSave(FloatType.F32));
        using var checkpoint = CheckpointFolder.Open(folder.Path);
        using var narrow = TransformerModel.Load(checkpoint, type: ScalarType.BFloat16);
        using AutogradGradient exact = new(wide, 1), rounded = new(narrow, 1);
        Assert.Equal(exact.Compute(documents), rounded.Compute(documents), 3e-2);
        using var scope = NewDisposeScope();
        var error = (rounded.Sum.to(float32) - exact.Sum).norm().item<float>() / exact.Sum.norm().item<float>();
        Assert.InRange(error, 1e-5, 3e-2);
    }

    [Fact]
    public async Task A_student_learns_in_bfloat16_nearly_as_in_float32_and_can_be_resumed()
    {
        var recipe = TrainingStudents.Recipe with { ClipNorm = 1 };
        var exact = await students.TrainAsync("f32", recipe);
        var rounded = await students.TrainAsync("bf16", recipe with { Precision = Precision.Bf16 });
        Assert.NotEqual(students.Weights("f32"), students.Weights("bf16"));
        Assert.InRange(rounded.FinalLossNats, 0.8 * exact.FinalLossNats, 1.25 * exact.FinalLossNats);

        using var stop = new CancellationTokenSource();
        var request = students.Request("cut", recipe with { Precision = Precision.Bf16 }) with { Checkpoints = new(students.File("state"), "a step") };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => TrainingStudents.TrainAsync(request, new TrainingStudents.Reporter(now =>
        {
            if (now.Step == 7)
                stop.Cancel();
        }), stop.Token));
        await TrainingStudents.TrainAsync(request, new TrainingStudents.Reporter(_ => { }), TestContext.Current.CancellationToken);
        Assert.Equal(students.Weights("bf16"), students.Weights("cut"));
    }

    // Random numbers are drawn in the weights' order, so that the memory of an update is free to change.
    [Theory]
    [InlineData((int)Bfloat16Update.Stochastic)]
    [InlineData((int)Bfloat16Update.MasterWeights)]
    public void The_weights_do_not_depend_on_how_many_are_updated_at_a_time(int update)
    {
        const int count = 100_003, decayed = 70_001;
        using var scope = NewDisposeScope();
        var random = new RandomStreams(6).For("values");
        float[] Some(double size) => [.. Enumerable.Range(0, count).Select(i => (float)(size * (random.NextDouble() - 0.5) * Math.Pow(10, i % 9 - 6)))];
        var begin = tensor(Some(1)).to(bfloat16);
        Tensor whole = begin.clone(), parts = begin.clone();
        var settings = new OptimizerSettings { Bfloat16 = (Bfloat16Update)update, WeightDecay = 0.1, RoundingSeed = 2 };
        using var atOnce = new Bfloat16AdamW(whole, decayed, settings);
        using var byParts = new Bfloat16AdamW(parts, decayed, settings) { Stretch = 1 << 10 };
        Assert.True(atOnce.Stretch > count);
        for (var step = 0; step < 4; step++)
        {
            var gradient = tensor(Some(0.1)).to(bfloat16);
            atOnce.Step(gradient, 3e-3);
            byParts.Step(gradient, 3e-3);
        }
        Assert.False(whole.equal(begin).all().item<bool>());
        Assert.True(whole.equal(parts).all().item<bool>());
        foreach (var ((name, one), (_, other)) in atOnce.State.Zip(byParts.State))
            Assert.True(one.equal(other).all().item<bool>(), name);
    }
}
