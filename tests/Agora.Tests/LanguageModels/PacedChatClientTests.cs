using System.Collections.Concurrent;
using Agora.Experiments;
using Agora.LanguageModels;
using Microsoft.Extensions.AI;

namespace Agora.Tests.LanguageModels;

public sealed class PacedChatClientTests
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
            throw new TransientEndpointException("connection refused", EndpointFault.Unreachable);
        }));
        Assert.Equal(3, calls);
        Assert.Equal("the endpoint cannot be reached: connection refused", error.What);
    }

    // The breaker lets one through at a time: if each had tries of its own, 200 requests would take hours to learn it.
    [Fact]
    public async Task However_many_requests_wait_for_an_address_that_never_answered_it_is_given_up_as_soon()
    {
        var (error, after) = await FirstFailureOfManyAsync(() => new TransientEndpointException("connection refused", EndpointFault.Unreachable));
        Assert.Equal("the endpoint cannot be reached: connection refused", error.What);
        Assert.InRange(after, TimeSpan.Zero, TimeSpan.FromMinutes(5));
    }

    [Fact]
    public async Task One_that_can_be_reached_and_never_answers_is_given_up_after_half_an_hour()
    {
        var (error, after) = await FirstFailureOfManyAsync(() => Fault());
        Assert.StartsWith("the endpoint ", error.What, StringComparison.Ordinal);
        Assert.InRange(after, TimeSpan.Zero, TimeSpan.FromMinutes(35));
    }

    // The time is that of the request's last sending, and the earliest of those that were given up counts: the others go on until they are stopped, each of their waits moves the clock by a minute, and
    // which of two that were given up is seen first is the scheduler's choice.
    private async Task<(AgoraException Error, TimeSpan After)> FirstFailureOfManyAsync(Func<Exception> fault)
    {
        var sent = new ConcurrentDictionary<string, TimeSpan>();
        using var client = Client(messages =>
        {
            sent[messages[0].Text] = time.Elapsed;
            throw fault();
        });
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var givenUp = new ConcurrentBag<(AgoraException Error, TimeSpan After)>();
        var requests = Enumerable.Range(0, 200).Select(AskAsync).ToArray();
        await Task.WhenAny(requests);
        await stop.CancelAsync();
        await ((Task)Task.WhenAll(requests)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        return givenUp.MinBy(request => request.After);

        async Task AskAsync(int i)
        {
            try
            {
                await client.GetResponseAsync($"{i}", cancellationToken: stop.Token);
            }
            catch (AgoraException error)
            {
                givenUp.Add((error, sent[$"{i}"]));
            }
        }
    }

    // A training may lie between two steps that ask.
    [Fact]
    public async Task Hours_without_a_request_are_no_outage()
    {
        var calls = 0;
        using var client = Client(_ => ++calls is 2 or 3 ? throw Fault() : Fine);
        await client.GetResponseAsync("hello", cancellationToken: TestContext.Current.CancellationToken);
        time.Advance(TimeSpan.FromHours(5));
        await client.GetResponseAsync("again", cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(4, calls);
    }

    [Fact]
    public async Task An_outage_and_its_end_are_told_once()
    {
        List<string> told = [];
        var pace = new EndpointPace(64, null, new RetryPolicy(), time);
        pace.Outage += told.Add;
        var calls = 0;
        using var client = new PacedChatClient(new FakeChatClient(_ => ++calls is > 1 and < 30 or 40 ? throw Fault() : Fine), "endpoint", pace, new RetryPolicy(), new Budget(), null, time);
        for (var i = 0; i < 30; i++) await client.GetResponseAsync($"{i}", cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(["no request is answered (HTTP 503): trying now and then until the endpoint is well", "requests are answered again"], told);
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

    // 5 in a row open the breaker, and then only one at a time is sent: nobody's attempts are used up while the endpoint rests.
    [Fact]
    public async Task An_outage_of_an_endpoint_that_answered_before_costs_time_and_no_attempts()
    {
        var calls = 0;
        using var client = Client(_ => ++calls is > 1 and < 40 ? throw Fault() : Fine);
        await client.GetResponseAsync("hello", cancellationToken: TestContext.Current.CancellationToken);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => client.GetResponseAsync($"{i}", cancellationToken: TestContext.Current.CancellationToken)));
        Assert.Equal(38 + 20 + 1, calls);
    }

    [Fact]
    public async Task But_an_outage_of_half_an_hour_ends_the_run()
    {
        var calls = 0;
        using var client = Client(_ => ++calls > 1 ? throw Fault() : Fine);
        await client.GetResponseAsync("hello", cancellationToken: TestContext.Current.CancellationToken);
        var error = await Assert.ThrowsAsync<AgoraException>(async () =>
            await Task.WhenAll(Enumerable.Range(0, 20).Select(i => client.GetResponseAsync($"{i}", cancellationToken: TestContext.Current.CancellationToken))));
        Assert.StartsWith("the endpoint ", error.What, StringComparison.Ordinal);
        Assert.True(calls < 300, $"{calls} requests were sent to an endpoint that answers nobody");
    }

    // Between two of its attempts another request is answered: the endpoint is well.
    [Fact]
    public async Task A_request_that_alone_fails_while_others_pass_is_given_up()
    {
        var poisoned = 0;
        using var client = Client(messages =>
        {
            if (messages[0].Text != "poison") return Fine;
            poisoned++;
            throw Fault();
        });
        time.BeforeWaiting = () => client.GetResponseAsync("fine", cancellationToken: TestContext.Current.CancellationToken);
        var error = await Assert.ThrowsAsync<AgoraException>(() => client.GetResponseAsync("poison", cancellationToken: TestContext.Current.CancellationToken));
        Assert.Equal((8, "the endpoint failed 8 times in a row; the last time: HTTP 503"), (poisoned, error.What));
    }

    [Fact]
    public async Task The_attempts_that_failed_come_with_the_answer_and_say_what_they_may_be_charged()
    {
        var calls = 0;
        var response = await AskAsync(_ => ++calls switch
        {
            1 => throw new TransientEndpointException("429", EndpointFault.RateLimited),
            2 => throw new TransientEndpointException("cut", EndpointFault.ConnectionBroke),
            _ => Costing(1, 1),
        }, new ChatOptions { MaxOutputTokens = 100 });
        Assert.Equal([new FailedAttempt("rate_limited", 0, 0), new FailedAttempt("connection_broke", 5 + 16 + 64, 100)], FailedAttempt.Before(response));
    }

    [Fact]
    public async Task An_answer_without_token_counts_may_be_charged_at_most()
    {
        var response = await AskAsync(_ => Fine, new ChatOptions { MaxOutputTokens = 100 });
        Assert.Equal([new FailedAttempt("uncounted", 5 + 16 + 64, 100)], FailedAttempt.Before(response));
    }

    // $1 a token in and out: the request may cost 85 + 15 = 100 dollars, and an answer costs 2.
    [Fact]
    public async Task A_budget_counts_what_is_in_flight_at_its_most_and_a_lost_answer_as_charged()
    {
        var budget = new Budget();
        budget.Begin(limitDollars: 302, spentDollars: 0);
        var (calls, most) = (0, 0m);
        using var client = Client(_ =>
        {
            most = Math.Max(most, budget.State.Spent + budget.State.Reserved);
            return ++calls == 2 ? throw new TransientEndpointException("cut", EndpointFault.ConnectionBroke) : Costing(1, 1);
        }, budget, new Price { Input = 1_000_000, Output = 1_000_000 });
        var error = await Assert.ThrowsAsync<AgoraException>(async () =>
        {
            for (var i = 0; i < 1000; i++) await client.GetResponseAsync("hello", new ChatOptions { MaxOutputTokens = 15 }, TestContext.Current.CancellationToken);
        });
        Assert.Equal(3, error.ExitCode);
        Assert.StartsWith("the budget of $302", error.What, StringComparison.Ordinal);
        Assert.InRange(most, 290, 302);
        Assert.Equal(100 + 2 * (calls - 1), budget.State.Spent);
        Assert.Equal(0, budget.State.Reserved);
    }

    [Fact]
    public async Task Requests_wait_for_those_in_flight_to_make_room_in_the_budget()
    {
        var budget = new Budget();
        budget.Begin(limitDollars: 250, spentDollars: 0);
        using var client = Client(new FakeChatClient(async (_, _, _) =>
        {
            await Task.Yield();
            return Costing(1, 1);
        }), budget, new Price { Input = 1_000_000, Output = 1_000_000 });
        await Task.WhenAll(Enumerable.Range(0, 60).Select(_ => client.GetResponseAsync("hello", new ChatOptions { MaxOutputTokens = 15 }, TestContext.Current.CancellationToken)));
        Assert.Equal(120, budget.State.Spent);
    }

    private static ChatResponse Costing(long input, long output) =>
        new(new ChatMessage(ChatRole.Assistant, "fine")) { Usage = new UsageDetails { InputTokenCount = input, OutputTokenCount = output } };

    private static ChatResponse Fine => new(new ChatMessage(ChatRole.Assistant, "fine"));

    private static TransientEndpointException Fault(TimeSpan? retryAfter = null) => new("HTTP 503", EndpointFault.ServerError, retryAfter);

    private PacedChatClient Client(Func<ChatMessage[], ChatResponse> answer, Budget? budget = null, Price? price = null) => Client(new FakeChatClient(answer), budget, price);

    private PacedChatClient Client(FakeChatClient inner, Budget? budget, Price? price) =>
        new(inner, "endpoint", new EndpointPace(64, null, new RetryPolicy(), time), new RetryPolicy(), budget ?? new Budget(), price, time);

    private Task<ChatResponse> AskAsync(Func<ChatMessage[], ChatResponse> answer, ChatOptions? options = null) =>
        Client(answer).GetResponseAsync("hello", options, TestContext.Current.CancellationToken);
}
