namespace Agora.LanguageModels;

/// <summary>How often and after what wait a request is repeated.</summary>
public sealed record RetryPolicy
{
    /// <summary>Requests in all, the first included. Those that fail while the whole endpoint does are not counted.</summary>
    public int Attempts { get; init; } = 8;
    /// <summary>The same for "too many requests", which says nothing bad about the request.</summary>
    public int AttemptsWhenLimited { get; init; } = 50;
    /// <summary>Tries of an endpoint that was never reached, by whatever requests: a wrong address should be told soon.</summary>
    public int AttemptsUntilFirstContact { get; init; } = 3;
    /// <summary>How long an endpoint that can be reached may answer nobody before the run gives up.</summary>
    public TimeSpan LongestOutage { get; init; } = TimeSpan.FromMinutes(30);
    /// <summary>Before the second request; doubles from one to the next.</summary>
    public TimeSpan FirstWait { get; init; } = TimeSpan.FromSeconds(1);
    public TimeSpan LongestWait { get; init; } = TimeSpan.FromSeconds(60);
    /// <summary>The most that an endpoint's Retry-After is honoured: a wrong clock may ask for hours.</summary>
    public TimeSpan LongestRetryAfter { get; init; } = TimeSpan.FromSeconds(120);
    /// <summary>How long one request may stay without an answer: 4,096 new tokens of a slow model take minutes.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromMinutes(10);
}
