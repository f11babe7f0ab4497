using Agora.Students.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace Agora.Students.Training;

/// <summary>A batch of token rows as tensors: ids, rotary angles, and who may see whom.</summary>
internal sealed class ModelInput : IDisposable
{
    private readonly Dictionary<int, Tensor> masks = [];
    private readonly int[] documents;
    private readonly bool causalOnly;
    private readonly Device device;
    private readonly ScalarType type;

    /// <param name="tokens">[B × T], row by row.</param>
    /// <param name="positions">[B × T]: place within the token's document, from 0.</param>
    /// <param name="documents">[B × T]: tokens see earlier ones of the same row with the same number.</param>
    /// <param name="device">The CPU where absent.</param>
    /// <param name="type">Of the model's weights.</param>
    public ModelInput(TransformerConfig config, int rows, int[] tokens, int[] positions, int[] documents, Device? device = null, ScalarType type = ScalarType.Float32)
    {
        this.documents = documents;
        this.device = device ?? CPU;
        this.type = type;
        int B = rows, T = tokens.Length / rows;
        causalOnly = Enumerable.Range(0, B).All(row => documents.AsSpan(row * T, T).IndexOfAnyExcept(documents[row * T]) < 0);
        Tokens = tensor(Array.ConvertAll(tokens, id => (long)id), [B, T], device: this.device).DetachFromDisposeScope();

        var frequencies = config.RopeFrequencies();
        var half = frequencies.Length;
        float[] cosines = new float[tokens.Length * half], sines = new float[tokens.Length * half];
        for (var i = 0; i < tokens.Length; i++)
        {
            for (var j = 0; j < half; j++)
                (sines[i * half + j], cosines[i * half + j]) = MathF.SinCos(positions[i] * frequencies[j]);
        }
        Cosines = tensor(cosines, [B, T, 1, half], device: this.device).DetachFromDisposeScope();
        Sines = tensor(sines, [B, T, 1, half], device: this.device).DetachFromDisposeScope();
    }

    /// <summary>int64 [B, T].</summary>
    public Tensor Tokens { get; }
    /// <summary>float32 [B, T, 1, D / 2].</summary>
    public Tensor Cosines { get; }
    public Tensor Sines { get; }

    /// <param name="window">Keys that a query sees, itself included; null sees all before it.</param>
    /// <returns>[B, 1, T, T] in the weights' type, 0 where a query (third axis) sees a key (fourth) and minus infinity elsewhere; null where plain causal attention is meant. Owned by this object.</returns>
    public Tensor? MaskOf(int? window)
    {
        int B = (int)Tokens.shape[0], T = (int)Tokens.shape[1];
        var limit = Math.Min(window ?? T, T);
        if (causalOnly && limit == T)
            return null;
        if (masks.TryGetValue(limit, out var mask))
            return mask;
        var values = new float[B * T * T];
        Array.Fill(values, float.NegativeInfinity);
        for (var row = 0; row < B; row++)
        {
            for (var query = 0; query < T; query++)
            {
                // Documents lie in one piece, so the keys seen are a stretch that ends at the query itself.
                for (var key = query; key >= 0 && query - key < limit && documents[row * T + key] == documents[row * T + query]; key--)
                    values[(row * T + query) * T + key] = 0;
            }
        }
        return masks[limit] = tensor(values, [B, 1, T, T], type, device).DetachFromDisposeScope();
    }

    public void Dispose()
    {
        Tokens.Dispose();
        Cosines.Dispose();
        Sines.Dispose();
        foreach (var mask in masks.Values)
            mask.Dispose();
    }
}
