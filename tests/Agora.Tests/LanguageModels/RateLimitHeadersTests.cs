using Agora.LanguageModels;

namespace Agora.Tests.LanguageModels;

public sealed class RateLimitHeadersTests
{
    [Fact]
    public void OpenAIs_headers_are_read()
    {
        var readings = Read(
            ("x-ratelimit-limit-requests", "60"), ("x-ratelimit-remaining-requests", "59"), ("x-ratelimit-reset-requests", "1s"),
            ("x-ratelimit-limit-tokens", "150000"), ("x-ratelimit-remaining-tokens", "149984"), ("x-ratelimit-reset-tokens", "6m0s"));
        Assert.Equal(
        [
            new RateLimitReading(RateLimitKind.Requests, 60, 59, TimeSpan.FromSeconds(1)),
            new RateLimitReading(RateLimitKind.Tokens, 150_000, 149_984, TimeSpan.FromMinutes(6)),
        ], readings);
    }

    [Fact]
    public void Anthropics_are_too_by_the_endpoints_own_clock()
    {
        var readings = Read(
            ("Date", "Mon, 03 Mar 2025 10:00:00 GMT"),
            ("anthropic-ratelimit-requests-limit", "50"), ("anthropic-ratelimit-requests-remaining", "20"), ("anthropic-ratelimit-requests-reset", "2025-03-03T10:00:36Z"),
            ("anthropic-ratelimit-input-tokens-limit", "40000"), ("anthropic-ratelimit-input-tokens-remaining", "39000"), ("anthropic-ratelimit-input-tokens-reset", "2025-03-03T10:00:02Z"),
            ("anthropic-ratelimit-output-tokens-limit", "8000"), ("anthropic-ratelimit-output-tokens-remaining", "0"), ("anthropic-ratelimit-output-tokens-reset", "2025-03-03T10:01:00Z"));
        Assert.Equal(
        [
            new RateLimitReading(RateLimitKind.Requests, 50, 20, TimeSpan.FromSeconds(36)),
            new RateLimitReading(RateLimitKind.InputTokens, 40_000, 39_000, TimeSpan.FromSeconds(2)),
            new RateLimitReading(RateLimitKind.OutputTokens, 8_000, 0, TimeSpan.FromSeconds(60)),
        ], readings);
    }

    [Theory]
    [InlineData("17ms", 0.017)]
    [InlineData("1m30.5s", 90.5)]
    [InlineData("1d2h", 93600)]
    [InlineData("5", 5)]
    public void A_reset_may_be_a_duration(string text, double seconds) => Assert.Equal(seconds, RateLimitHeaders.UntilFull(text, default)!.Value.TotalSeconds, 6);

    [Theory]
    [InlineData("soon")]
    [InlineData("5 parsecs")]
    [InlineData("")]
    public void What_is_no_duration_is_none(string text) => Assert.Null(RateLimitHeaders.UntilFull(text, default));

    [Fact]
    public void Headers_that_make_no_sense_are_passed_over() =>
        Assert.Empty(Read(("x-ratelimit-limit-requests", "many"), ("x-ratelimit-limit-tokens", "0"), ("x-ratelimit-remaining-tokens", "0")));

    private static RateLimitReading[] Read(params (string Name, string Value)[] headers)
    {
        var byName = headers.ToDictionary(header => header.Name, header => header.Value, StringComparer.OrdinalIgnoreCase);
        return [.. RateLimitHeaders.Read(byName.GetValueOrDefault)];
    }
}
