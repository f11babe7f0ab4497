using System.Collections.Concurrent;
using Microsoft.Extensions.AI;

namespace Agora.Tests.Benchmarks;

/// <summary>A judge that answers by rule, and remembers what it was asked.</summary>
internal sealed class ScriptedJudge(Func<IReadOnlyList<ChatMessage>, string> verdict) : IChatClient
{
    public ConcurrentQueue<string> Asked { get; } = [];

    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ChatMessage[] all = [.. messages];
        Asked.Enqueue(all[^1].Text);
        return Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, verdict(all))));
    }

    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose()
    {
        // Nothing is held.
    }
}
