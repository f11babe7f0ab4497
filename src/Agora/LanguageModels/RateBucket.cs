namespace Agora.LanguageModels;

/// <summary>One limit of so much a second, as a bucket that fills steadily and that every request takes from.</summary>
/// <remarks>
/// A request whose need is above the bucket's size is let in when the bucket is full, and leaves a debt: over time the rate is exact for requests of any size.
/// Not safe for use from several threads: <see cref="EndpointPace"/> holds its lock.
/// </remarks>
/// <param name="perSecond">Above 0.</param>
/// <param name="size">The most that may be taken at one moment.</param>
internal sealed class RateBucket(double perSecond, double size, TimeSpan now)
{
    private TimeSpan filledAt = now;

    public double PerSecond { get; private set; } = perSecond;
    public double Size { get; private set; } = size;
    public double Level { get; private set; } = size;

    /// <summary>How long until the need fits; zero where it does now.</summary>
    public TimeSpan Wait(double need, TimeSpan now)
    {
        Fill(now);
        var missing = Math.Min(need, Size) - Level;
        // A microsecond more than needed: a wait that rounds down would be followed by another.
        return missing <= 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(missing / PerSecond) + TimeSpan.FromMicroseconds(1);
    }

    public void Take(double amount) => Level -= amount;

    /// <summary>What was taken and not used comes back.</summary>
    public void GiveBack(double amount) => Level = Math.Min(Size, Level + amount);

    /// <summary>Another rate from now on.</summary>
    public void Change(double perSecond, double size, TimeSpan now)
    {
        Fill(now);
        (PerSecond, Size) = (perSecond, size);
        Level = Math.Min(Level, size);
    }

    /// <summary>No more than this is left.</summary>
    public void LowerTo(double level, TimeSpan now)
    {
        Fill(now);
        Level = Math.Min(Level, level);
    }

    private void Fill(TimeSpan now)
    {
        if (now <= filledAt) return;
        Level = Math.Min(Size, Level + (now - filledAt).TotalSeconds * PerSecond);
        filledAt = now;
    }
}
