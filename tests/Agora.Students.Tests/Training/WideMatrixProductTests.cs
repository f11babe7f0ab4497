using System.Runtime.Intrinsics;
using Agora.Experiments;
using Agora.Students.Training;
using CsCheck;

namespace Agora.Tests.Training;

public sealed unsafe class WideMatrixProductTests
{
    // Sizes around the blocks: 12 rows, 32 columns, 240 rows and 256 deep at once.
    private static readonly Gen<int> Sizes = Gen.OneOf(Gen.Int[1, 70], Gen.Int[238, 258], Gen.Const(300));

    [Fact]
    public void The_product_is_that_of_three_loops_for_every_size_and_layout()
    {
        Assert.SkipUnless(Vector512.IsHardwareAccelerated, "this processor has no vectors of 512 bits");
        using var product = new WideMatrixProduct();
        Gen.Select(Sizes, Sizes, Sizes, Gen.Bool, Gen.Bool, Gen.Bool).Sample((rows, columns, depth, leftAcross, rightAcross, add) =>
        {
            var random = new RandomStreams(rows * 1000 + columns).For("numbers", depth);
            float[] Numbers(int count) => [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() - 0.5))];
            // C has rows longer than the product; what lies beyond must stay as it is.
            var beyond = 3;
            float[] left = Numbers(rows * depth), right = Numbers(depth * columns), before = Numbers(rows * (columns + beyond)), after = [.. before];
            var (aRow, aStep) = leftAcross ? (1, rows) : (depth, 1);
            var (bRow, bStep) = rightAcross ? (1, depth) : (columns, 1);
            fixed (float* a = left, b = right, c = after)
                product.Multiply(new((nint)a, aRow, aStep), new((nint)b, bRow, bStep), c, columns + beyond, rows, columns, depth, add);
            for (var i = 0; i < rows; i++)
            {
                for (var j = 0; j < columns + beyond; j++)
                {
                    var old = before[i * (columns + beyond) + j];
                    var sum = j >= columns || add ? old : 0f;
                    for (var k = 0; k < depth && j < columns; k++)
                        sum = MathF.FusedMultiplyAdd(left[i * aRow + k * aStep], right[k * bRow + j * bStep], sum);
                    // To the last bit: one chain in ascending order.
                    if (sum != after[i * (columns + beyond) + j])
                        return false;
                }
            }
            return true;
        }, threads: 1, iter: 150);
    }
}
