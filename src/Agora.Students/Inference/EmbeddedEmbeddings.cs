using Agora.Experiments;
using Microsoft.Extensions.AI;

namespace Agora.Students.Inference;

/// <summary>Texts as vectors: the mean over a text's tokens of the model's final hidden states. Safe for concurrent use.</summary>
/// <param name="engine">The caller disposes it.</param>
public sealed class EmbeddedEmbeddings(InferenceEngine engine) : IEmbeddingGenerator<string, Embedding<float>>
{
    private const int InFlight = 256;

    /// <exception cref="AgoraException">A text is longer than the model's context, empty, or nothing but special tokens; its place is named.</exception>
    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        if (options?.Dimensions is { } dimensions && dimensions != engine.Config.HiddenSize)
            throw new NotSupportedException($"the model's embeddings have {engine.Config.HiddenSize} dimensions, not {dimensions}");
        var texts = values.ToList();
        var vectors = new float[texts.Count][];
        var read = 0L;
        // A bounded number at once, so that 10⁵ texts do not all wait in memory as tokens.
        await Parallel.ForAsync(0, texts.Count, new ParallelOptions { MaxDegreeOfParallelism = InFlight, CancellationToken = cancellationToken }, async (place, stop) =>
        {
            var tokens = engine.Tokenizer.Encode(texts[place], addSpecialTokens: true);
            Interlocked.Add(ref read, tokens.Length);
            try
            {
                vectors[place] = await engine.EmbedAsync(tokens, stop);
            }
            catch (AgoraException fault)
            {
                throw new AgoraException(fault.What, $"text {place + 1} of {texts.Count}, model {engine.Folder}", fault.Fix, fault);
            }
        });
        return new GeneratedEmbeddings<Embedding<float>>(vectors.Select(vector => new Embedding<float>(vector) { ModelId = engine.Folder }))
        {
            Usage = new UsageDetails { InputTokenCount = read, TotalTokenCount = read },
        };
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is not null ? null
        : serviceType == typeof(InferenceEngine) ? engine
        : serviceType.IsInstanceOfType(this) ? this
        : null;

    void IDisposable.Dispose() { }
}
