using System.Text.Json;
using Agora.Benchmarks;
using CsCheck;

namespace Agora.Tests.Benchmarks;

public sealed class PassAtKTests
{
    [Fact]
    public void Every_recorded_value_is_met_to_twelve_places()
    {
        using var recorded = JsonDocument.Parse(File.ReadAllBytes(Fixtures.Part("code_exec", "pass_at_k.json")));
        foreach (var one in recorded.RootElement.GetProperty("cases").EnumerateArray())
            Assert.Equal(one.GetProperty("value").GetDouble(), PassAtK.Of(Int(one, "n"), Int(one, "c"), Int(one, "k")), 1e-12);
        foreach (var one in recorded.RootElement.GetProperty("invalid").EnumerateArray())
            Assert.Throws<ArgumentOutOfRangeException>(() => PassAtK.Of(Int(one, "n"), Int(one, "c"), Int(one, "k")));
        foreach (var one in recorded.RootElement.GetProperty("aggregates").EnumerateArray())
        {
            var problems = one.GetProperty("problems").EnumerateArray().Select(p => (Int(p, "n"), Int(p, "c"))).ToArray();
            foreach (var k in one.GetProperty("ks").EnumerateArray().Select(k => k.GetInt32()))
            {
                if (one.GetProperty("expected").TryGetProperty($"pass@{k}", out var expected))
                    Assert.Equal(expected.GetDouble(), PassAtK.Mean(problems, k)!.Value, 1e-12);
                else
                    Assert.Null(PassAtK.Mean(problems, k));
            }
        }
    }

    [Fact]
    public void With_one_sample_it_is_the_share_that_passed() =>
        Gen.Select(Gen.Int[1, 300], Gen.Int[0, 300]).Where((n, c) => c <= n).Sample((n, c) => Math.Abs(PassAtK.Of(n, c, 1) - (double)c / n) < 1e-15);

    [Fact]
    public void It_grows_with_k() =>
        Gen.Select(Gen.Int[2, 60], Gen.Int[0, 60], Gen.Int[1, 59]).Where((n, c, k) => c <= n && k < n).Sample((n, c, k) => PassAtK.Of(n, c, k) <= PassAtK.Of(n, c, k + 1));

    private static int Int(JsonElement json, string name) => json.GetProperty(name).GetInt32();
}
