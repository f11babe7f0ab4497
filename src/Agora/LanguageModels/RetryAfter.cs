using System.Globalization;

namespace Agora.LanguageModels;

/// <summary>How long an endpoint asks to wait before the next request (RFC 9110, section 10.2.3).</summary>
internal static class RetryAfter
{
    // Far above what is honoured, and it fits a TimeSpan.
    private const double LongestMilliseconds = 86_400_000;

    /// <param name="header">The value of a header; null where it is absent.</param>
    public static TimeSpan? Read(Func<string, string?> header)
    {
        if (Number(header("retry-after-ms")) is { } milliseconds) return TimeSpan.FromMilliseconds(Math.Min(milliseconds, LongestMilliseconds));
        if (header("Retry-After") is not { } value) return null;
        if (Number(value) is { } seconds) return TimeSpan.FromMilliseconds(Math.Min(1000 * seconds, LongestMilliseconds));
        // A date is measured against the endpoint's own clock where it tells it: ours may be wrong by hours.
        if (!DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, out var until)) return null;
        if (!DateTimeOffset.TryParse(header("Date"), CultureInfo.InvariantCulture, out var now)) return null;
        return until > now ? until - now : TimeSpan.Zero;
    }

    private static double? Number(string? text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number >= 0 ? number : null;
}
