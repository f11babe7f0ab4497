using System.Collections.Immutable;
using Agora.Experiments;

namespace Agora.DataGeneration;

/// <summary>What a number of completions cost.</summary>
public sealed record BillLine
{
    public static BillLine Nothing { get; } = new();

    public long Completions { get; init; }
    public long InputTokens { get; init; }
    public long OutputTokens { get; init; }
    /// <summary>Completions for which the endpoint reported no tokens; they are in no sum but this one.</summary>
    public long WithoutUsage { get; init; }

    /// <returns>US dollars; null where no price is known.</returns>
    public decimal? Dollars(Price? price) => price is null ? null : (InputTokens * price.Input + OutputTokens * price.Output) / 1_000_000m;

    public static BillLine operator +(BillLine left, BillLine right) => new()
    {
        Completions = left.Completions + right.Completions,
        InputTokens = left.InputTokens + right.InputTokens,
        OutputTokens = left.OutputTokens + right.OutputTokens,
        WithoutUsage = left.WithoutUsage + right.WithoutUsage,
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
    /// <summary>Null where no price is known.</summary>
    public Price? Price { get; init; }

    public BillLine Total => Rejected.Values.Aggregate(Kept, BillLine.Add);

    /// <summary>US dollars for <see cref="Total"/>; null where no price is known.</summary>
    public decimal? Dollars => Total.Dollars(Price);
}
