using Agora.Experiments;
using Microsoft.Extensions.AI;

namespace Agora.LanguageModels;

/// <summary>Embeddings through the same gate as chat requests: pace, budget, repetition and the count of what failed are those of <see cref="PacedChatClient"/>.</summary>
/// <remarks>A request for vectors is a chat of one message per text to a client whose answer carries the vectors; it writes no tokens.</remarks>
/// <param name="paced">Over a client that answers with <see cref="Answer"/>; disposed with this.</param>
internal sealed class PacedEmbeddings(IChatClient paced) : IEmbeddingGenerator<string, Embedding<float>>
{
    private const string Vectors = "vectors";

    // What a bill is reckoned by: nothing is written.
    private static readonly ChatOptions NothingWritten = new() { MaxOutputTokens = 0 };

    /// <summary>Whether the vectors came from an endpoint, which may charge for them.</summary>
    public static bool IsRequest(GeneratedEmbeddings<Embedding<float>> made) => made.AdditionalProperties?.ContainsKey(Vectors) == true;

    /// <summary>The answer of the client below.</summary>
    /// <param name="inputTokens">Null where the endpoint does not say.</param>
    public static ChatResponse Answer(IReadOnlyList<ReadOnlyMemory<float>> vectors, long? inputTokens) => new(new ChatMessage(ChatRole.Assistant, ""))
    {
        AdditionalProperties = new AdditionalPropertiesDictionary { [Vectors] = vectors },
        Usage = inputTokens is null ? null : new UsageDetails { InputTokenCount = inputTokens, OutputTokenCount = 0, TotalTokenCount = inputTokens },
    };

    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        var response = await paced.GetResponseAsync([.. values.Select(text => new ChatMessage(ChatRole.User, text))], NothingWritten, cancellationToken);
        // Clients between say of some unreadable answers that they were empty.
        if (response.AdditionalProperties?.TryGetValue(Vectors, out var given) != true || given is not IReadOnlyList<ReadOnlyMemory<float>> vectors)
            throw new AgoraException("the endpoint's answer holds no vectors", "/embeddings", "name a model that makes embeddings");
        return new GeneratedEmbeddings<Embedding<float>>(vectors.Select(vector => new Embedding<float>(vector))) { Usage = response.Usage, AdditionalProperties = response.AdditionalProperties };
    }

    public object? GetService(Type serviceType, object? serviceKey = null) => serviceKey is null && serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose() => paced.Dispose();
}
