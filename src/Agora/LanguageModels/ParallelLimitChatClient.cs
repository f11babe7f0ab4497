using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Agora.LanguageModels;

/// <summary>Keeps at most so many requests in flight at one endpoint, whoever sends them.</summary>
public sealed class ParallelLimitChatClient(IChatClient inner, int maxParallel) : DelegatingChatClient(inner)
{
    private readonly SemaphoreSlim free = new(maxParallel, maxParallel);

    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        await free.WaitAsync(cancellationToken);
        try
        {
            return await base.GetResponseAsync(messages, options, cancellationToken);
        }
        finally
        {
            free.Release();
        }
    }

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await free.WaitAsync(cancellationToken);
        try
        {
            await foreach (var update in base.GetStreamingResponseAsync(messages, options, cancellationToken))
                yield return update;
        }
        finally
        {
            free.Release();
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) free.Dispose();
        base.Dispose(disposing);
    }
}
