using Agora.Experiments;
using Microsoft.Extensions.AI;

namespace Agora.Runs;

/// <summary>Stands behind the journal of a step that is done: what the journal does not hold is not asked for.</summary>
internal sealed class NobodyAsked(string step) : IChatClient, IEmbeddingGenerator<string, Embedding<float>>
{
    /// <summary>The step is done, and what it was answered is not kept any more, as in a store that was copied in part.</summary>
    public static AgoraException Lost(string step) => new($"\"{step}\" is done, and what it was answered is not kept any more", "budget.limitDollars",
        "look at the data set itself, or preview it without a limit: --set budget.limitDollars=null")
    { ExitCode = 2 };

    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) => throw Lost(step);

    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) => throw Lost(step);

    public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default) => throw Lost(step);

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose()
    {
    }
}
