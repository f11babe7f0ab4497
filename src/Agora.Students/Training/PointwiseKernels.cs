using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Agora.Students.Training;

/// <summary>What lies between the matrix products of a transformer, forward and backward, one row at a time while it is in the nearest cache.</summary>
internal static class PointwiseKernels
{
    /// <summary>RMSNorm (arXiv:1910.07467): output = values / rms(values) · weight.</summary>
    /// <returns>1 / rms, for the backward pass.</returns>
    public static float Normalise(ReadOnlySpan<float> values, ReadOnlySpan<float> weight, float epsilon, Span<float> output)
    {
        var inverse = 1 / MathF.Sqrt(TensorPrimitives.SumOfSquares(values) / values.Length + epsilon);
        TensorPrimitives.Multiply(values, inverse, output);
        TensorPrimitives.Multiply(output, weight, output);
        return inverse;
    }

    /// <param name="outputGradient">Overwritten: it serves as scratch.</param>
    /// <param name="valuesGradient">Added to.</param>
    /// <param name="weightGradient">Added to.</param>
    public static void NormaliseBackward(
        ReadOnlySpan<float> values, float inverse, ReadOnlySpan<float> weight, Span<float> outputGradient, Span<float> valuesGradient, Span<float> weightGradient, Span<float> scratch)
    {
        TensorPrimitives.Multiply(values, inverse, scratch);                                        // the normed row x̂
        TensorPrimitives.MultiplyAdd(outputGradient, scratch, weightGradient, weightGradient);
        TensorPrimitives.Multiply(outputGradient, weight, outputGradient);                          // d x̂
        var along = TensorPrimitives.Dot(outputGradient, scratch) / values.Length;
        TensorPrimitives.MultiplyAdd(scratch, -along, outputGradient, outputGradient);              // without its part along x̂
        TensorPrimitives.MultiplyAdd(outputGradient, inverse, valuesGradient, valuesGradient);
    }

    /// <summary>SwiGLU (arXiv:2002.05202): output = silu(gate) · up.</summary>
    public static void GateAndMultiply(ReadOnlySpan<float> gate, ReadOnlySpan<float> up, Span<float> output)
    {
        TensorPrimitives.Sigmoid(gate, output);
        TensorPrimitives.Multiply(output, gate, output);
        TensorPrimitives.Multiply(output, up, output);
    }

    /// <summary>Turns gate and up into their gradients, in place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void GateAndMultiplyBackward(Span<float> gate, Span<float> up, ReadOnlySpan<float> outputGradient, Span<float> scratch)
    {
        TensorPrimitives.Sigmoid(gate, scratch);
        var i = 0;
        for (; i + Vector256<float>.Count <= gate.Length; i += Vector256<float>.Count)
        {
            var (gateGradient, upGradient) = GateAndMultiplyBackward(
                Vector256.Create<float>(gate[i..]), Vector256.Create<float>(up[i..]), Vector256.Create<float>(scratch[i..]), Vector256.Create(outputGradient[i..]));
            gateGradient.CopyTo(gate[i..]);
            upGradient.CopyTo(up[i..]);
        }
        for (; i < gate.Length; i++)
        {
            var (gateGradient, upGradient) = GateAndMultiplyBackward(
                Vector256.CreateScalar(gate[i]), Vector256.CreateScalar(up[i]), Vector256.CreateScalar(scratch[i]), Vector256.CreateScalar(outputGradient[i]));
            (gate[i], up[i]) = (gateGradient[0], upGradient[0]);
        }
    }

    // silu(g) = g s with s = sigmoid(g), whose derivative is s (1 + g (1 - s)).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<float> Gate, Vector256<float> Up) GateAndMultiplyBackward(
        Vector256<float> gate, Vector256<float> up, Vector256<float> sigmoid, Vector256<float> outputGradient) =>
        (outputGradient * up * sigmoid * (Vector256<float>.One + gate * (Vector256<float>.One - sigmoid)), outputGradient * gate * sigmoid);

    /// <summary>Turns element i together with element i + D/2 by the angle, in place; by the opposite one with <paramref name="direction"/> -1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rotate(Span<float> head, ReadOnlySpan<float> cosines, ReadOnlySpan<float> sines, float direction)
    {
        var half = head.Length / 2;
        Span<float> first = head[..half], second = head[half..];
        for (var i = 0; i < half; i++)
        {
            float c = cosines[i], s = direction * sines[i], x = first[i], y = second[i];
            first[i] = x * c - y * s;
            second[i] = y * c + x * s;
        }
    }

    /// <summary>The sum of the targets' cross-entropies in nats; turns the logits into their gradient times <paramref name="share"/>.</summary>
    public static float CrossEntropy(Span<float> logits, ReadOnlySpan<int> targets, float share)
    {
        var most = TensorPrimitives.Max<float>(logits);
        var chosen = 0f;
        foreach (var target in targets)
            chosen += logits[target] - most;
        TensorPrimitives.Subtract(logits, most, logits);
        TensorPrimitives.Exp(logits, logits);
        var sum = TensorPrimitives.Sum<float>(logits);
        TensorPrimitives.Multiply(logits, targets.Length * share / sum, logits);
        foreach (var target in targets)
            logits[target] -= share;
        return targets.Length * MathF.Log(sum) - chosen;
    }
}
