using System.Diagnostics.CodeAnalysis;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;

namespace Agora.Students.Training;

/// <summary>Attention of one head from the last tokens of a document to all before them, forward and backward, without ever forming the whole matrix of probabilities.</summary>
/// <remarks>
/// Queries are taken in blocks; the backward pass computes a block's probabilities again from the logarithm of its normaliser, as FlashAttention does
/// (arXiv:2205.14135). Only keys that a block can see are touched, so short documents cost little. One instance serves one thread. AggressiveOptimization: a training of a few seconds would otherwise spend much of
/// them in code that is not optimised yet.
/// </remarks>
internal sealed unsafe class CausalAttention : IDisposable
{
    private const int BlockRows = 32;

    private readonly int width;     // of a head, rounded up to whole vectors; what is beyond the head stays 0
    private readonly int headSize;
    private readonly float scale;
    private int capacity = 64;      // tokens; grows with the longest document
    private NativeFloats queries, keys, values, keysAcross, valuesAcross, mixed, queryGradients, keyGradients, valueGradients, scores, scoreGradients;

    public CausalAttention(int headSize)
    {
        this.headSize = headSize;
        scale = 1 / MathF.Sqrt(headSize);
        width = RoundUp(headSize);
        Allocate();
    }

    /// <summary>A head's part of a matrix whose rows are tokens.</summary>
    /// <param name="Query">[rows, D], rows <paramref name="Row"/> floats apart; likewise key and value.</param>
    /// <param name="Window">Keys that a query sees, itself included.</param>
    public readonly record struct Head(nint Query, nint Key, nint Value, int Row, int Window);

    /// <param name="seen">The document's rows, in order; the queries are the last ones.</param>
    /// <param name="output">[rows, D], rows <paramref name="outputRow"/> floats apart; the queries' are written.</param>
    /// <param name="logNormalisers">[rows], <paramref name="normaliserStep"/> floats apart; the queries' are written, for the backward pass.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Forward(in Head head, DocumentRows.Stretch[] seen, int queryCount, float* output, int outputRow, float* logNormalisers, int normaliserStep)
    {
        var n = Take(head, seen, queryCount);
        var across = RoundUp(n);
        int before = n - queryCount, firstRow = seen[^1].Row + seen[^1].Length - queryCount;
        for (var first = 0; first < queryCount; first += BlockRows)
        {
            var rows = Math.Min(BlockRows, queryCount - first);
            var start = KeysFrom(before + first, head.Window);
            var count = RoundUp(before + first + rows - start);
            scores.Clear(rows * count);
            SmallMatrixProduct.Add(queries.At(first * width), width, 1, keysAcross.At(start), across, scores.At(0), count, rows, count, headSize);
            for (var i = 0; i < rows; i++)
                logNormalisers[(long)(firstRow + first + i) * normaliserStep] = Normalise(scores.Row(i, count), before + first + i - start, head.Window);
            var block = mixed.At(first * width);
            new Span<float>(block, rows * width).Clear();
            SmallMatrixProduct.Add(scores.At(0), count, 1, values.At(start * width), width, block, width, rows, width, before + first + rows - start);
        }
        for (var i = 0; i < queryCount; i++)
            new ReadOnlySpan<float>(mixed.At(i * width), headSize).CopyTo(Row((nint)output, outputRow, firstRow + i));
    }

    /// <param name="output">What <see cref="Forward"/> wrote.</param>
    /// <param name="outputGradient">[rows, D], laid out as the output.</param>
    /// <param name="gradient">Where the gradients go, laid out as <paramref name="head"/>: the queries' are written, the keys' and values' are added to, since heads and documents share them.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Backward(
        in Head head, DocumentRows.Stretch[] seen, int queryCount, float* output, float* outputGradient, int outputRow, float* logNormalisers, int normaliserStep, in Head gradient)
    {
        var n = Take(head, seen, queryCount);
        var across = RoundUp(n);
        int before = n - queryCount, firstRow = seen[^1].Row + seen[^1].Length - queryCount;
        Across(values, valuesAcross, n);
        for (var i = 0; i < queryCount; i++)
            Row((nint)outputGradient, outputRow, firstRow + i).CopyTo(new Span<float>(mixed.At(i * width), headSize));
        queryGradients.Clear(queryCount * width);
        keyGradients.Clear(n * width);
        valueGradients.Clear(n * width);
        for (var first = 0; first < queryCount; first += BlockRows)
        {
            var rows = Math.Min(BlockRows, queryCount - first);
            var start = KeysFrom(before + first, head.Window);
            var met = before + first + rows - start;
            var count = RoundUp(met);
            scores.Clear(rows * count);
            scoreGradients.Clear(rows * count);
            SmallMatrixProduct.Add(queries.At(first * width), width, 1, keysAcross.At(start), across, scores.At(0), count, rows, count, headSize);
            SmallMatrixProduct.Add(mixed.At(first * width), width, 1, valuesAcross.At(start), across, scoreGradients.At(0), count, rows, count, headSize);
            for (var i = 0; i < rows; i++)
            {
                var probabilities = scores.Row(i, count);
                Restore(probabilities, logNormalisers[(long)(firstRow + first + i) * normaliserStep], before + first + i - start, head.Window);
                // d score = p (d p - <d out, out>): the inner product is what the softmax's own sum takes back.
                var back = TensorPrimitives.Dot<float>(Row((nint)output, outputRow, firstRow + first + i), Row((nint)outputGradient, outputRow, firstRow + first + i));
                var row = scoreGradients.Row(i, count);
                TensorPrimitives.Subtract(row, back, row);
                TensorPrimitives.Multiply(row, probabilities, row);
            }
            SmallMatrixProduct.Add(scoreGradients.At(0), count, 1, keys.At(start * width), width, queryGradients.At(first * width), width, rows, width, met);
            SmallMatrixProduct.Add(scoreGradients.At(0), 1, count, queries.At(first * width), width, keyGradients.At(start * width), width, met, width, rows);
            SmallMatrixProduct.Add(scores.At(0), 1, count, mixed.At(first * width), width, valueGradients.At(start * width), width, met, width, rows);
        }
        // The queries were scaled when they were taken, so the keys' gradient holds the scale already.
        for (var i = 0; i < queryCount; i++)
            TensorPrimitives.Multiply(new ReadOnlySpan<float>(queryGradients.At(i * width), headSize), scale, Row(gradient.Query, gradient.Row, firstRow + i));
        var key = 0;
        foreach (var (from, length) in seen)
        {
            for (var row = from; row < from + length; row++, key++)
            {
                AddTo(Row(gradient.Key, gradient.Row, row), keyGradients.At(key * width));
                AddTo(Row(gradient.Value, gradient.Row, row), valueGradients.At(key * width));
            }
        }
    }

    public void Dispose()
    {
        foreach (var buffer in new[] { queries, keys, values, keysAcross, valuesAcross, mixed, queryGradients, keyGradients, valueGradients, scores, scoreGradients })
            buffer.Dispose();
    }

    private static int RoundUp(int length) => (length + SmallMatrixProduct.Lanes - 1) / SmallMatrixProduct.Lanes * SmallMatrixProduct.Lanes;

    /// <summary>The first key that a block of queries can see, moved down so that rows stay whole vectors.</summary>
    private static int KeysFrom(int firstQuery, int window) => Math.Max(0, firstQuery - window + 1) / SmallMatrixProduct.Lanes * SmallMatrixProduct.Lanes;

    private Span<float> Row(nint rows, int row, int index) => new((float*)rows + (long)index * row, headSize);

    private void AddTo(Span<float> destination, float* source) => TensorPrimitives.Add(destination, new ReadOnlySpan<float>(source, headSize), destination);

    /// <summary>Softmax over the keys that query number <paramref name="last"/> of the block's keys sees; 0 elsewhere.</summary>
    private static float Normalise(Span<float> row, int last, int window)
    {
        var first = Math.Max(0, last - window + 1);
        var seen = row[first..(last + 1)];
        var most = TensorPrimitives.Max<float>(seen);
        TensorPrimitives.Subtract(seen, most, seen);
        TensorPrimitives.Exp(seen, seen);
        var sum = TensorPrimitives.Sum<float>(seen);
        TensorPrimitives.Multiply(seen, 1 / sum, seen);
        row[..first].Clear();
        row[(last + 1)..].Clear();
        return most + MathF.Log(sum);
    }

    private static void Restore(Span<float> row, float logNormaliser, int last, int window)
    {
        var first = Math.Max(0, last - window + 1);
        var seen = row[first..(last + 1)];
        TensorPrimitives.Subtract(seen, logNormaliser, seen);
        TensorPrimitives.Exp(seen, seen);
        row[..first].Clear();
        row[(last + 1)..].Clear();
    }

    /// <returns>Keys.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Take(in Head head, DocumentRows.Stretch[] seen, int queryCount)
    {
        var n = 0;
        foreach (var stretch in seen)
            n += stretch.Length;
        Grow(n);
        var firstRow = seen[^1].Row + seen[^1].Length - queryCount;
        for (var i = 0; i < queryCount; i++)
            TensorPrimitives.Multiply(Row(head.Query, head.Row, firstRow + i), scale, new Span<float>(queries.At(i * width), headSize));
        var key = 0;
        foreach (var (from, length) in seen)
        {
            for (var row = from; row < from + length; row++, key++)
            {
                Row(head.Key, head.Row, row).CopyTo(new Span<float>(keys.At(key * width), headSize));
                Row(head.Value, head.Row, row).CopyTo(new Span<float>(values.At(key * width), headSize));
            }
        }
        Across(keys, keysAcross, n);
        return n;
    }

    /// <summary>[n, D] to [D, n], with zeros up to whole vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Across(NativeFloats rows, NativeFloats columns, int n)
    {
        var across = RoundUp(n);
        for (var j = 0; j < headSize; j++)
        {
            var column = columns.At(j * across);
            for (var i = 0; i < n; i++)
                column[i] = rows.At(i * width)[j];
            for (var i = n; i < across; i++)
                column[i] = 0;
        }
    }

    private void Grow(int length)
    {
        if (length <= capacity)
            return;
        Dispose();
        capacity = RoundUp(length);
        Allocate();
    }

    [MemberNotNull(nameof(queries), nameof(keys), nameof(values), nameof(keysAcross), nameof(valuesAcross), nameof(mixed))]
    [MemberNotNull(nameof(queryGradients), nameof(keyGradients), nameof(valueGradients), nameof(scores), nameof(scoreGradients))]
    private void Allocate()
    {
        var block = capacity * width;
        (queries, keys, values, mixed) = (new(block), new(block), new(block), new(block));
        (queryGradients, keyGradients, valueGradients) = (new(block), new(block), new(block));
        (keysAcross, valuesAcross) = (new(headSize * capacity), new(headSize * capacity));
        (scores, scoreGradients) = (new(BlockRows * capacity), new(BlockRows * capacity));
    }
}
