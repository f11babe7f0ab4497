using Microsoft.Extensions.AI;

namespace Agora.Tests.LanguageModels;

internal sealed class FakeChatClient(Func<ChatMessage[], ChatOptions?, CancellationToken, Task<ChatResponse>> answer) : IChatClient
{
    private int calls;

    public FakeChatClient(Func<ChatMessage[], ChatResponse> answer) : this((messages, _, _) => Task.FromResult(answer(messages)))
    {
    }

    public int Calls => Volatile.Read(ref calls);

    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        Interlocked.Increment(ref calls);
        return answer([.. messages], options, cancellationToken);
    }

    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose()
    {
    }
}
