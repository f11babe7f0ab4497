using Agora.Students.Inference.Kernels;
using CsCheck;

namespace Agora.Tests.Inference;

public sealed unsafe class KernelTests
{
    // One fused multiply-add after the other is the definition; every kernel must give its very bits.
    [Fact]
    public void A_product_has_the_same_bits_for_any_number_of_rows_and_any_vector_width() =>
        Gen.Select(Gen.Int[1, 19], Gen.Int[1, 1100], Gen.Int[1, 70], Gen.Int).Sample((rows, inputs, outputs, seed) =>
        {
            var random = new Random(seed);
            var weights = new float[outputs][];
            using var matrix = new PackedMatrix(inputs, outputs);
            for (var n = 0; n < outputs; n++)
                matrix.SetColumn(n, weights[n] = Randoms(random, inputs));
            using var x = new FloatBuffer((long)rows * inputs);
            Randoms(random, rows * inputs).CopyTo(x.Slice(0, rows * inputs));
            using var y = new FloatBuffer((long)rows * matrix.PaddedOutputs);
            matrix.Multiply(x.Start, inputs, rows, y.Start, matrix.PaddedOutputs);
            for (var r = 0; r < rows; r++)
            {
                for (var n = 0; n < outputs; n++)
                {
                    var expected = 0f;
                    for (var k = 0; k < inputs; k++)
                        expected = MathF.FusedMultiplyAdd(x.Start[r * inputs + k], weights[n][k], expected);
                    Assert.Equal(expected, y.Start[r * matrix.PaddedOutputs + n]);
                }
                for (var n = outputs; n < matrix.PaddedOutputs; n++)
                    Assert.Equal(0, y.Start[r * matrix.PaddedOutputs + n]);
            }
        }, iter: 30);

    [Fact]
    public void The_kernels_for_narrow_and_wide_vectors_agree_to_the_last_bit() =>
        Gen.Select(Gen.Int[1, 4], Gen.Int[1, 300], Gen.Bool, Gen.Int).Sample((rows, depth, resume, seed) =>
        {
            var random = new Random(seed);
            var x = Randoms(random, rows * depth);
            var w = Randoms(random, depth * PackedMatrix.Panel);
            var wide = Randoms(random, rows * PackedMatrix.Panel);
            var single = wide.ToArray();
            var narrow = wide.ToArray();
            fixed (float* px = x, pw = w, pWide = wide, pSingle = single, pNarrow = narrow)
            {
                PanelKernels.EightRows(px, depth, rows, pw, depth, pWide, PackedMatrix.Panel, resume);
                for (var r = 0; r < rows; r++)
                    PanelKernels.OneRow(px + r * depth, pw, depth, pSingle + r * PackedMatrix.Panel, resume);
                PanelKernels.FourRowsHalf(px, depth, rows, pw, depth, pNarrow, PackedMatrix.Panel, resume);
                PanelKernels.FourRowsHalf(px, depth, rows, pw + 16, depth, pNarrow + 16, PackedMatrix.Panel, resume);
            }
            Assert.Equal(wide, single);
            Assert.Equal(wide, narrow);
        }, iter: 50);

    [Fact]
    public void The_exponential_is_right_to_two_units_in_the_last_place() =>
        Gen.Double[-87, 87].Sample(x =>
        {
            var actual = Lanes.Exp(System.Runtime.Intrinsics.Vector512.Create((float)x))[3];
            var expected = (float)Math.Exp((float)x);
            return Math.Abs(BitConverter.SingleToInt32Bits(actual) - BitConverter.SingleToInt32Bits(expected)) <= 2;
        });

    [Fact]
    public void The_exponential_of_minus_infinity_is_zero() =>
        Assert.Equal(0, Lanes.Exp(System.Runtime.Intrinsics.Vector512.Create(float.NegativeInfinity))[0]);

    [Fact]
    public void The_logarithm_is_that_of_the_library() =>
        Gen.Double[-300, 300].Sample(exponent => Math.Abs(ElementaryFunctions.Log(Math.Pow(10, exponent)) - Math.Log(Math.Pow(10, exponent))) < 1e-12);

    [Fact]
    public void Sine_and_cosine_are_those_of_the_library_over_any_context() =>
        Gen.Double[0, 200_000].Sample(angle =>
        {
            var (sin, cos) = ElementaryFunctions.SinCos(angle);
            return Math.Abs(sin - Math.Sin(angle)) < 1e-10 && Math.Abs(cos - Math.Cos(angle)) < 1e-10;
        });

    private static float[] Randoms(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)];
}
