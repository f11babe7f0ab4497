using Agora.Experiments;
using Agora.LanguageModels;

namespace Agora.Tests.LanguageModels;

public sealed class EndpointPaceTests
{
    private static readonly RequestSize Small = new(InputBytes: 400, MaxOutputTokens: 50);

    private readonly ImpatientTime time = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_more_requests_are_in_flight_than_allowed_and_all_get_their_turn()
    {
        var pace = Pace(3, null);
        var (running, most) = (0, 0);
        var counting = new Lock();
        await Task.WhenAll(Enumerable.Range(0, 100).Select(async _ =>
        {
            var turn = await pace.EnterAsync(Small, Stop);
            lock (counting) most = Math.Max(most, ++running);
            await Task.Yield();
            lock (counting) running--;
            turn.Succeeded(1, 1);
        }));
        Assert.InRange(most, 1, 3);
        Assert.Equal(0, pace.State.InFlight);
    }

    // The clock jumps over waits, so that a minute passes at once; what has passed on it is at least what the limit demands.
    [Theory]
    [InlineData(10.0, null, null, null, 100, 9.8)]
    [InlineData(null, 60, null, null, 31, 29.9)]
    [InlineData(null, null, 6000, null, 61, 59)]      // 100 tokens of a prompt each: one a second
    [InlineData(null, null, null, 6000, 121, 58)]     // 50 tokens of an answer each: two a second
    public async Task A_limit_is_kept_over_time(double? perSecond, int? perMinute, int? input, int? output, int requests, double seconds)
    {
        var limits = new RateLimits { RequestsPerSecond = perSecond, RequestsPerMinute = perMinute, InputTokensPerMinute = input, OutputTokensPerMinute = output };
        Assert.InRange(await SecondsForAsync(Pace(1000, limits), requests), seconds, 1.3 * seconds + 1);
    }

    [Fact]
    public async Task What_an_answer_did_not_write_is_free_for_the_next_ones()
    {
        var limits = new RateLimits { OutputTokensPerMinute = 6000 };
        Assert.InRange(await SecondsForAsync(Pace(1000, limits), 121, written: 5), 3, 12);
    }

    [Fact]
    public async Task Limits_are_learned_from_headers()
    {
        var pace = Pace(1000, null);
        pace.Learn([new RateLimitReading(RateLimitKind.Requests, Limit: 120, Remaining: 0, UntilFull: TimeSpan.FromSeconds(60))]);
        Assert.InRange(await SecondsForAsync(pace, 61), 30, 40);
    }

    [Fact]
    public async Task A_limit_per_day_is_told_from_one_per_minute_by_the_time_until_it_is_full()
    {
        var pace = Pace(1000, null);
        pace.Learn([new RateLimitReading(RateLimitKind.Requests, Limit: 8640, Remaining: 0, UntilFull: TimeSpan.FromDays(1))]);
        Assert.InRange(await SecondsForAsync(pace, 11), 100, 120);
    }

    [Fact]
    public async Task A_stated_limit_holds_where_the_endpoint_would_allow_more()
    {
        var pace = Pace(1000, new RateLimits { RequestsPerMinute = 60 });
        pace.Learn([new RateLimitReading(RateLimitKind.Requests, Limit: 100_000, Remaining: 99_999, UntilFull: null)]);
        Assert.InRange(await SecondsForAsync(pace, 31), 29.9, 40);
    }

    [Fact]
    public async Task A_request_above_a_limit_goes_alone_and_is_paid_back_in_time()
    {
        var pace = Pace(1000, new RateLimits { InputTokensPerMinute = 60 });
        (await pace.EnterAsync(new RequestSize(4000, 0), Stop)).Abandoned();
        var started = time.GetTimestamp();
        (await pace.EnterAsync(new RequestSize(4, 0), Stop)).Abandoned();
        Assert.InRange(time.GetElapsedTime(started).TotalSeconds, 999, 1002);
    }

    [Fact]
    public async Task Whoever_stops_waiting_leaves_the_queue_and_holds_nobody_up()
    {
        var pace = Pace(1, null);
        var first = await pace.EnterAsync(Small, Stop);
        using var leaving = new CancellationTokenSource();
        var second = pace.EnterAsync(Small, leaving.Token).AsTask();
        var third = pace.EnterAsync(Small, Stop).AsTask();
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        first.Succeeded(1, 1);
        (await third).Succeeded(1, 1);
        Assert.Equal((0, 0), (pace.State.InFlight, pace.State.Waiting));
    }

    [Fact]
    public void The_number_in_flight_grows_fast_is_cut_once_per_burst_and_grows_slowly_then()
    {
        var concurrency = new AdaptiveConcurrency(512);
        Assert.Equal(128, concurrency.Limit);
        for (var i = 0; i < 24; i++) concurrency.Succeeded(Second(1), Second(2), 10, wasFull: true);
        Assert.Equal(200, concurrency.Limit);
        for (var i = 0; i < 50; i++) concurrency.Overloaded(sent: Second(2), now: Second(3));
        Assert.Equal(140, concurrency.Limit);
        for (var i = 0; i < 141; i++) concurrency.Succeeded(Second(4), Second(5), 10, wasFull: true);
        Assert.Equal(141, concurrency.Limit);
        for (var i = 0; i < 9999; i++) concurrency.Succeeded(Second(6), Second(7), 10, wasFull: false);
        Assert.Equal(141, concurrency.Limit);
    }

    [Theory]
    [InlineData(4096, 1024)]
    [InlineData(64, 32)]
    [InlineData(5, 5)]
    public void It_begins_with_a_quarter_of_what_is_allowed_and_with_32_of_few(int most, int first) => Assert.Equal(first, new AdaptiveConcurrency(most).Limit);

    // Whoever allows far more than the endpoint takes is told so by bursts of 429, each of which cuts.
    [Fact]
    public void A_storm_of_429_takes_it_down_to_what_the_endpoint_takes()
    {
        var concurrency = new AdaptiveConcurrency(4096);
        for (var burst = 1; burst < 30 && concurrency.Limit > 16; burst++)
            for (var i = concurrency.Limit; i > 0; i--) concurrency.Overloaded(Second(burst), Second(burst) + TimeSpan.FromMilliseconds(10));
        Assert.InRange(concurrency.Limit, 8, 16);
    }

    // One fault in sixteen, at random, is what a large provider has on a bad day.
    [Fact]
    public void Faults_here_and_there_cut_the_number_in_flight_a_little_for_a_while_and_many_of_them_much()
    {
        var concurrency = new AdaptiveConcurrency(64);
        for (var i = 0; i < 40; i++) concurrency.Succeeded(Second(i), Second(i + 1), 10, wasFull: true);
        concurrency.Failed(Second(41), Second(42));
        Assert.Equal(60, concurrency.Limit);
        concurrency.Failed(Second(41), Second(42));     // sent before the cut: nothing new
        Assert.Equal(60, concurrency.Limit);
        for (var i = 0; i < 64; i++) concurrency.Succeeded(Second(43), Second(44), 10, wasFull: true);
        Assert.Equal(64, concurrency.Limit);
        var least = 64;
        // Rounds of as many as are in flight.
        for (var (round, sent) = (50, 0); round < 150; round++)
        {
            for (var i = concurrency.Limit; i > 0; i--)
            {
                if (sent++ % 16 == 15) concurrency.Failed(Second(round), Second(round) + TimeSpan.FromMilliseconds(500));
                else concurrency.Succeeded(Second(round), Second(round) + TimeSpan.FromMilliseconds(500), 10, wasFull: true);
            }
            least = Math.Min(least, concurrency.Limit);
        }
        Assert.InRange(least, 50, 63);
        for (var i = 2000; i < 2020; i++) concurrency.Failed(Second(i), Second(i + 1));
        Assert.True(concurrency.Limit < 8);
    }

    [Fact]
    public void Answers_that_become_five_times_slower_cut_it_and_longer_answers_do_not()
    {
        var concurrency = new AdaptiveConcurrency(32);
        for (var i = 0; i < 100; i++) concurrency.Succeeded(Second(i), Second(i + 1), 10, wasFull: true);
        for (var i = 0; i < 100; i++) concurrency.Succeeded(Second(200), Second(260), 2000, wasFull: true);
        Assert.Equal(32, concurrency.Limit);
        for (var i = 0; i < 100; i++) concurrency.Succeeded(Second(300 + i), Second(320 + i), 10, wasFull: false);
        Assert.True(concurrency.Limit < 32);
    }

    [Fact]
    public void The_breaker_opens_when_nothing_passes_tries_one_and_waits_longer_each_time()
    {
        var breaker = new CircuitBreaker(Second(1), Second(60));
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(TimeSpan.Zero, breaker.Wait(Second(10)));
            breaker.Failed(Second(10), TimeSpan.Zero, allowed: 1, wasProbe: false);
        }
        Assert.Equal(Second(1), breaker.Wait(Second(10)));
        breaker.Admitted();
        Assert.Equal(Timeout.InfiniteTimeSpan, breaker.Wait(Second(11)));
        breaker.Failed(Second(11), TimeSpan.Zero, allowed: 1, wasProbe: true);
        Assert.Equal(Second(2), breaker.Wait(Second(11)));
        breaker.Admitted();
        breaker.Failed(Second(13), retryAfter: Second(20), allowed: 1, wasProbe: true);
        Assert.Equal(Second(20), breaker.Wait(Second(13)));
        breaker.Admitted();
        Assert.True(breaker.Succeeded());
        Assert.Equal(TimeSpan.Zero, breaker.Wait(Second(33)));
    }

    private static TimeSpan Second(double seconds) => TimeSpan.FromSeconds(seconds);

    private EndpointPace Pace(int most, RateLimits? limits) => new(most, limits, new RetryPolicy(), time);

    private async Task<double> SecondsForAsync(EndpointPace pace, int requests, long? written = null)
    {
        var started = time.GetTimestamp();
        for (var i = 0; i < requests; i++)
        {
            var turn = await pace.EnterAsync(Small, Stop);
            turn.Succeeded(100, written ?? Small.MaxOutputTokens);
        }
        return time.GetElapsedTime(started).TotalSeconds;
    }
}
