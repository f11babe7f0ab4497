using System.Buffers;
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Agora.LanguageModels.Batches;
using Microsoft.Extensions.AI;

namespace Agora.LanguageModels;

/// <summary>Writes every completion into a journal before anybody uses it, and answers from the journal what it holds.</summary>
/// <remarks>
/// Two requests are the same if model, messages and every sampling option agree: who wants different samples of one prompt sets different
/// <see cref="ChatOptions.Seed"/>s. Kept are text, finish reason, token counts, <see cref="TokenAlternatives"/> and <see cref="PromptToken"/>s.
/// </remarks>
/// <param name="modelIdentity">What <see cref="ILanguageModels.IdentifyAsync"/> says about the model behind <paramref name="inner"/>.</param>
/// <param name="earlier">Journals of others that may hold the answer; what is found there is copied and not paid for again.</param>
/// <param name="sent">Where it stands what is under way; null where nobody asks for that after a kill.</param>
public sealed class JournaledChatClient(IChatClient inner, IJournal journal, string modelIdentity, IReadOnlyList<IJournal>? earlier = null, ISentRequests? sent = null) : DelegatingChatClient(inner)
{
    private readonly ConcurrentDictionary<string, Task> inFlight = new(StringComparer.Ordinal);

    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var request = messages.ToArray();
        var key = ChatRequestKey.Of(modelIdentity, request, options);
        var finished = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        while (true)
        {
            if (journal.TryGet(key, out var record)) return JournalRecord.Replay(record);
            var running = inFlight.GetOrAdd(key, finished.Task);
            if (running == finished.Task) break;
            await running.WaitAsync(cancellationToken);   // the same request by somebody else: its answer is in the journal soon, or it failed and it is our turn
        }
        try
        {
            // Between the look above and taking the turn another caller may have finished.
            if (journal.TryGet(key, out var record) || TryReadAgain(key, out record)) return JournalRecord.Replay(record);
            return await AskAsync(key, request, options, cancellationToken);
        }
        finally
        {
            inFlight.TryRemove(key, out _);
            finished.SetResult();
        }
    }

    private bool TryReadAgain(string key, [NotNullWhen(true)] out string? record)
    {
        foreach (var other in earlier ?? [])
        {
            if (!other.TryGet(key, out var found)) continue;
            record = (JournalRecord.Read(found) with { Again = true, Failed = null }).Write();
            journal.Append(key, record);
            return true;
        }
        record = null;
        return false;
    }

    private async Task<ChatResponse> AskAsync(string key, ChatMessage[] request, ChatOptions? options, CancellationToken cancellationToken)
    {
        JournalRecord record;
        var underWay = sent is null ? null : new SentRequest(sent, key);
        SentRequest.Current = underWay;
        try
        {
            record = JournalRecord.Of(await base.GetResponseAsync(request, options, cancellationToken));
        }
        catch (PromptRefusedException refused)
        {
            record = new JournalRecord { Refused = refused.Message, Failed = JournalRecord.None(FailedAttempt.Before(refused)) };
        }
        catch (Exception fault) when (FailedAttempt.Before(fault) is { IsEmpty: false } failed)
        {
            // There is no answer to replay, but what was sent may be charged.
            journal.Append($"{JournalRecord.GivenUpPrefix}{Guid.NewGuid():N}", new JournalRecord { By = modelIdentity, Failed = failed }.Write());
            underWay?.Recorded();
            throw;
        }
        var written = (record with { By = modelIdentity }).Write();
        journal.Append(key, written);
        underWay?.Recorded();
        // Returned is what a replay returns, so that a run that was stopped and one that was not cannot differ. Only surrogates without their other half are written as something else.
        return record.Text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF') || record.Tokens is not null || record.PromptTokens is not null ? JournalRecord.Replay(written) : JournalRecord.Replay(record);
    }

    /// <summary>The whole response as one stream: a completion is used only once it is in the journal.</summary>
    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (var update in (await GetResponseAsync(messages, options, cancellationToken)).ToChatResponseUpdates())
            yield return update;
    }
}

/// <summary>What the journal keeps of a completion.</summary>
internal sealed record JournalRecord
{
    public string? Text { get; init; }
    public string? FinishReason { get; init; }
    public long? InputTokens { get; init; }
    public long? OutputTokens { get; init; }
    /// <summary>Part of the input tokens; absent where there were none.</summary>
    public long? CachedInputTokens { get; init; }
    /// <summary>Part of the input tokens: those that the endpoint put into its prompt cache; absent where there were none.</summary>
    public long? CacheWrittenTokens { get; init; }
    /// <summary>The model's own name for itself, where the endpoint gives one.</summary>
    public string? Model { get; init; }
    /// <summary>Absent where none were asked for or given.</summary>
    public ImmutableArray<TokenAlternatives>? Tokens { get; init; }
    /// <summary>Absent where none were asked for.</summary>
    public ImmutableArray<PromptToken>? PromptTokens { get; init; }
    /// <summary>Why the prompt was refused; then there is no answer.</summary>
    public string? Refused { get; init; }
    /// <summary>Sendings of the request that brought no answer; absent where there were none.</summary>
    public ImmutableArray<FailedAttempt>? Failed { get; init; }
    /// <summary>Identity of the model that was asked, for the bill.</summary>
    public string? By { get; init; }
    /// <summary>It was copied from the journal of another step, which paid for it.</summary>
    public bool Again { get; init; }
    /// <summary>It came through the provider's batch API.</summary>
    public bool Batch { get; init; }

    /// <summary>Begins the keys of records that hold no answer.</summary>
    public const string GivenUpPrefix = "given-up:";

    internal static ImmutableArray<FailedAttempt>? None(ImmutableArray<FailedAttempt> failed) => failed.IsEmpty ? null : failed;

    public static JournalRecord Of(ChatResponse response) => new()
    {
        Text = response.Text,
        FinishReason = response.FinishReason?.Value,
        InputTokens = response.Usage?.InputTokenCount,
        OutputTokens = response.Usage?.OutputTokenCount,
        CachedInputTokens = response.Usage?.CachedInputTokenCount is > 0 and var cached ? cached : null,
        CacheWrittenTokens = CacheWrites.Of(response.Usage) is > 0 and var written ? written : null,
        Failed = None(FailedAttempt.Before(response)),
        Batch = BatchedChatClient.IsBatch(response),
        Model = response.ModelId,
        Tokens = TokenAlternatives.Of(response) is { IsEmpty: false } tokens ? tokens : null,
        PromptTokens = PromptToken.Of(response) is { IsEmpty: false } promptTokens ? promptTokens : null,
    };

    public string Write() => JsonSerializer.Serialize(this, JournalRecordJson.Default.JournalRecord);

    public static JournalRecord Read(string written) => JsonSerializer.Deserialize(written, JournalRecordJson.Default.JournalRecord)
        ?? throw new InvalidOperationException("a journal record is null");

    /// <returns>Null where the text is no such record: a step may note other things in its journal.</returns>
    public static JournalRecord? TryRead(string written)
    {
        try
        {
            return written.StartsWith('{') ? Read(written) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <exception cref="PromptRefusedException">That is what was recorded.</exception>
    public static ChatResponse Replay(string written) => Replay(Read(written));

    public static ChatResponse Replay(JournalRecord record)
    {
        if (record.Refused is { } refused) throw new PromptRefusedException(refused);
        return new ChatResponse(new ChatMessage(ChatRole.Assistant, record.Text ?? ""))
        {
            FinishReason = record.FinishReason is null ? null : new ChatFinishReason(record.FinishReason),
            ModelId = record.Model,
            AdditionalProperties = record.Tokens is { } tokens ? new AdditionalPropertiesDictionary { [TokenAlternatives.PropertyName] = tokens }
                : record.PromptTokens is { } promptTokens ? new AdditionalPropertiesDictionary { [PromptToken.PropertyName] = promptTokens }
                : null,
            Usage = record is { InputTokens: null, OutputTokens: null } ? null : new UsageDetails
            {
                InputTokenCount = record.InputTokens,
                OutputTokenCount = record.OutputTokens,
                CachedInputTokenCount = record.CachedInputTokens,
                AdditionalCounts = CacheWrites.Counts(record.CacheWrittenTokens),
                TotalTokenCount = record.InputTokens + record.OutputTokens,
            },
        };
    }
}

[System.Text.Json.Serialization.JsonSourceGenerationOptions(
    PropertyNamingPolicy = System.Text.Json.Serialization.JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingDefault)]
[System.Text.Json.Serialization.JsonSerializable(typeof(JournalRecord))]
internal sealed partial class JournalRecordJson : System.Text.Json.Serialization.JsonSerializerContext;

/// <summary>The identity of a request: everything that changes the answer, and nothing else.</summary>
internal static class ChatRequestKey
{
    /// <returns>SHA-256, lower-case hexadecimal.</returns>
    public static string Of(string modelIdentity, IReadOnlyList<ChatMessage> messages, ChatOptions? options)
    {
        var bytes = new ArrayBufferWriter<byte>(4096);
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            json.WriteString("model", modelIdentity);
            json.WriteStartArray("messages");
            foreach (var message in messages)
            {
                if (message.Contents.FirstOrDefault(content => content is not TextContent) is { } other)
                    throw new NotSupportedException($"a message holds {other.GetType().Name}; the journal knows text only");
                json.WriteStartObject();
                json.WriteString("role", message.Role.Value);
                json.WriteString("text", message.Text);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            WriteOptions(json, options ?? new ChatOptions());
            json.WriteEndObject();
        }
        return Convert.ToHexStringLower(SHA256.HashData(bytes.WrittenSpan));
    }

    private static void WriteOptions(Utf8JsonWriter json, ChatOptions options)
    {
        // Options that this key does not cover would make different requests look the same.
        if (options.Tools is { Count: > 0 } || options.RawRepresentationFactory is not null || options.Instructions is not null || options.ConversationId is not null)
            throw new NotSupportedException("tools, instructions, conversations and raw options are not journalled");
        Write("model_id", options.ModelId);
        Write("temperature", options.Temperature);
        Write("top_p", options.TopP);
        Write("top_k", options.TopK);
        Write("max_output_tokens", options.MaxOutputTokens);
        Write("seed", options.Seed);
        Write("frequency_penalty", options.FrequencyPenalty);
        Write("presence_penalty", options.PresencePenalty);
        if (options.ResponseFormat is { } format)
            Write("response_format", format is ChatResponseFormatJson { Schema: { } schema } ? schema.GetRawText() : format.GetType().Name);
        if (options.StopSequences is { Count: > 0 } stops)
        {
            json.WriteStartArray("stop");
            foreach (var stop in stops) json.WriteStringValue(stop);
            json.WriteEndArray();
        }
        if (options.AdditionalProperties is { Count: > 0 } more)
            foreach (var (name, value) in more.Where(property => property.Key != SamplingOptions.CachePrompt).OrderBy(property => property.Key, StringComparer.Ordinal))
                Write("+" + name, value);

        void Write(string name, object? value)
        {
            if (value is not null) json.WriteString(name, Convert.ToString(value, CultureInfo.InvariantCulture));
        }
    }
}
