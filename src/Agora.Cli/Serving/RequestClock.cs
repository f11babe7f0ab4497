using System.Diagnostics;

namespace Agora.Cli.Serving;

/// <summary>Runs from a request's arrival; hangs on its context.</summary>
internal sealed class RequestClock
{
    /// <summary>Key among the context's items.</summary>
    public static readonly object Item = new();

    private readonly long started = Stopwatch.GetTimestamp();
    private int taken;

    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(started);

    /// <returns>True the first time.</returns>
    public bool TryTakeFirst() => Interlocked.Exchange(ref taken, 1) == 0;
}
