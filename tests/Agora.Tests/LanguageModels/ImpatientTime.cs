using System.Collections.Concurrent;

namespace Agora.Tests.LanguageModels;

/// <summary>A clock that stands still but for waits, each of which is over at once: it then stands where the wait would have ended. It remembers how long each would have been.</summary>
/// <remarks>How long the machine takes for anything is not on it, so that what a test asserts of it does not depend on the load.</remarks>
internal sealed class ImpatientTime : TimeProvider
{
    private static readonly DateTimeOffset Start = DateTimeOffset.UtcNow;       // dates that others give by their own clocks are not years away

    private long ticks;

    public ConcurrentQueue<TimeSpan> Waits { get; } = [];

    /// <summary>Something that happens before each wait is over.</summary>
    public Func<Task> BeforeWaiting { get; set; } = () => Task.CompletedTask;

    /// <summary>Since the clock was made.</summary>
    public TimeSpan Elapsed => new(GetTimestamp());

    public void Advance(TimeSpan by) => Interlocked.Add(ref ticks, by.Ticks);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Interlocked.Read(ref ticks);

    public override DateTimeOffset GetUtcNow() => Start + Elapsed;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        Waits.Enqueue(dueTime);
        var due = GetTimestamp() + dueTime.Ticks;
        return System.CreateTimer(async passed =>
        {
            await BeforeWaiting();
            for (long before; (before = GetTimestamp()) < due;)
                if (Interlocked.CompareExchange(ref ticks, due, before) == before) break;
            callback(passed);
        }, state, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }
}
