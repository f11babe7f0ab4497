using Agora.Experiments;
using Agora.LanguageModels;
using Agora.Runs;

namespace Agora.Tests.Runs;

public sealed class SpendingTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    // Whether its prompt went into the cache nobody said, and the next process must not find more left of the budget than this one did.
    [Theory]
    [InlineData(1.25, SpendingLine.FailedPrefix + "interrupted", 1450)]
    [InlineData(0.5, SpendingLine.FailedPrefix + "interrupted", 1200)]
    [InlineData(1.25, SpendingLine.Answered, 1200)]
    public void What_failed_counts_with_the_dearest_price_of_its_input(double cacheWrite, string outcome, int millionths)
    {
        var price = new Price { Input = 1, CachedInput = 0.1m, CacheWrite = (decimal)cacheWrite, Output = 2 };
        var line = new SpendingLine { Model = "m", Outcome = outcome, Requests = 1, InputTokens = 1000, OutputTokens = 100 };
        Assert.Equal(millionths / 1_000_000m, line.Dollars(price));
    }

    [Fact]
    public void Every_kind_of_record_is_added_up_under_its_model_and_outcome()
    {
        var answer = new JournalRecord { Text = "a \"quoted\" text with \u2028 and 🙂", FinishReason = "stop", InputTokens = 10, OutputTokens = 3, Model = "m-2026", By = "b" };
        JournalRecord[] records =
        [
            answer,
            answer with { CachedInputTokens = 4, CacheWrittenTokens = 2 },
            answer with { InputTokens = null },
            answer with { Batch = true },
            answer with { By = "a" },
            answer with { By = "a", Tokens = [TokenAlternatives.Of("x", [("x", -0.1)])] },
            answer with { Again = true },
            answer with { Failed = [new FailedAttempt("timed_out", 100, 50), new FailedAttempt(FailedAttempt.Uncounted, 7, 8)] },
            new JournalRecord { Refused = "no", By = "b" },
            new JournalRecord { Failed = [new FailedAttempt("timed_out", 1, 2)], By = "b" },
            answer with { By = null },
        ];
        using (var journal = Journal.Open(folder["journal"]))
        {
            for (var i = 0; i < records.Length; i++) journal.Append($"{i}", records[i].Write());
            journal.Append("other", "not a record");
            journal.Append("vectors", "{\"text\": 5, \"by\": \"b\"}");
        }
        SpendingLine[] expected =
        [
            new() { Model = "a", Outcome = "answered", Requests = 2, InputTokens = 20, OutputTokens = 6 },
            new() { Model = "b", Outcome = "answered", Requests = 4, InputTokens = 30, CachedInputTokens = 4, CacheWrittenTokens = 2, OutputTokens = 12, WithoutUsage = 1 },
            new() { Model = "b", Outcome = "answered", Requests = 1, InputTokens = 10, OutputTokens = 3, Batch = true },
            new() { Model = "b", Outcome = "failed:timed_out", Requests = 2, InputTokens = 101, OutputTokens = 52 },
            new() { Model = "b", Outcome = "failed:uncounted", Requests = 0, InputTokens = 7, OutputTokens = 8 },
            new() { Model = "b", Outcome = "read_again", Requests = 1, InputTokens = 10, OutputTokens = 3 },
            new() { Model = "b", Outcome = "refused", Requests = 1 },
        ];
        Assert.Equal(expected, Spending.Scan(folder["journal"]));
    }
}
