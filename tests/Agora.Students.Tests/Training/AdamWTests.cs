using Agora.Experiments;
using Agora.Students.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Agora.Tests.Training;

[Collection("torch")]
public sealed class AdamWTests
{
    [Fact]
    public void Our_own_update_is_torchs_up_to_rounding_and_the_same_for_any_number_of_threads()
    {
        const int count = 100_003, decayed = 70_001;
        using var scope = NewDisposeScope();
        var random = new RandomStreams(3).For("values");
        Tensor Some(double size) => tensor(Enumerable.Range(0, count).Select(i => (float)(size * (random.NextDouble() - 0.5) * Math.Pow(10, i % 9 - 6))).ToArray());
        Tensor torchs = Some(1), alone = torchs.clone(), three = torchs.clone();
        using var byTorch = new AdamW(torchs, decayed) { WeightDecay = 0.1, Beta2 = 0.95 };
        using var onOne = new AdamW(alone, decayed) { WeightDecay = 0.1, Beta2 = 0.95, Threads = 1 };
        using var onThree = new AdamW(three, decayed) { WeightDecay = 0.1, Beta2 = 0.95, Threads = 3 };
        for (var step = 0; step < 5; step++)
        {
            var gradient = Some(0.1);
            foreach (var optimizer in new[] { byTorch, onOne, onThree })
                optimizer.Step(gradient, 3e-3);
        }
        Assert.True(alone.equal(three).all().item<bool>());
        Assert.True(alone.allclose(torchs, rtol: 1e-6, atol: 1e-8));
        foreach (var ((name, own), (_, expected)) in onOne.State.Zip(byTorch.State))
            Assert.True(own.equal(expected).all().item<bool>(), name);
    }
}
