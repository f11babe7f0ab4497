namespace Agora.Students.Inference.Kernels;

/// <summary>Cosine and sine of every position's angles (RoPE, arXiv:2104.09864) in float32; grown as contexts get longer.</summary>
internal sealed unsafe class RotaryTable : IDisposable
{
    private const int PositionsPerChunk = 1024;

    private readonly float[] frequencies;
    private readonly Lock growing = new();
    private volatile FloatBuffer[] chunks = [];

    /// <param name="frequencies">[head size / 2]: radians per position, scaling for long contexts included.</param>
    public RotaryTable(float[] frequencies) => this.frequencies = frequencies;

    /// <summary>[half] cosines; the [half] sines follow them.</summary>
    public float* At(int position)
    {
        var chunk = position / PositionsPerChunk;
        if (chunk >= chunks.Length)
            Grow(chunk);
        return chunks[chunk].Start + (long)(position % PositionsPerChunk) * 2 * frequencies.Length;
    }

    public void Dispose()
    {
        foreach (var chunk in chunks)
            chunk.Dispose();
    }

    private void Grow(int last)
    {
        lock (growing)
        {
            var grown = new List<FloatBuffer>(chunks);
            while (grown.Count <= last)
                grown.Add(Compute(grown.Count * PositionsPerChunk));
            chunks = [.. grown];
        }
    }

    private FloatBuffer Compute(int firstPosition)
    {
        var half = frequencies.Length;
        var chunk = new FloatBuffer((long)PositionsPerChunk * 2 * half);
        for (var p = 0; p < PositionsPerChunk; p++)
        {
            var row = chunk.Start + (long)p * 2 * half;
            for (var i = 0; i < half; i++)
            {
                // The angle is rounded to float32 as in the reference: models were trained with these very angles.
                var angle = (firstPosition + p) * frequencies[i];
                var (sin, cos) = ElementaryFunctions.SinCos(angle);
                row[i] = (float)cos;
                row[half + i] = (float)sin;
            }
        }
        return chunk;
    }
}
