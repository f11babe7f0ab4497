using TorchSharp;
using static TorchSharp.torch;

namespace Agora.Students.Training;

/// <summary>Adam with decoupled weight decay (arXiv:1711.05101, algorithm 2) over one weight vector; the same update as PyTorch's AdamW.</summary>
internal sealed class AdamW : IOptimizer
{
    private readonly Tensor weights;
    private readonly Tensor decayed;
    private readonly Tensor mean;
    private readonly Tensor square;

    /// <param name="weights">float32 [P], changed in place; the caller's.</param>
    /// <param name="decayedElements">Weight decay acts on this many at the start.</param>
    public AdamW(Tensor weights, long decayedElements)
    {
        this.weights = weights;
        decayed = weights.narrow(0, 0, decayedElements).DetachFromDisposeScope();
        mean = zeros_like(weights).DetachFromDisposeScope();
        square = zeros_like(weights).DetachFromDisposeScope();
    }

    public double Beta1 { get; init; } = 0.9;
    public double Beta2 { get; init; } = 0.999;
    public double Epsilon { get; init; } = 1e-8;
    public double WeightDecay { get; init; } = 0.01;

    public int Steps { get; set; }

    public IEnumerable<(string Name, Tensor Values)> State => [("mean", mean), ("square", square)];

    /// <param name="gradient">float32 [P].</param>
    public void Step(Tensor gradient, double learningRate)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        Steps++;
        using Scalar kept = 1 - learningRate * WeightDecay, beta1 = Beta1, beta2 = Beta2, fresh1 = 1 - Beta1, fresh2 = 1 - Beta2, epsilon = Epsilon;
        decayed.mul_(kept);
        mean.mul_(beta1).add_(gradient, alpha: fresh1);
        square.mul_(beta2).addcmul_(gradient, gradient, value: fresh2);
        using Scalar meanStep = -learningRate / (1 - Math.Pow(Beta1, Steps)), squareCorrection = Math.Sqrt(1 - Math.Pow(Beta2, Steps));
        var root = square.sqrt().div_(squareCorrection).add_(epsilon, HeldScalars.One);
        weights.addcdiv_(mean, root, value: meanStep);
    }

    public void Dispose()
    {
        decayed.Dispose();
        mean.Dispose();
        square.Dispose();
    }
}
