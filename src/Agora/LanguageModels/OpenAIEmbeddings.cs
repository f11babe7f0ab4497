using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using OpenAI.Embeddings;

namespace Agora.LanguageModels;

/// <summary>Has an endpoint that speaks OpenAI's protocol turn each message's text into a vector, at <c>/embeddings</c>.</summary>
internal sealed class OpenAIEmbeddings(EmbeddingClient client) : IChatClient
{
    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var made = (await client.GenerateEmbeddingsAsync(messages.Select(message => message.Text), options: null, cancellationToken)).Value;
        return PacedEmbeddings.Answer([.. made.OrderBy(one => one.Index).Select(one => one.ToFloats())], made.Usage?.InputTokenCount);
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (var update in (await GetResponseAsync(messages, options, cancellationToken)).ToChatResponseUpdates())
            yield return update;
    }

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose()
    {
    }
}
