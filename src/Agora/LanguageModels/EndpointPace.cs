using Agora.Experiments;

namespace Agora.LanguageModels;

/// <summary>What a request takes from an endpoint's limits.</summary>
/// <param name="InputBytes">UTF-8 bytes of all messages.</param>
/// <param name="MaxOutputTokens">The most it may write.</param>
public readonly record struct RequestSize(long InputBytes, long MaxOutputTokens)
{
    /// <summary>No tokenizer makes more tokens than bytes, and a chat template adds some around each message.</summary>
    public long MostInputTokens => InputBytes + 64;
}

/// <summary>When a request may go to one model of one endpoint: the one gate for all steps of a run.</summary>
/// <remarks>
/// Holds the experiment's limits and those that the endpoint's headers tell, the adaptive number of requests in flight and the circuit breaker. First come, first served.
/// The order in which requests go decides nothing about a result.
/// </remarks>
public sealed class EndpointPace
{
    private readonly Lock gate = new();
    private readonly LinkedList<Waiter> waiting = [];
    private readonly TimeProvider time;
    private readonly TimeSpan longestRetryAfter;
    private readonly AdaptiveConcurrency concurrency;
    private readonly CircuitBreaker breaker;
    private readonly RateLimits limits;
    private readonly long epoch;
    private readonly RateBucket? perSecond;
    private readonly RateBucket?[] buckets = new RateBucket?[4];     // by RateLimitKind
    private int inFlight;
    private double tokensPerByte = 0.25;
    private TimeSpan wakeAt = TimeSpan.MaxValue;
    private readonly TimeSpan firstWait;
    private bool reached;
    private bool everAnswered;
    private int triesWithoutContact;
    private TimeSpan? lastTryWithoutContact;
    private TimeSpan? failingSince;
    private Action<string>? outage;
    private bool outageTold;

    public EndpointPace(int maxParallel, RateLimits? limits, RetryPolicy policy, TimeProvider time)
    {
        this.time = time;
        this.limits = limits ?? new RateLimits();
        epoch = time.GetTimestamp();
        longestRetryAfter = policy.LongestRetryAfter;
        firstWait = policy.FirstWait;
        concurrency = new AdaptiveConcurrency(maxParallel);
        breaker = new CircuitBreaker(policy.FirstWait, policy.LongestWait);
        if (this.limits.RequestsPerSecond is { } requests) perSecond = Smooth(requests);
        if (this.limits.RequestsPerMinute is { } perMinute) buckets[(int)RateLimitKind.Requests] = Smooth(perMinute / 60.0);
        if (this.limits.InputTokensPerMinute is { } input) buckets[(int)RateLimitKind.InputTokens] = new RateBucket(input / 60.0, input / 60.0, TimeSpan.Zero);
        if (this.limits.OutputTokensPerMinute is { } output) buckets[(int)RateLimitKind.OutputTokens] = new RateBucket(output / 60.0, output / 60.0, TimeSpan.Zero);

        // Requests are spread evenly, but a timer is no finer than some milliseconds.
        static RateBucket Smooth(double perSecond) => new(perSecond, Math.Max(1, perSecond / 50), TimeSpan.Zero);
    }

    /// <summary>Whether anything ever came back from the endpoint, be it an error.</summary>
    public bool Reached
    {
        get { lock (gate) return reached; }
    }

    /// <summary>How often it was tried in vain to reach the endpoint at all. What many requests meet at one moment is one try.</summary>
    public int TriesWithoutContact
    {
        get { lock (gate) return triesWithoutContact; }
    }

    /// <summary>Says when the endpoint has been failing everything for a while, and when it is well again. Called under this object's lock: must be quick, and not come back here.</summary>
    public event Action<string> Outage
    {
        add { lock (gate) outage += value; }
        remove { lock (gate) outage -= value; }
    }

    /// <summary>Whether any request was ever answered, be it with a refusal.</summary>
    public bool EverAnswered
    {
        get { lock (gate) return everAnswered; }
    }

    /// <summary>For how long every request has failed. Time in which none was sent, between two steps, is nobody's outage.</summary>
    public TimeSpan FailingFor
    {
        get { lock (gate) return failingSince is { } since ? Now - since : TimeSpan.Zero; }
    }

    public PaceState State
    {
        get { lock (gate) return new PaceState(inFlight, concurrency.Limit, waiting.Count, breaker.NextTry is { } next && next > Now ? next - Now : null); }
    }

    private TimeSpan Now => time.GetElapsedTime(epoch);

    /// <summary>Waits until the request may go. The turn must be ended in one of its ways.</summary>
    public ValueTask<PaceTurn> EnterAsync(RequestSize size, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Waiter waiter;
        lock (gate)
        {
            if (waiting.Count == 0 && Wait(size) == TimeSpan.Zero) return ValueTask.FromResult(Admit(size));
            waiter = new Waiter(size);
            waiting.AddLast(waiter.Node);
            Pump();
        }
        return new ValueTask<PaceTurn>(WaitAsync(waiter, cancellationToken));
    }

    private async Task<PaceTurn> WaitAsync(Waiter waiter, CancellationToken cancellationToken)
    {
        await using var leaving = cancellationToken.UnsafeRegister(_ =>
        {
            lock (gate)
            {
                if (waiter.Node.List is null) return;       // it was let in at this very moment
                waiting.Remove(waiter.Node);
                Pump();
            }
            waiter.Turn.TrySetCanceled(cancellationToken);
        }, null);
        return await waiter.Turn.Task;
    }

    /// <summary>What an answer's headers say, taken into account from now on.</summary>
    public void Learn(IEnumerable<RateLimitReading> readings)
    {
        lock (gate)
        {
            foreach (var reading in readings)
            {
                var now = Now;
                var perSecond = Math.Min(reading.PerSecond, Stated(reading.Kind) is { } stated ? stated / 60.0 : double.PositiveInfinity);
                // What the endpoint lets go at once, but not so much that a whole minute's worth hits it in the first second.
                var size = Math.Max(1, Math.Min(reading.Limit, perSecond * 5));
                ref var bucket = ref buckets[(int)reading.Kind];
                if (bucket is null) bucket = new RateBucket(perSecond, size, now);
                else if (Stated(reading.Kind) is null || perSecond < bucket.PerSecond) bucket.Change(perSecond, Stated(reading.Kind) is null ? size : bucket.Size, now);
                bucket.LowerTo(reading.Remaining, now);
            }
        }
    }

    private double? Stated(RateLimitKind kind) => kind switch
    {
        RateLimitKind.Requests => limits.RequestsPerMinute,
        RateLimitKind.InputTokens => limits.InputTokensPerMinute,
        RateLimitKind.OutputTokens => limits.OutputTokensPerMinute,
        _ => null,
    };

    private double Need(RateLimitKind kind, RequestSize size) => kind switch
    {
        RateLimitKind.Requests => 1,
        RateLimitKind.InputTokens => size.InputBytes * tokensPerByte,
        RateLimitKind.OutputTokens => size.MaxOutputTokens,
        _ => size.InputBytes * tokensPerByte + size.MaxOutputTokens,
    };

    private TimeSpan Wait(RequestSize size)
    {
        var now = Now;
        var wait = breaker.Wait(now);
        if (wait == Timeout.InfiniteTimeSpan || inFlight >= concurrency.Limit) return Timeout.InfiniteTimeSpan;
        if (perSecond is not null) wait = Longer(wait, perSecond.Wait(1, now));
        for (var kind = 0; kind < buckets.Length; kind++)
            if (buckets[kind] is { } bucket) wait = Longer(wait, bucket.Wait(Need((RateLimitKind)kind, size), now));
        return wait;

        static TimeSpan Longer(TimeSpan a, TimeSpan b) => a > b ? a : b;
    }

    private PaceTurn Admit(RequestSize size)
    {
        var wasFull = inFlight + 1 >= concurrency.Limit;
        var probe = breaker.IsOpen;
        breaker.Admitted();
        inFlight++;
        perSecond?.Take(1);
        Span<double> taken = stackalloc double[4];
        for (var kind = 0; kind < buckets.Length; kind++)
            if (buckets[kind] is { } bucket) bucket.Take(taken[kind] = Need((RateLimitKind)kind, size));
        return new PaceTurn(this, Now, size, wasFull, probe, (taken[1], taken[2], taken[3]));
    }

    // Lets in who may go, and sees to it that somebody looks again when the next one may.
    private void Pump()
    {
        while (waiting.First is { Value: var next })
        {
            var wait = Wait(next.Size);
            if (wait == Timeout.InfiniteTimeSpan) return;   // whoever ends its turn pumps again
            if (wait > TimeSpan.Zero)
            {
                WakeIn(wait);
                return;
            }
            waiting.RemoveFirst();
            next.Turn.SetResult(Admit(next.Size));
        }
    }

    private void WakeIn(TimeSpan wait)
    {
        var at = Now + wait;
        if (at >= wakeAt) return;
        wakeAt = at;
        _ = WakeAsync(wait, at);
    }

    private async Task WakeAsync(TimeSpan wait, TimeSpan at)
    {
        await Task.Delay(wait < TimeSpan.FromMilliseconds(1) ? TimeSpan.FromMilliseconds(1) : wait, time);
        lock (gate)
        {
            if (wakeAt == at) wakeAt = TimeSpan.MaxValue;
            Pump();
        }
    }

    internal void Succeeded(PaceTurn turn, long? inputTokens, long? outputTokens)
    {
        lock (gate)
        {
            Answered();
            if (breaker.Succeeded()) concurrency.StartOver();
            else concurrency.Succeeded(turn.Sent, Now, outputTokens ?? 0, turn.WasFull || inFlight >= concurrency.Limit);
            if (inputTokens is > 0 && turn.Size.InputBytes > 0)
                tokensPerByte += 0.05 * (Math.Min(1, inputTokens.Value / (double)turn.Size.InputBytes) - tokensPerByte);
            if (outputTokens is { } written)
            {
                var unused = Math.Max(0, turn.Size.MaxOutputTokens - written);
                if (turn.Taken.Tokens > 0) buckets[(int)RateLimitKind.Tokens]?.GiveBack(unused);
                if (turn.Taken.Output > 0) buckets[(int)RateLimitKind.OutputTokens]?.GiveBack(unused);
            }
            Leave();
        }
    }

    internal bool Failed(PaceTurn turn, TransientEndpointException passing)
    {
        lock (gate)
        {
            var (fault, retryAfter) = (passing.Fault, passing.RetryAfter);
            var (now, wasOpen) = (Now, breaker.IsOpen);
            failingSince ??= now;
            if (fault != EndpointFault.Unreachable)
            {
                reached = true;
            }
            else if (lastTryWithoutContact is not { } last || turn.Sent - last > firstWait / 2)
            {
                triesWithoutContact++;
                lastTryWithoutContact = now;
            }
            if (fault.IsOfTheEndpoint())
            {
                if (fault == EndpointFault.RateLimited) concurrency.Overloaded(turn.Sent, now);
                else concurrency.Failed(turn.Sent, now);
                var honoured = retryAfter is { } asked ? (asked < longestRetryAfter ? asked : longestRetryAfter) : TimeSpan.Zero;
                breaker.Failed(now, honoured, concurrency.Limit, turn.IsProbe);
                // A pause or two are nothing to speak of.
                if (breaker.NextTry - now > 3 * firstWait && !outageTold && outage is not null)
                {
                    outageTold = true;
                    outage($"no request is answered ({passing.Message}): trying now and then until the endpoint is well");
                }
            }
            else
            {
                breaker.Undecided(turn.IsProbe);
            }
            // Nothing was computed, so nothing was counted but the request.
            if (!fault.MayBeCharged()) GiveBackTokens(turn);
            Leave();
            return wasOpen || breaker.IsOpen;
        }
    }

    internal void Refused(PaceTurn turn)
    {
        lock (gate)
        {
            Answered();
            breaker.Succeeded();
            GiveBackTokens(turn);
            Leave();
        }
    }

    internal void Abandoned(PaceTurn turn)
    {
        lock (gate)
        {
            breaker.Undecided(turn.IsProbe);
            Leave();
        }
    }

    private void GiveBackTokens(PaceTurn turn)
    {
        buckets[(int)RateLimitKind.Tokens]?.GiveBack(turn.Taken.Tokens);
        buckets[(int)RateLimitKind.InputTokens]?.GiveBack(turn.Taken.Input);
        buckets[(int)RateLimitKind.OutputTokens]?.GiveBack(turn.Taken.Output);
    }

    private void Answered()
    {
        (reached, everAnswered, failingSince) = (true, true, null);
        if (!outageTold) return;
        outageTold = false;
        outage?.Invoke("requests are answered again");
    }

    private void Leave()
    {
        inFlight--;
        Pump();
    }

    private sealed class Waiter
    {
        public Waiter(RequestSize size)
        {
            Size = size;
            Node = new LinkedListNode<Waiter>(this);
        }

        public RequestSize Size { get; }
        public LinkedListNode<Waiter> Node { get; }
        public TaskCompletionSource<PaceTurn> Turn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

/// <summary>A request that was let in; ended once, in one of four ways.</summary>
public readonly struct PaceTurn
{
    private readonly EndpointPace pace;

    internal PaceTurn(EndpointPace pace, TimeSpan sent, RequestSize size, bool wasFull, bool isProbe, (double Tokens, double Input, double Output) taken)
    {
        this.pace = pace;
        (Sent, Size, WasFull, IsProbe, Taken) = (sent, size, wasFull, isProbe, taken);
    }

    internal TimeSpan Sent { get; }
    internal RequestSize Size { get; }
    internal bool WasFull { get; }
    internal bool IsProbe { get; }
    internal (double Tokens, double Input, double Output) Taken { get; }

    /// <param name="inputTokens">Null where the endpoint did not say.</param>
    public void Succeeded(long? inputTokens, long? outputTokens) => pace.Succeeded(this, inputTokens, outputTokens);

    /// <returns>Whether the endpoint is paused: then the fault is not held against the request.</returns>
    public bool Failed(TransientEndpointException fault) => pace.Failed(this, fault);

    /// <summary>The endpoint is well and will not answer this one.</summary>
    public void Refused() => pace.Refused(this);

    /// <summary>Nothing was learned about the endpoint.</summary>
    public void Abandoned() => pace.Abandoned(this);
}

/// <param name="Allowed">Requests in flight that are allowed at present.</param>
/// <param name="PausedFor">How long the endpoint still rests; null where requests flow.</param>
public readonly record struct PaceState(int InFlight, int Allowed, int Waiting, TimeSpan? PausedFor);
