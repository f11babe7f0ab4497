using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Agora.Runs;

/// <summary>Counts the time in which the model answers as model time.</summary>
internal sealed class TimedChatClient(IChatClient inner, ModelClock clock) : DelegatingChatClient(inner)
{
    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        using (clock.Measure())
            return await base.GetResponseAsync(messages, options, cancellationToken);
    }

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using (clock.Measure())
            await foreach (var update in base.GetStreamingResponseAsync(messages, options, cancellationToken))
                yield return update;
    }
}
