using TorchSharp;
using static TorchSharp.torch;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Agora.Students.Training;

/// <summary>Adam with decoupled weight decay (arXiv:1711.05101, algorithm 2) over one weight vector; the same update as PyTorch's AdamW.</summary>
/// <remarks>
/// Our own update works on a stretch of all vectors while it is in the nearest cache, and threads share the stretches. torch's operations, a pass over memory each, differ from it in the square root alone,
/// which MKL does not always round correctly.
/// </remarks>
internal sealed class AdamW : IOptimizer
{
    private const int Stretch = 1024;
    private const int StretchesAtOnce = 16;

    private readonly Tensor weights;
    private readonly long decayedElements;
    private readonly Tensor mean;
    private readonly Tensor square;

    /// <param name="weights">float32 [P], changed in place; the caller's.</param>
    /// <param name="decayedElements">Weight decay acts on this many at the start.</param>
    public AdamW(Tensor weights, long decayedElements)
    {
        this.weights = weights;
        this.decayedElements = decayedElements;
        mean = zeros_like(weights).DetachFromDisposeScope();
        square = zeros_like(weights).DetachFromDisposeScope();
    }

    public double Beta1 { get; init; } = 0.9;
    public double Beta2 { get; init; } = 0.999;
    public double Epsilon { get; init; } = 1e-8;
    public double WeightDecay { get; init; } = 0.01;
    /// <summary>CPU threads of our own update, on whose number the weights do not depend; null for torch's operations.</summary>
    public int? Threads { get; init; }

    public int Steps { get; set; }

    public IEnumerable<(string Name, Tensor Values)> State => [("mean", mean), ("square", square)];

    /// <param name="gradient">float32 [P].</param>
    public void Step(Tensor gradient, double learningRate)
    {
        Steps++;
        if (Threads is { } threads)
            Step(gradient, learningRate, threads);
        else
            StepByTorch(gradient, learningRate);
    }

    private double MeanStep(double learningRate) => -learningRate / (1 - Math.Pow(Beta1, Steps));

    private double SquareCorrection => Math.Sqrt(1 - Math.Pow(Beta2, Steps));

    private void StepByTorch(Tensor gradient, double learningRate)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        using Scalar kept = 1 - learningRate * WeightDecay, beta1 = Beta1, beta2 = Beta2, fresh1 = 1 - Beta1, fresh2 = 1 - Beta2, epsilon = Epsilon;
        weights.narrow(0, 0, decayedElements).mul_(kept);
        mean.mul_(beta1).add_(gradient, alpha: fresh1);
        square.mul_(beta2).addcmul_(gradient, gradient, value: fresh2);
        using Scalar meanStep = MeanStep(learningRate), squareCorrection = SquareCorrection;
        var root = square.sqrt().div_(squareCorrection).add_(epsilon, HeldScalars.One);
        weights.addcdiv_(mean, root, value: meanStep);
    }

    private unsafe void Step(Tensor gradient, double learningRate, int threads)
    {
        nint w = TensorFloats.StartOf(weights), g = TensorFloats.StartOf(gradient), m = TensorFloats.StartOf(mean), v = TensorFloats.StartOf(square);
        var (count, kept, meanStep, correction) = (weights.numel(), (float)(1 - learningRate * WeightDecay), (float)MeanStep(learningRate), (float)SquareCorrection);
        const int block = Stretch * StretchesAtOnce;
        Parallel.For(0, (count + block - 1) / block, new ParallelOptions { MaxDegreeOfParallelism = threads }, i =>
        {
            var scratch = stackalloc float[2 * Stretch];
            for (var first = i * block; first < Math.Min(count, (i + 1) * block); first += Stretch)
            {
                var length = (int)Math.Min(Stretch, count - first);
                Span<float> weight = Of(w), mean = Of(m), square = Of(v), fresh = Of(g), root = new(scratch, length);
                var decayed = weight[..(int)Math.Clamp(decayedElements - first, 0, length)];
                TensorPrimitives.Multiply(decayed, kept, decayed);
                TensorPrimitives.Multiply(mean, (float)Beta1, mean);
                TensorPrimitives.FusedMultiplyAdd(fresh, (float)(1 - Beta1), mean, mean);
                TensorPrimitives.Multiply(square, (float)Beta2, square);
                TensorPrimitives.Multiply(fresh, (float)(1 - Beta2), root);
                TensorPrimitives.FusedMultiplyAdd(root, fresh, square, square);
                TensorPrimitives.Sqrt(square, root);
                TensorPrimitives.Divide(root, correction, root);
                TensorPrimitives.Add(root, (float)Epsilon, root);
                Span<float> change = new(scratch + Stretch, length);
                TensorPrimitives.Multiply(mean, meanStep, change);
                TensorPrimitives.Divide(change, root, change);
                TensorPrimitives.Add(weight, change, weight);

                Span<float> Of(nint vector) => new((float*)vector + first, length);
            }
        });
    }

    public void Dispose()
    {
        mean.Dispose();
        square.Dispose();
    }
}
