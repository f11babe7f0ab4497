using System.Diagnostics;
using System.Text.Json.Serialization;

namespace Agora.Runs;

/// <summary>How long a step took. It lies beside the result, not in it: two runs of a step have the same bytes, not the same times.</summary>
public sealed record StepTiming
{
    public required DateTimeOffset Started { get; init; }
    public required DateTimeOffset Finished { get; init; }
    /// <summary>Wall time of the process that finished the step; work of interrupted processes before it is not counted.</summary>
    public required double Seconds { get; init; }
    /// <summary>Part of <see cref="Seconds"/> in which at least one model was answering or training.</summary>
    public required double ModelSeconds { get; init; }
    /// <summary>Tokens that were trained on in <see cref="ModelSeconds"/>; 0 for other steps.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long TrainedTokens { get; init; }
    /// <summary>Everything but model time: prompts, parsing, checks, files.</summary>
    [JsonIgnore]
    public double OwnSeconds => Math.Max(0, Seconds - ModelSeconds);
}

/// <summary>Measures the time in which at least one model is at work, however many requests overlap.</summary>
public sealed class ModelClock(TimeProvider time)
{
    private readonly Lock gate = new();
    private int atWork;
    private long since;
    private TimeSpan total;

    /// <summary>Model time so far.</summary>
    public TimeSpan Total
    {
        get
        {
            lock (gate)
                return atWork > 0 ? total + time.GetElapsedTime(since) : total;
        }
    }

    /// <summary>A model is at work from now until the disposal.</summary>
    public IDisposable Measure()
    {
        lock (gate)
        {
            if (atWork++ == 0)
                since = time.GetTimestamp();
        }
        return new Interval(this);
    }

    private void Stop()
    {
        lock (gate)
        {
            if (--atWork == 0)
                total += time.GetElapsedTime(since);
            Debug.Assert(atWork >= 0);
        }
    }

    private sealed class Interval(ModelClock clock) : IDisposable
    {
        private ModelClock? open = clock;

        public void Dispose() => Interlocked.Exchange(ref open, null)?.Stop();
    }
}
