using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Agora.Experiments;

namespace Agora.DataGeneration;

/// <summary>What a number of completions cost.</summary>
public sealed record BillLine
{
    public static BillLine Nothing { get; } = new();

    public long Completions { get; init; }
    public long InputTokens { get; init; }
    public long OutputTokens { get; init; }
    /// <summary>Part of the input tokens: those that the endpoint had in its prompt cache.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long CachedInputTokens { get; init; }
    /// <summary>Part of the input tokens: those that the endpoint put into its prompt cache.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long CacheWrittenTokens { get; init; }
    /// <summary>Completions for which the endpoint reported no tokens; they are in no sum but this one.</summary>
    public long WithoutUsage { get; init; }

    /// <returns>US dollars; null where no price is known.</returns>
    public decimal? Dollars(Price? price) => price?.Of(InputTokens, CachedInputTokens, OutputTokens, CacheWrittenTokens);

    public static BillLine operator +(BillLine left, BillLine right) => new()
    {
        Completions = left.Completions + right.Completions,
        InputTokens = left.InputTokens + right.InputTokens,
        OutputTokens = left.OutputTokens + right.OutputTokens,
        CachedInputTokens = left.CachedInputTokens + right.CachedInputTokens,
        CacheWrittenTokens = left.CacheWrittenTokens + right.CacheWrittenTokens,
        WithoutUsage = left.WithoutUsage + right.WithoutUsage,
    };

    public static BillLine operator -(BillLine left, BillLine right) => new()
    {
        Completions = left.Completions - right.Completions,
        InputTokens = left.InputTokens - right.InputTokens,
        OutputTokens = left.OutputTokens - right.OutputTokens,
        CachedInputTokens = left.CachedInputTokens - right.CachedInputTokens,
        CacheWrittenTokens = left.CacheWrittenTokens - right.CacheWrittenTokens,
        WithoutUsage = left.WithoutUsage - right.WithoutUsage,
    };

    public static BillLine Add(BillLine left, BillLine right) => left + right;
}

/// <summary>The bill of one data set: every completion that was asked for is in <see cref="Kept"/> or in one line of <see cref="Rejected"/>.</summary>
public sealed record GenerationBill
{
    /// <summary>Completions that became instances.</summary>
    public required BillLine Kept { get; init; }
    public required ImmutableSortedDictionary<RejectReason, BillLine> Rejected { get; init; }
    /// <summary>Part of the two above: completions asked for because an earlier one of the same place was rejected.</summary>
    public required BillLine Retried { get; init; }
    /// <summary>What a method's judge was asked, at its own price; null where none was.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public BillLine? Judged { get; init; }
    /// <summary>Null where no price is known.</summary>
    public Price? Price { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Price? JudgePrice { get; init; }

    /// <summary>All that the generator was asked.</summary>
    public BillLine Total => Rejected.Values.Aggregate(Kept, BillLine.Add);

    /// <summary>US dollars for <see cref="Total"/> and <see cref="Judged"/>; null where a price is not known.</summary>
    public decimal? Dollars => DollarsAt(Price, JudgePrice);

    /// <inheritdoc cref="Dollars"/>
    public decimal? DollarsAt(Price? price, Price? judgePrice) => Judged is null ? Total.Dollars(price) : Total.Dollars(price) + Judged.Dollars(judgePrice);
}
