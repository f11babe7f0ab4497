using Agora.Experiments;
using Microsoft.Extensions.AI;

namespace Agora.Students.Inference;

/// <summary>Texts as vectors: the mean over a text's tokens of the model's final hidden states. Safe for concurrent use.</summary>
/// <param name="engine">The caller disposes it.</param>
public sealed class EmbeddedEmbeddings(InferenceEngine engine) : IEmbeddingGenerator<string, Embedding<float>>
{
    /// <exception cref="AgoraException">A text is longer than the model's context.</exception>
    /// <exception cref="ArgumentException">A text without any token.</exception>
    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        if (options?.Dimensions is { } dimensions && dimensions != engine.Config.HiddenSize)
            throw new NotSupportedException($"the model's embeddings have {engine.Config.HiddenSize} dimensions, not {dimensions}");
        var texts = values.ToList();
        var tokens = texts.ConvertAll(text => engine.Tokenizer.Encode(text, addSpecialTokens: true));
        var vectors = await Task.WhenAll(tokens.Select(ids => engine.EmbedAsync(ids, cancellationToken)));
        var read = tokens.Sum(ids => (long)ids.Length);
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
