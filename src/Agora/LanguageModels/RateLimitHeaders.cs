using System.Buffers;
using System.Globalization;

namespace Agora.LanguageModels;

/// <summary>What a limit counts.</summary>
public enum RateLimitKind
{
    Requests,
    /// <summary>Input and output together.</summary>
    Tokens,
    InputTokens,
    OutputTokens,
}

/// <summary>What an answer says about one of the endpoint's limits.</summary>
/// <param name="Limit">The most that can be left.</param>
/// <param name="Remaining">What is left.</param>
/// <param name="UntilFull">How long until <see cref="Limit"/> is left again, where it is said.</param>
public readonly record struct RateLimitReading(RateLimitKind Kind, long Limit, long Remaining, TimeSpan? UntilFull)
{
    /// <summary>The rate behind it. Without a reset, or with next to nothing used, a limit is one per minute, as the providers publish them.</summary>
    /// <remarks>Both providers fill their buckets steadily, so that the time until full tells the rate: a limit per day looks the same but for it.</remarks>
    public double PerSecond
    {
        get
        {
            var used = Limit - Remaining;
            if (UntilFull is { } reset && reset > TimeSpan.FromSeconds(120) && used > 0)
                return used / reset.TotalSeconds;
            return Limit / 60.0;
        }
    }
}

/// <summary>Reads limits from response headers.</summary>
/// <remarks>
/// OpenAI and those who follow it: <c>x-ratelimit-limit-requests</c>, <c>x-ratelimit-remaining-requests</c>, <c>x-ratelimit-reset-requests</c> (a duration such as
/// <c>6m0s</c>) and the same for tokens (platform.openai.com/docs/guides/rate-limits). Anthropic: <c>anthropic-ratelimit-requests-limit</c>, <c>-remaining</c>, <c>-reset</c>
/// (RFC 3339), and the same for input-tokens and output-tokens (docs.anthropic.com/en/api/rate-limits).
/// </remarks>
public static class RateLimitHeaders
{
    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789.");

    private static readonly (RateLimitKind Kind, string Limit, string Remaining, string Reset)[] OpenAI =
    [
        (RateLimitKind.Requests, "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
        (RateLimitKind.Tokens, "x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    ];

    private static readonly (RateLimitKind Kind, string Limit, string Remaining, string Reset)[] Anthropic =
    [
        (RateLimitKind.Requests, "anthropic-ratelimit-requests-limit", "anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"),
        (RateLimitKind.InputTokens, "anthropic-ratelimit-input-tokens-limit", "anthropic-ratelimit-input-tokens-remaining", "anthropic-ratelimit-input-tokens-reset"),
        (RateLimitKind.OutputTokens, "anthropic-ratelimit-output-tokens-limit", "anthropic-ratelimit-output-tokens-remaining", "anthropic-ratelimit-output-tokens-reset"),
    ];

    /// <param name="header">The value of a header; null where it is absent.</param>
    /// <returns>One reading for each limit that the answer tells in full; what cannot be read is passed over.</returns>
    public static IEnumerable<RateLimitReading> Read(Func<string, string?> header)
    {
        foreach (var (kind, limit, remaining, reset) in (header(OpenAI[0].Limit) ?? header(OpenAI[1].Limit)) is not null ? OpenAI : Anthropic)
        {
            if (!long.TryParse(header(limit), NumberStyles.None, CultureInfo.InvariantCulture, out var most) || most <= 0) continue;
            if (!long.TryParse(header(remaining), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var left)) continue;
            // A time is measured against the endpoint's own clock where it tells it: ours may be wrong by hours.
            var now = DateTimeOffset.TryParse(header("Date"), CultureInfo.InvariantCulture, out var date) ? date : DateTimeOffset.UtcNow;
            yield return new RateLimitReading(kind, most, Math.Clamp(left, 0, most), UntilFull(header(reset), now));
        }
    }

    /// <returns>Null where the text is neither a duration nor a time.</returns>
    internal static TimeSpan? UntilFull(string? text, DateTimeOffset now)
    {
        if (string.IsNullOrEmpty(text)) return null;
        if (Duration(text) is { } duration) return duration;
        return text.Contains('T', StringComparison.Ordinal) && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, out var at)
            ? at > now ? at - now : TimeSpan.Zero
            : null;
    }

    // Go's notation: 1d2h3m4.5s, 20ms. A bare number is seconds.
    private static TimeSpan? Duration(ReadOnlySpan<char> text)
    {
        var seconds = 0.0;
        while (!text.IsEmpty)
        {
            var digits = text.IndexOfAnyExcept(Digits);
            if (digits < 0) digits = text.Length;
            if (digits == 0 || !double.TryParse(text[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)) return null;
            text = text[digits..];
            var letters = text.IndexOfAny(Digits);
            if (letters < 0) letters = text.Length;
            double? unit = text[..letters] switch { "d" => 86400, "h" => 3600, "m" => 60, "s" or "" => 1, "ms" => 1e-3, "us" or "µs" => 1e-6, "ns" => 1e-9, _ => null };
            if (unit is null) return null;
            seconds += number * unit.Value;
            text = text[letters..];
        }
        return seconds <= TimeSpan.FromDays(366).TotalSeconds ? TimeSpan.FromSeconds(seconds) : null;
    }
}
