namespace Agora.LanguageModels;

/// <summary>Pauses an endpoint that fails everything, and tries it again with one request at a time.</summary>
/// <remarks>
/// Closed: requests flow. It opens when at least five in a row failed, and as many as may be in flight, with no success between them. After a pause, which doubles each time, one request is let
/// through; if it is answered all may go again. Not safe for use from several threads: <see cref="EndpointPace"/> holds its lock.
/// </remarks>
internal sealed class CircuitBreaker(TimeSpan firstPause, TimeSpan longestPause)
{
    private const int Threshold = 5;

    private int failedInARow;
    private TimeSpan? lastPause;
    private TimeSpan? openUntil;
    private bool probing;

    /// <summary>Whether requests are held back, or one is being tried.</summary>
    public bool IsOpen => openUntil is not null;

    /// <summary>When the next request may be tried; null while requests flow or one is on its way.</summary>
    public TimeSpan? NextTry => probing ? null : openUntil;

    /// <returns>How long to wait at least; <see cref="Timeout.InfiniteTimeSpan"/> where it depends on the request that is on its way.</returns>
    public TimeSpan Wait(TimeSpan now) => openUntil is not { } until ? TimeSpan.Zero
        : probing ? Timeout.InfiniteTimeSpan
        : until > now ? until - now : TimeSpan.Zero;

    /// <summary>A request was let in.</summary>
    public void Admitted() => probing |= IsOpen;

    /// <returns>True where the endpoint is well again only now.</returns>
    public bool Succeeded()
    {
        var again = IsOpen;
        (failedInARow, lastPause, openUntil, probing) = (0, null, null, false);
        return again;
    }

    /// <param name="retryAfter">What the endpoint asks for, within what is honoured.</param>
    /// <param name="allowed">How many may be in flight.</param>
    public void Failed(TimeSpan now, TimeSpan retryAfter, int allowed, bool wasProbe)
    {
        failedInARow++;
        if (IsOpen ? wasProbe : failedInARow >= Math.Max(Threshold, allowed))
        {
            var pause = lastPause is { } last ? (2 * last < longestPause ? 2 * last : longestPause) : firstPause;
            lastPause = pause;
            openUntil = now + (pause > retryAfter ? pause : retryAfter);
            probing = false;
        }
    }

    /// <summary>The request that was tried ended without telling anything, for instance because it was cancelled.</summary>
    public void Undecided(bool wasProbe) => probing &= !wasProbe;
}
