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

    // Algorithm 2 of arXiv:1711.05101 in float64, for one weight after another.
    [Theory]
    [InlineData(0.9, 0.999, 1e-8, 0.01, 2e-3)]
    [InlineData(0.5, 0.9, 1e-3, 0.3, 1e-2)]
    [InlineData(0.95, 0.98, 1e-5, 0, 3e-3)]
    public void Each_update_is_the_algorithms_with_these_settings(double beta1, double beta2, double epsilon, double decay, double learningRate)
    {
        const int count = 300, decayed = 200;
        using var scope = NewDisposeScope();
        var random = new RandomStreams(4).For("values");
        float[] Some(double size) => [.. Enumerable.Range(0, count).Select(i => (float)(size * (random.NextDouble() - 0.5) * Math.Pow(10, i % 5 - 4)))];
        var begin = Some(2);
        var settings = new OptimizerSettings { Beta1 = beta1, Beta2 = beta2, Epsilon = epsilon, WeightDecay = decay, Bfloat16 = Bfloat16Update.MasterWeights };
        Tensor stored = tensor(begin).to(bfloat16);
        double[] weights = [.. stored.to(float32).data<float>().Select(value => (double)value)], mean = new double[count], square = new double[count];
        Tensor wide = tensor([.. weights.Select(value => (float)value)]), own = wide.clone();
        using var byTorch = new AdamW(wide, decayed) { Beta1 = beta1, Beta2 = beta2, Epsilon = epsilon, WeightDecay = decay };
        using var byUs = new AdamW(own, decayed) { Beta1 = beta1, Beta2 = beta2, Epsilon = epsilon, WeightDecay = decay, Threads = 2 };
        using var narrow = new Bfloat16AdamW(stored, decayed, settings);
        for (var step = 1; step <= 6; step++)
        {
            var gradient = Some(0.1);
            foreach (var optimizer in new IOptimizer[] { byTorch, byUs, narrow })
                optimizer.Step(tensor(gradient), learningRate);
            for (var i = 0; i < count; i++)
            {
                mean[i] = beta1 * mean[i] + (1 - beta1) * gradient[i];
                square[i] = beta2 * square[i] + (1 - beta2) * gradient[i] * gradient[i];
                var root = Math.Sqrt(square[i] / (1 - Math.Pow(beta2, step)));
                weights[i] = weights[i] * (i < decayed ? 1 - learningRate * decay : 1) - learningRate * mean[i] / (1 - Math.Pow(beta1, step)) / (root + epsilon);
            }
        }
        foreach (var (name, result) in new[] { ("torch", wide), ("own", own), ("bfloat16", narrow.State.Single(state => state.Name == "master").Values) })
            Assert.All(result.data<float>().ToArray().Zip(weights), pair => Assert.True(Math.Abs(pair.First - pair.Second) < 2e-6, $"{name}: {pair.First} and not {pair.Second}"));
    }
}
