using Agora.Experiments;
using TorchSharp;
using static TorchSharp.torch;

namespace Agora.Students.Training;

/// <summary>How an update in float32 becomes a bfloat16 weight. At small learning rates most updates are below half a step of bfloat16 and would be lost to rounding.</summary>
internal enum Bfloat16Update
{
    /// <summary>Up or down with the probability that makes the expected weight the exact one.</summary>
    Stochastic,
    /// <summary>A float32 copy of the weights is kept, and rounded to nearest.</summary>
    MasterWeights,
    /// <summary>Rounded to nearest without a copy: what loses updates, for comparison.</summary>
    Nearest,
}

/// <summary><see cref="AdamW"/> over bfloat16 weights, with its state in float32.</summary>
internal sealed class Bfloat16AdamW : IOptimizer
{
    /// <summary>Working memory of an update, in bytes for each weight of a stretch.</summary>
    internal const int WorkingBytes = 52;

    // On a device, where each operation is launched, they are longer. On the CPU the weights do not depend on it: random numbers are drawn in the weights' order.
    private const long CpuStretch = 1 << 20, DeviceStretch = 1 << 24;

    private readonly Tensor weights;
    private readonly long decayedElements;
    private readonly OptimizerSettings settings;
    private readonly Tensor mean;
    private readonly Tensor square;
    private readonly Tensor? master;

    /// <param name="weights">bfloat16 [P], changed in place; the caller's.</param>
    /// <param name="decayedElements">Weight decay acts on this many at the start.</param>
    public Bfloat16AdamW(Tensor weights, long decayedElements, OptimizerSettings settings)
    {
        this.weights = weights;
        this.decayedElements = decayedElements;
        this.settings = settings;
        Stretch = StretchOf(weights.device.type == DeviceType.CPU);
        mean = zeros(weights.numel(), float32, weights.device).DetachFromDisposeScope();
        square = zeros(weights.numel(), float32, weights.device).DetachFromDisposeScope();
        master = settings.Bfloat16 == Bfloat16Update.MasterWeights ? weights.to(float32).DetachFromDisposeScope() : null;
    }

    public int Steps { get; set; }

    /// <summary>So many weights are updated at a time.</summary>
    internal long Stretch { get; init; }

    internal static long StretchOf(bool onCpu) => onCpu ? CpuStretch : DeviceStretch;

    public IEnumerable<(string Name, Tensor Values)> State => master is null ? [("mean", mean), ("square", square)] : [("mean", mean), ("square", square), ("master", master)];

    public void Step(Tensor gradient, double learningRate)
    {
        using var noGradient = no_grad();
        Steps++;
        // A generator of its own for each step: their number is all that a resumed training has to know.
        using var random = new Generator(new RandomStreams(settings.RoundingSeed).For("stochastic rounding", Steps).NextUInt64(), weights.device);
        using Scalar kept = 1 - learningRate * settings.WeightDecay, beta1 = settings.Beta1, beta2 = settings.Beta2, fresh1 = 1 - settings.Beta1, fresh2 = 1 - settings.Beta2, epsilon = settings.Epsilon;
        using Scalar meanStep = -learningRate / (1 - Math.Pow(settings.Beta1, Steps)), squareCorrection = Math.Sqrt(1 - Math.Pow(settings.Beta2, Steps));
        for (long first = 0; first < weights.numel(); first += Stretch)
        {
            using var scope = NewDisposeScope();
            var count = Math.Min(Stretch, weights.numel() - first);
            Tensor fresh = gradient.narrow(0, first, count).to(float32), m = mean.narrow(0, first, count), v = square.narrow(0, first, count);
            Tensor stored = weights.narrow(0, first, count), exact = master?.narrow(0, first, count) ?? stored.to(float32);
            if (decayedElements > first)
                exact.narrow(0, 0, Math.Min(count, decayedElements - first)).mul_(kept);
            m.mul_(beta1).add_(fresh, alpha: fresh1);
            v.mul_(beta2).addcmul_(fresh, fresh, value: fresh2);
            exact.addcdiv_(m, v.sqrt().div_(squareCorrection).add_(epsilon, HeldScalars.One), value: meanStep);
            stored.copy_(settings.Bfloat16 == Bfloat16Update.Stochastic ? RoundStochastically(exact, random) : exact);
        }
    }

    public void Dispose()
    {
        mean.Dispose();
        square.Dispose();
        master?.Dispose();
    }

    /// <summary>To one of the two neighbouring values with 8 significant bits, the nearer the likelier; what has no more bits stays as it is.</summary>
    /// <param name="values">float32.</param>
    /// <returns>float32, in the surrounding scope; exactly representable in bfloat16.</returns>
    internal static Tensor RoundStochastically(Tensor values, Generator random)
    {
        var (mantissa, exponent) = values.frexp();                                      // 0.5 <= |mantissa| < 1
        using Scalar steps = 256, back = -8;
        var noise = rand(values.shape, float32, values.device, generator: random);
        var whole = mantissa.abs().mul_(steps).add_(noise, HeldScalars.One).floor_();
        return whole.mul_(values.sign()).ldexp(exponent.add(back, HeldScalars.One));
    }
}
