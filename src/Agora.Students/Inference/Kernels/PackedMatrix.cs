using System.Runtime.Intrinsics;

namespace Agora.Students.Inference.Kernels;

/// <summary>Weights of one or more linear layers that share their input, stored for multiplication: panels of 32 outputs, input-major within a panel.</summary>
/// <remarks>
/// Every output element is one chain of fused multiply-adds over the inputs in their order, starting from zero. Neither the number of rows multiplied at
/// once nor the width of the machine's vectors changes that chain, so a row's result is the same bits in any batch.
/// </remarks>
internal sealed unsafe class PackedMatrix : IDisposable
{
    /// <summary>Outputs per panel. Each segment starts a new panel; what is left over in its last panel is zero.</summary>
    public const int Panel = 32;

    // One block of a panel (64 KiB) stays in the second-level cache while all rows pass by. Accumulators rest in the output between blocks, which is exact.
    private const int InputBlock = 512;

    private readonly FloatBuffer weights;

    /// <param name="inputs">Elements of an input row.</param>
    /// <param name="segments">Outputs of each layer; results are written side by side, each segment padded to a whole number of panels.</param>
    public PackedMatrix(int inputs, params ReadOnlySpan<int> segments)
    {
        Inputs = inputs;
        var panels = 0;
        var starts = new int[segments.Length];
        for (var i = 0; i < segments.Length; i++)
        {
            starts[i] = panels * Panel;
            panels += (segments[i] + Panel - 1) / Panel;
        }
        SegmentStarts = starts;
        PaddedOutputs = panels * Panel;
        weights = new FloatBuffer((long)PaddedOutputs * inputs);
    }

    public int Inputs { get; }

    /// <summary>Floats between two output rows: the sum of the padded segments.</summary>
    public int PaddedOutputs { get; }

    /// <summary>Column at which each segment's results begin.</summary>
    public IReadOnlyList<int> SegmentStarts { get; }

    public static int Pad(int outputs) => (outputs + Panel - 1) / Panel * Panel;

    /// <param name="column">Output column, segment start included.</param>
    /// <param name="values">[Inputs]: one row of a checkpoint's [outputs, inputs] matrix.</param>
    public void SetColumn(int column, ReadOnlySpan<float> values)
    {
        var target = ColumnStart(column);
        for (var k = 0; k < Inputs; k++)
            target[(long)k * Panel] = values[k];
    }

    /// <summary>The weights of one output, as they were set: how a tied embedding is looked up.</summary>
    public void CopyColumn(int column, float* destination)
    {
        var source = ColumnStart(column);
        for (var k = 0; k < Inputs; k++)
            destination[k] = source[(long)k * Panel];
    }

    /// <summary>y[r, n] = Σ_k x[r, k] · W[n, k].</summary>
    /// <param name="x">[rows, at least Inputs], <paramref name="xStride"/> floats apart.</param>
    /// <param name="y">[rows, PaddedOutputs], <paramref name="yStride"/> floats apart; overwritten, zeros in the padding.</param>
    public void Multiply(float* x, int xStride, int rows, float* y, int yStride)
    {
        var panelSize = (long)Inputs * Panel;
        for (var first = 0; first < Inputs; first += InputBlock)
        {
            var depth = Math.Min(InputBlock, Inputs - first);
            var resume = first > 0;
            var w = weights.Start + (long)first * Panel;
            for (var column = 0; column < PaddedOutputs; column += Panel, w += panelSize)
            {
                for (var row = 0; row < rows; row += 8)
                {
                    var left = rows - row;
                    var xRow = x + (long)row * xStride + first;
                    var yRow = y + (long)row * yStride + column;
                    if (Vector512.IsHardwareAccelerated)
                    {
                        if (left > 4)
                            PanelKernels.EightRows(xRow, xStride, left, w, depth, yRow, yStride, resume);
                        else if (left > 1)
                            PanelKernels.FourRows(xRow, xStride, left, w, depth, yRow, yStride, resume);
                        else
                            PanelKernels.OneRow(xRow, w, depth, yRow, resume);
                    }
                    else
                    {
                        for (var half = 0; half < Panel; half += 16)
                        {
                            PanelKernels.FourRowsHalf(xRow, xStride, left, w + half, depth, yRow + half, yStride, resume);
                            if (left > 4)
                                PanelKernels.FourRowsHalf(xRow + 4L * xStride, xStride, left - 4, w + half, depth, yRow + 4L * yStride + half, yStride, resume);
                        }
                    }
                }
            }
        }
    }

    public void Dispose() => weights.Dispose();

    private float* ColumnStart(int column) => weights.Start + (long)(column / Panel) * Inputs * Panel + column % Panel;
}
