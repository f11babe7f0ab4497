using System.Globalization;
using Agora.Runs;

namespace Agora.Cli.Progress;

/// <summary>How far one step of a run is, how fast it goes and when it will be done.</summary>
internal sealed class StepMeter(string name, StepKey key, TimeProvider time)
{
    private readonly long started = time.GetTimestamp();
    private StepProgress first;
    private bool told;

    public string Name { get; } = name;
    public StepKey Key { get; } = key;
    public StepProgress Now { get; private set; }

    public void Tell(StepProgress progress)
    {
        // What a resumed step replays says nothing about its speed.
        if (!told)
            first = progress;
        told = true;
        Now = progress;
    }

    public double Share => Now.Total == 0 ? 0 : (double)Now.Done / Now.Total;

    public TimeSpan Elapsed => time.GetElapsedTime(started);

    /// <summary>Items a second; null until something was done.</summary>
    public double? Rate => Now.Done > first.Done && Elapsed > TimeSpan.Zero ? (Now.Done - first.Done) / Elapsed.TotalSeconds : null;

    public TimeSpan? Remaining => Rate is { } rate ? TimeSpan.FromSeconds((Now.Total - Now.Done) / rate) : null;

    /// <summary><c>120/300</c>, or nothing where the step has not said how much there is.</summary>
    public string Count => Now.Total == 0 ? "" : $"{Now.Done}/{Now.Total}";

    public string RateText => Rate is { } rate ? string.Create(CultureInfo.InvariantCulture, $"{rate:0.#}/s") : "";

    public string RemainingText => Remaining is { } remaining ? Duration(remaining) : "";

    public string TokensText => Now.Tokens == 0 ? "" : Tokens(Now.Tokens);

    public string DollarsText => Now.Dollars is > 0 ? Dollars(Now.Dollars.Value) : "";

    public static string Tokens(long tokens) => tokens switch
    {
        < 1_000 => string.Create(CultureInfo.InvariantCulture, $"{tokens}"),
        < 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{tokens / 1e3:0.0}k"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{tokens / 1e6:0.0}M"),
    };

    public static string Dollars(decimal dollars) => string.Create(CultureInfo.InvariantCulture, $"${dollars:0.00##}");

    public static string Duration(TimeSpan duration) => duration.TotalHours >= 1
        ? string.Create(CultureInfo.InvariantCulture, $"{(int)duration.TotalHours}h{duration.Minutes:00}m")
        : duration.TotalMinutes >= 1
            ? string.Create(CultureInfo.InvariantCulture, $"{duration.Minutes}m{duration.Seconds:00}s")
            : string.Create(CultureInfo.InvariantCulture, $"{duration.TotalSeconds:0}s");
}
