using System.Collections.Concurrent;
using Microsoft.Extensions.AI;

namespace Agora.Tests.DataGeneration;

/// <summary>A generator whose answer is a function of the request, and whose requests finish in an order drawn from a seed.</summary>
internal sealed class ScriptedGenerator(Func<string, long, ChatResponse> answer, int interleaving = 0) : IChatClient
{
    private readonly Random order = new(interleaving);

    public ConcurrentQueue<string> Prompts { get; } = [];

    public static ChatResponse Says(string text, ChatFinishReason? finish = null) => new(new ChatMessage(ChatRole.Assistant, text))
    {
        FinishReason = finish ?? ChatFinishReason.Stop,
        Usage = new UsageDetails { InputTokenCount = 10, OutputTokenCount = 1 + text.Length % 5 },
    };

    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var prompt = messages.LastOrDefault()?.Text ?? "";
        Prompts.Enqueue(prompt);
        int yields;
        lock (order) yields = order.Next(8);
        for (var i = 0; i < yields; i++) await Task.Yield();
        cancellationToken.ThrowIfCancellationRequested();
        return answer(prompt, options!.Seed!.Value);
    }

    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose()
    {
    }
}
