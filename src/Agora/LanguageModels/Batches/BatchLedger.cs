using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Agora.LanguageModels.Batches;

/// <summary>A step's batches in its journal: what was meant to be sent off, under which id it was, and what came of it.</summary>
/// <remarks>
/// A batch has up to three records: the intent before it is sent off, the provider's id after that, and its closing. Which of its requests were answered is not noted here: a
/// request's key is the key of its completion in the same journal. So a request is under way if a batch holds it that did not fail it, and no completion stands.
/// </remarks>
internal sealed class BatchLedger(IJournal journal, string modelIdentity)
{
    // A step may ask several models, each with batches of its own.
    private readonly string model = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(modelIdentity)))[..8];
    private readonly Lock gate = new();
    private int next = -1;

    public bool IsAnswered(string key) => journal.TryGet(key, out _);

    /// <summary>Notes what is about to be sent off, so that a crash from here on cannot send it twice.</summary>
    /// <returns>The batch's number in this journal.</returns>
    public async Task<int> IntendAsync(BatchIntent intent, CancellationToken cancellationToken)
    {
        int number;
        lock (gate)
        {
            if (next < 0) next = Read().Count;
            number = next++;
            journal.Append(BatchRecords.Intent(model, number), JsonSerializer.Serialize(intent, BatchRecordsJson.Default.BatchIntent));
        }
        await journal.FlushAsync(cancellationToken);
        return number;
    }

    public async Task SubmittedAsync(int number, string id, CancellationToken cancellationToken)
    {
        journal.Append(BatchRecords.Submitted(model, number), id);
        await journal.FlushAsync(cancellationToken);
    }

    public async Task CloseAsync(int number, BatchClosing closing, CancellationToken cancellationToken)
    {
        if (journal.TryGet(BatchRecords.Closed(model, number), out _)) return;
        journal.Append(BatchRecords.Closed(model, number), JsonSerializer.Serialize(closing, BatchRecordsJson.Default.BatchClosing));
        await journal.FlushAsync(cancellationToken);
    }

    /// <summary>Every batch of this model in the journal, in the order in which they were sent off.</summary>
    public IReadOnlyList<LedgerEntry> Read()
    {
        var entries = new List<LedgerEntry>();
        for (var number = 0; journal.TryGet(BatchRecords.Intent(model, number), out var written); number++)
        {
            var intent = JsonSerializer.Deserialize(written, BatchRecordsJson.Default.BatchIntent)!;
            entries.Add(new LedgerEntry(number, intent,
                journal.TryGet(BatchRecords.Submitted(model, number), out var id) ? id : null,
                journal.TryGet(BatchRecords.Closed(model, number), out var closing) ? JsonSerializer.Deserialize(closing, BatchRecordsJson.Default.BatchClosing) : null));
        }
        return entries;
    }
}

/// <param name="Id">The provider's; null where the process ended before it came.</param>
/// <param name="Closing">Null while the batch runs.</param>
internal sealed record LedgerEntry(int Number, BatchIntent Intent, string? Id, BatchClosing? Closing);

/// <summary>A batch that is about to be sent off.</summary>
internal sealed record BatchIntent
{
    /// <summary>Identity of the model.</summary>
    public required string Of { get; init; }
    /// <summary>A random name, to find the batch by at the provider.</summary>
    public required string Marker { get; init; }
    /// <summary>The batch that was the account's newest before.</summary>
    public string? Newest { get; init; }
    public required ImmutableArray<string> Keys { get; init; }
    /// <summary>The most tokens of each request, for the budget of a process that comes after a crash.</summary>
    public required ImmutableArray<long> InputTokens { get; init; }
    public required ImmutableArray<long> OutputTokens { get; init; }
}

/// <summary>How a batch ended.</summary>
internal sealed record BatchClosing
{
    /// <summary>The provider never got it, or does not know it any more: all that is not answered is to be asked again.</summary>
    public bool Lost { get; init; }
    /// <summary>Keys of requests that were not answered and are not charged.</summary>
    public ImmutableArray<string> Unanswered { get; init; } = [];
}

/// <summary>Keys of a ledger's records in the journal.</summary>
internal static class BatchRecords
{
    public const string Prefix = "batch:";
    public static ReadOnlySpan<byte> PrefixInUtf8 => "batch:"u8;

    public static string Intent(string model, int number) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{model}-{number}:intent");

    public static string Submitted(string model, int number) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{model}-{number}:submitted");

    public static string Closed(string model, int number) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{model}-{number}:closed");
}

[System.Text.Json.Serialization.JsonSourceGenerationOptions(
    PropertyNamingPolicy = System.Text.Json.Serialization.JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull)]
[System.Text.Json.Serialization.JsonSerializable(typeof(BatchIntent))]
[System.Text.Json.Serialization.JsonSerializable(typeof(BatchClosing))]
internal sealed partial class BatchRecordsJson : System.Text.Json.Serialization.JsonSerializerContext;

/// <summary>Requests that batches may hold without an answer on record, while a journal is read from its beginning.</summary>
internal sealed class UnansweredRequests
{
    private readonly Dictionary<string, (string Number, string Model, long Input, long Output)> waiting = [];

    /// <summary>Whether the record may change anything.</summary>
    /// <param name="key">A reader at the record's key.</param>
    public bool MayRead(in Utf8JsonReader key) => waiting.Count > 0 || key.ValueIsEscaped || key.ValueSpan.StartsWith(BatchRecords.PrefixInUtf8);

    /// <summary>Reads one record of a journal; those that are no batch's or completion's change nothing.</summary>
    public void Read(string key, string record)
    {
        if (!key.StartsWith(BatchRecords.Prefix, StringComparison.Ordinal))
        {
            waiting.Remove(key);
            return;
        }
        var (number, what) = (key[BatchRecords.Prefix.Length..key.LastIndexOf(':')], key[(key.LastIndexOf(':') + 1)..]);
        if (what == "intent" && JsonSerializer.Deserialize(record, BatchRecordsJson.Default.BatchIntent) is { } intent)
            for (var i = 0; i < intent.Keys.Length; i++)
                waiting[intent.Keys[i]] = (number, intent.Of, intent.InputTokens[i], intent.OutputTokens[i]);
        else if (what == "closed" && JsonSerializer.Deserialize(record, BatchRecordsJson.Default.BatchClosing) is { } closing)
            foreach (var gone in closing.Lost ? [.. waiting.Keys] : closing.Unanswered)
                if (waiting.TryGetValue(gone, out var held) && held.Number == number)
                    waiting.Remove(gone);
    }

    /// <returns>By model: how many, and the most tokens that they may be charged for.</returns>
    public IEnumerable<(string Model, long Requests, long InputTokens, long OutputTokens)> Sums() => waiting.Values.GroupBy(one => one.Model)
        .Select(group => (group.Key, (long)group.Count(), group.Sum(one => one.Input), group.Sum(one => one.Output)));
}
