using Agora.LanguageModels;
using Microsoft.Extensions.AI;

namespace Agora.Tests.LanguageModels;

public sealed class ParallelLimitChatClientTests
{
    [Fact]
    public async Task No_more_requests_are_in_flight_than_allowed_and_all_are_answered()
    {
        var (running, most) = (0, 0);
        var counting = new Lock();
        using var client = new ParallelLimitChatClient(new FakeChatClient(async (_, _, _) =>
        {
            lock (counting) most = Math.Max(most, ++running);
            await Task.Yield();
            lock (counting) running--;
            return new ChatResponse(new ChatMessage(ChatRole.Assistant, "x"));
        }), maxParallel: 3);
        await Task.WhenAll(Enumerable.Range(0, 100).Select(i => client.GetResponseAsync($"{i}", cancellationToken: TestContext.Current.CancellationToken)));
        Assert.InRange(most, 1, 3);
    }

    [Fact]
    public async Task A_failed_request_frees_its_place()
    {
        using var client = new ParallelLimitChatClient(new FakeChatClient(_ => throw new TimeoutException()), maxParallel: 1);
        for (var i = 0; i < 3; i++)
            await Assert.ThrowsAsync<TimeoutException>(() => client.GetResponseAsync("x", cancellationToken: TestContext.Current.CancellationToken));
    }
}
