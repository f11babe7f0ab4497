using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
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
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long CacheWrittenTokens { get; init; }
    public long OutputTokens { get; init; }
    /// <summary>Answers for which the endpoint reported no tokens; they are in no sum but this one.</summary>
    public long WithoutUsage { get; init; }
    /// <summary>Whether they went through the provider's batch API.</summary>
    public bool Batch { get; init; }

    public bool IsFailed => Outcome.StartsWith(FailedPrefix, StringComparison.Ordinal);

    /// <returns>US dollars; for failed requests the most it may be.</returns>
    public decimal Dollars(Price price) => Outcome == ReadAgain ? 0
        : (IsFailed ? price.MostOf(InputTokens, OutputTokens) : price.Of(InputTokens, CachedInputTokens, OutputTokens, CacheWrittenTokens)) * (Batch ? price.Batch ?? 1 : 1);
}

/// <summary>Adds up what journals say was asked for. The journal is the only record of it, so that nothing can be lost between two.</summary>
internal sealed class Spending
{
    private readonly Dictionary<(string Model, string Outcome, bool Batch), Sums> sums = [];
    private readonly UnansweredRequests unanswered = new();
    private readonly List<string> models = [];      // each once, however many answers it gave

    /// <param name="underWay">Requests that a process had sent and may not have lived to write down.</param>
    /// <returns>By model and outcome, in ordinal order.</returns>
    public static ImmutableArray<SpendingLine> Scan(string journal, ImmutableArray<LeftRequest> underWay = default)
    {
        var spending = new Spending();
        var left = underWay.IsDefaultOrEmpty ? [] : underWay.ToList();
        var sought = left.SelectMany(one => new[] { one.Key, JournalRecord.GivenUpPrefix + one.Name }).Select(key => ChecksummedLines.Checksum(Encoding.UTF8.GetBytes(key))).ToHashSet();
        // Of most lines only numbers are wanted, and there may be a million: no text is made of them.
        var room = Array.Empty<byte>();
        ChecksummedLines.Scan(journal, (line, _) =>
        {
            if (room.Length < line.Length) room = new byte[2 * line.Length];
            var reader = new Utf8JsonReader(line);
            reader.Read();
            reader.Read();
            if (sought.Count > 0 && sought.Contains(Journal.HashOfKey(line)))
            {
                var key = reader.GetString();
                left.RemoveAll(one => one.Key == key || key == JournalRecord.GivenUpPrefix + one.Name);
            }
            if (spending.unanswered.MayRead(reader)) spending.unanswered.Read(reader.GetString()!, Journal.RecordOf(line));
            reader.Read();
            spending.Add(room.AsSpan(0, reader.CopyString(room)));
        });
        foreach (var one in left)
            spending.Add(one.Model, SpendingLine.FailedPrefix + FailedAttempt.Interrupted, batch: false, one.Times, one.Times * one.MostInputTokens, 0, one.Times * one.MostOutputTokens, 0);
        return spending.Lines();
    }

    private void Add(ReadOnlySpan<byte> written)
    {
        if (PlainAnswer(written) is { } plain)
        {
            Add(plain.Model, SpendingLine.Answered, plain.Batch, 1, plain.Input, plain.CachedInput, plain.Output, plain.WithoutUsage ? 1 : 0);
            return;
        }
        if (JournalRecord.TryRead(Encoding.UTF8.GetString(written)) is not { By: { } model } record)
            return;
        if (record.Again)
            Add(model, SpendingLine.ReadAgain, batch: false, 1, record.InputTokens ?? 0, 0, record.OutputTokens ?? 0, 0);
        else if (record.Refused is not null)
            Add(model, SpendingLine.Refused, record.Batch, 1, 0, 0, 0, 0);
        else if (record.Text is not null)
            Add(model, SpendingLine.Answered, record.Batch, 1, record.InputTokens ?? 0, record.CachedInputTokens ?? 0, record.OutputTokens ?? 0, record is { InputTokens: not null, OutputTokens: not null } ? 0 : 1, record.CacheWrittenTokens ?? 0);
        if (!record.Again)
            foreach (var failed in record.Failed ?? [])
                // What came without counts is among the answered ones.
                Add(model, SpendingLine.FailedPrefix + failed.Reason, batch: false, failed.Reason == FailedAttempt.Uncounted ? 0 : 1, failed.MostInputTokens, 0, failed.MostOutputTokens, 0);
    }

    // An answer that came at once, read without its text; null for everything else.
    private (string Model, bool Batch, long Input, long CachedInput, long Output, bool WithoutUsage)? PlainAnswer(ReadOnlySpan<byte> written)
    {
        if (written.IsEmpty || written[0] != '{') return null;
        string? model = null;
        var (text, batch, cached) = (false, false, 0L);
        long? input = null, output = null;
        var reader = new Utf8JsonReader(written);
        try
        {
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("text"u8)) text = reader.Read() && reader.TokenType == JsonTokenType.String;
                else if (reader.ValueTextEquals("by"u8) && reader.Read()) model = reader.TokenType == JsonTokenType.String ? Known(reader) : null;
                else if (reader.ValueTextEquals("batch"u8) && reader.Read()) batch = reader.GetBoolean();
                else if (reader.ValueTextEquals("input_tokens"u8) && reader.Read()) input = reader.GetInt64();
                else if (reader.ValueTextEquals("output_tokens"u8) && reader.Read()) output = reader.GetInt64();
                else if (reader.ValueTextEquals("cached_input_tokens"u8) && reader.Read()) cached = reader.GetInt64();
                else if (reader.ValueTextEquals("finish_reason"u8) || reader.ValueTextEquals("model"u8) || reader.ValueTextEquals("tokens"u8)) reader.Skip();
                else return null;
            }
        }
        catch (Exception other) when (other is JsonException or InvalidOperationException or FormatException)
        {
            return null;
        }
        return text && model is not null ? (model, batch, input ?? 0, cached, output ?? 0, input is null || output is null) : null;
    }

    private string Known(in Utf8JsonReader reader)
    {
        foreach (var model in models)
            if (reader.ValueTextEquals(model)) return model;
        models.Add(reader.GetString()!);
        return models[^1];
    }

    private void Add(string model, string outcome, bool batch, long requests, long input, long cachedInput, long output, long withoutUsage, long cacheWritten = 0)
    {
        ref var sum = ref CollectionsMarshal.GetValueRefOrAddDefault(sums, (model, outcome, batch), out _);
        sum = new Sums(sum.Requests + requests, sum.Input + input, sum.CachedInput + cachedInput, sum.Output + output, sum.WithoutUsage + withoutUsage, sum.CacheWritten + cacheWritten);
    }

    private ImmutableArray<SpendingLine> Lines()
    {
        foreach (var (model, requests, input, output) in unanswered.Sums())
            Add(model, SpendingLine.InBatch, batch: true, requests, input, 0, output, 0);
        return
        [
            .. sums.OrderBy(sum => sum.Key.Model, StringComparer.Ordinal).ThenBy(sum => sum.Key.Outcome, StringComparer.Ordinal).ThenBy(sum => sum.Key.Batch).Select(sum => new SpendingLine
            {
                Model = sum.Key.Model,
                Outcome = sum.Key.Outcome,
                Requests = sum.Value.Requests,
                InputTokens = sum.Value.Input,
                CachedInputTokens = sum.Value.CachedInput,
                CacheWrittenTokens = sum.Value.CacheWritten,
                OutputTokens = sum.Value.Output,
                WithoutUsage = sum.Value.WithoutUsage,
                Batch = sum.Key.Batch,
            }),
        ];
    }

    private readonly record struct Sums(long Requests, long Input, long CachedInput, long Output, long WithoutUsage, long CacheWritten);
}
