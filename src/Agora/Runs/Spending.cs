using System.Collections.Immutable;
using System.Text.Json;
using Agora.Experiments;
using Agora.LanguageModels;
using Agora.LanguageModels.Batches;

namespace Agora.Runs;

/// <summary>Requests of one outcome to one model.</summary>
public sealed record SpendingLine
{
    /// <summary>An answer came.</summary>
    public const string Answered = "answered";
    /// <summary>The endpoint would not answer the prompt.</summary>
    public const string Refused = "refused";
    /// <summary>The answer was there already, from another step that paid for it.</summary>
    public const string ReadAgain = "read_again";
    /// <summary>A batch holds the request, and no answer is on record yet: what it may be charged for at most.</summary>
    public const string InBatch = "in_batch";
    /// <summary>Before a fault's name: <c>failed:timed_out</c>.</summary>
    public const string FailedPrefix = "failed:";

    /// <summary>The model's identity.</summary>
    public required string Model { get; init; }
    public required string Outcome { get; init; }
    public long Requests { get; init; }
    /// <summary>Of failed requests: the most that may be charged.</summary>
    public long InputTokens { get; init; }
    public long CachedInputTokens { get; init; }
    public long OutputTokens { get; init; }
    /// <summary>Answers for which the endpoint reported no tokens; they are in no sum but this one.</summary>
    public long WithoutUsage { get; init; }
    /// <summary>Whether they went through the provider's batch API.</summary>
    public bool Batch { get; init; }

    public bool IsFailed => Outcome.StartsWith(FailedPrefix, StringComparison.Ordinal);

    /// <returns>US dollars; for failed requests the most it may be.</returns>
    public decimal Dollars(Price price) => Outcome == ReadAgain ? 0
        : price.Of(InputTokens, CachedInputTokens, OutputTokens) * (Batch ? price.Batch ?? 1 : 1);
}

/// <summary>Adds up what journals say was asked for. The journal is the only record of it, so that nothing can be lost between two.</summary>
internal static class Spending
{
    /// <param name="underWay">Requests that a process had sent and may not have lived to write down.</param>
    /// <returns>By model and outcome, in ordinal order.</returns>
    public static ImmutableArray<SpendingLine> Scan(string journal, ImmutableArray<LeftRequest> underWay = default)
    {
        var lines = new SortedDictionary<(string, string, bool), SpendingLine>();
        var unanswered = new UnansweredRequests();
        var left = underWay.IsDefaultOrEmpty ? [] : underWay.ToList();
        Journal.Scan(journal, (key, line) =>
        {
            if (left.Count > 0)
                left.RemoveAll(one => one.Key == key || key == JournalRecord.GivenUpPrefix + one.Name);
            var reader = new Utf8JsonReader(line);
            for (var token = 0; token < 3; token++)
                reader.Read();
            var written = reader.GetString()!;
            unanswered.Read(key, written);
            if (JournalRecord.TryRead(written) is not { By: { } model } record)
                return;
            if (record.Again)
                Add(new SpendingLine { Model = model, Outcome = SpendingLine.ReadAgain, Requests = 1, InputTokens = record.InputTokens ?? 0, OutputTokens = record.OutputTokens ?? 0 });
            else if (record.Refused is not null)
                Add(new SpendingLine { Model = model, Outcome = SpendingLine.Refused, Requests = 1, Batch = record.Batch });
            else if (record.Text is not null)
                Add(new SpendingLine
                {
                    Model = model,
                    Outcome = SpendingLine.Answered,
                    Requests = 1,
                    InputTokens = record.InputTokens ?? 0,
                    CachedInputTokens = record.CachedInputTokens ?? 0,
                    OutputTokens = record.OutputTokens ?? 0,
                    WithoutUsage = record is { InputTokens: not null, OutputTokens: not null } ? 0 : 1,
                    Batch = record.Batch,
                });
            if (!record.Again)
                foreach (var failed in record.Failed ?? [])
                    Add(new SpendingLine
                    {
                        Model = model,
                        Outcome = SpendingLine.FailedPrefix + failed.Reason,
                        Requests = failed.Reason == FailedAttempt.Uncounted ? 0 : 1,    // it is among the answered ones
                        InputTokens = failed.MostInputTokens,
                        OutputTokens = failed.MostOutputTokens,
                    });
        });
        foreach (var one in left)
            Add(new SpendingLine { Model = one.Model, Outcome = SpendingLine.FailedPrefix + FailedAttempt.Interrupted, Requests = one.Times, InputTokens = one.Times * one.MostInputTokens, OutputTokens = one.Times * one.MostOutputTokens });
        foreach (var (model, requests, input, output) in unanswered.Sums())
            Add(new SpendingLine { Model = model, Outcome = SpendingLine.InBatch, Requests = requests, InputTokens = input, OutputTokens = output, Batch = true });
        return [.. lines.Values];

        void Add(SpendingLine one)
        {
            var key = (one.Model, one.Outcome, one.Batch);
            lines[key] = lines.TryGetValue(key, out var sum) ? Sum(sum, one) : one;
        }
    }

    public static SpendingLine Sum(SpendingLine left, SpendingLine right) => left with
    {
        Requests = left.Requests + right.Requests,
        InputTokens = left.InputTokens + right.InputTokens,
        CachedInputTokens = left.CachedInputTokens + right.CachedInputTokens,
        OutputTokens = left.OutputTokens + right.OutputTokens,
        WithoutUsage = left.WithoutUsage + right.WithoutUsage,
    };
}
