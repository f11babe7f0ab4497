using System.Collections.Concurrent;

namespace Agora.Tests.LanguageModels;

/// <summary>A clock on which every wait is over at once, and which then stands where the wait would have ended; it remembers how long each would have been.</summary>
internal sealed class ImpatientTime : TimeProvider
{
    private readonly long made = System.GetTimestamp();
    private long skipped;

    public ConcurrentQueue<TimeSpan> Waits { get; } = [];

    /// <summary>Something that happens before each wait is over.</summary>
    public Func<Task> BeforeWaiting { get; set; } = () => Task.CompletedTask;

    /// <summary>Since the clock was made.</summary>
    public TimeSpan Elapsed => GetElapsedTime(made);

    public void Advance(TimeSpan by) => Interlocked.Add(ref skipped, (long)(by.TotalSeconds * TimestampFrequency));

    public override long GetTimestamp() => System.GetTimestamp() + Interlocked.Read(ref skipped);

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + new TimeSpan(TimestampFrequency == TimeSpan.TicksPerSecond ? Interlocked.Read(ref skipped) : (long)(Interlocked.Read(ref skipped) * (double)TimeSpan.TicksPerSecond / TimestampFrequency));

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        Waits.Enqueue(dueTime);
        var due = GetTimestamp() + (long)(dueTime.TotalSeconds * TimestampFrequency);
        return System.CreateTimer(async passed =>
        {
            await BeforeWaiting();
            for (long before, missing; (missing = due - GetTimestamp()) > 0;)
                if (Interlocked.CompareExchange(ref skipped, (before = Interlocked.Read(ref skipped)) + missing, before) == before) break;
            callback(passed);
        }, state, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }
}
