using Agora.Experiments;
using Agora.LanguageModels;
using Microsoft.Extensions.AI;

namespace Agora.Tests.LanguageModels;

public sealed class RetryingChatClientTests
{
    private readonly ImpatientTime time = new();

    [Fact]
    public async Task What_may_pass_is_asked_again_with_growing_waits()
    {
        var calls = 0;
        await AskAsync(_ => ++calls < 5 ? throw Fault() : Fine);
        Assert.Equal(5, calls);
        double[] expected = [1, 2, 4, 8];
        Assert.All(time.Waits.Zip(expected), wait => Assert.InRange(wait.First.TotalSeconds, 0.75 * wait.Second, 1.25 * wait.Second));
        Assert.Equal(4, time.Waits.Count);
    }

    [Fact]
    public async Task An_endpoint_that_says_how_long_to_wait_is_obeyed()
    {
        var calls = 0;
        await AskAsync(_ => ++calls < 2 ? throw Fault(TimeSpan.FromSeconds(30)) : Fine);
        Assert.Equal(TimeSpan.FromSeconds(30), time.Waits.Single());
    }

    [Fact]
    public async Task But_not_when_it_asks_for_a_day()
    {
        var calls = 0;
        await AskAsync(_ => ++calls < 2 ? throw Fault(TimeSpan.FromDays(1)) : Fine);
        Assert.Equal(TimeSpan.FromSeconds(120), time.Waits.Single());
    }

    [Fact]
    public async Task It_gives_up_after_the_stated_number_of_requests()
    {
        var calls = 0;
        var error = await Assert.ThrowsAsync<AgoraException>(() => AskAsync(_ =>
        {
            calls++;
            throw Fault();
        }));
        Assert.Equal(8, calls);
        Assert.Equal("the endpoint failed 8 times in a row; the last time: HTTP 503", error.What);
    }

    [Fact]
    public async Task An_address_that_never_answered_is_given_up_sooner()
    {
        var calls = 0;
        var error = await Assert.ThrowsAsync<AgoraException>(() => AskAsync(_ =>
        {
            calls++;
            throw new TransientEndpointException("connection refused", null, connected: false);
        }));
        Assert.Equal(3, calls);
        Assert.Equal("the endpoint cannot be reached: connection refused", error.What);
    }

    [Fact]
    public async Task What_will_not_pass_is_asked_once()
    {
        var calls = 0;
        await Assert.ThrowsAsync<PromptRefusedException>(() => AskAsync(_ =>
        {
            calls++;
            throw new PromptRefusedException("too long");
        }));
        Assert.Equal(1, calls);
    }

    private static readonly ChatResponse Fine = new(new ChatMessage(ChatRole.Assistant, "fine"));

    private static TransientEndpointException Fault(TimeSpan? retryAfter = null) => new("HTTP 503", retryAfter, connected: true);

    private Task<ChatResponse> AskAsync(Func<ChatMessage[], ChatResponse> answer) =>
        new RetryingChatClient(new FakeChatClient(answer), "endpoint", new RetryPolicy(), time).GetResponseAsync("hello", cancellationToken: TestContext.Current.CancellationToken);
}
