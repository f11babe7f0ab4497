using Agora.Experiments;
using Microsoft.Extensions.AI;

namespace Agora.LanguageModels.Batches;

/// <summary>Sends requests through the provider's batch API; what batches leave unanswered, and what may not wait, goes online.</summary>
/// <param name="online">Paced, and lent by the run.</param>
/// <param name="batched">The provider's SDK over a <see cref="BatchTransport"/>.</param>
/// <param name="modelIdentity">As the journal above knows the model: the two compute the same keys.</param>
internal sealed class BatchedChatClient(
    IChatClient online, IChatClient batched, BatchQueue queue, string modelIdentity, Budget budget, Price? price) : DelegatingChatClient(online)
{
    /// <summary>Batches that may fail a request before it goes online.</summary>
    private const int MostBatches = 2;

    private const string PropertyName = "batch";

    /// <summary>Whether the answer came through a batch, at the batch's price.</summary>
    public static bool IsBatch(ChatResponse response) => response.AdditionalProperties?.ContainsKey(PropertyName) == true;

    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var request = messages as IReadOnlyList<ChatMessage> ?? [.. messages];
        // Plain prompts go to another path than the chat, and a batch has one; providers with batches read no prompts.
        if (options?.AdditionalProperties is { } more && (more.ContainsKey(SamplingOptions.PlainPrompt) || more.ContainsKey(SamplingOptions.PromptLogProbabilities)))
            return await base.GetResponseAsync(request, options, cancellationToken);
        var key = ChatRequestKey.Of(modelIdentity, request, options);
        var size = PacedChatClient.SizeOf(request, options);
        List<FailedAttempt>? failed = null;
        for (var batch = 0; batch < MostBatches; batch++)
        {
            var item = await queue.ItemAsync(key, size, cancellationToken);
            var reservation = item.IsSetAside ? budget.TakeOver(MostDollars(size)) : await budget.ReserveAsync(MostDollars(size), cancellationToken);
            try
            {
                BatchTransport.Send(item);
                var response = await batched.GetResponseAsync(request, WithoutCaching(options), cancellationToken);
                var usage = response.Usage;
                reservation.Settle(DollarsOf(usage) ?? reservation.Most);
                if (usage is not { InputTokenCount: not null, OutputTokenCount: not null })
                    (failed ??= []).Add(new FailedAttempt(FailedAttempt.Uncounted, size.MostInputTokens, size.MaxOutputTokens));
                if (failed is not null) FailedAttempt.Note(response, failed);
                (response.AdditionalProperties ??= [])[PropertyName] = true;
                return response;
            }
            catch (Exception) when (item.Answer is { IsCompletedSuccessfully: true, Result: BatchAnswer.Alone })
            {
                reservation.Settle(0);
                break;
            }
            catch (Exception) when (item.Answer.IsFaulted)
            {
                // As it was thrown: what lies between may have made something else of it.
                reservation.Settle(0);
                var cause = item.Answer.Exception!.InnerException!;
                if (failed is not null) FailedAttempt.Note(cause, failed);
                throw cause;
            }
            catch (TransientEndpointException fault)
            {
                reservation.Settle(fault.Fault.MayBeCharged() ? reservation.Most : 0);
                (failed ??= []).Add(FailedAttempt.Of(fault.Fault, size));
            }
            catch (Exception other)
            {
                // A batch goes on at the provider without us; its requests are on record there and in the ledger.
                reservation.Settle(other is OperationCanceledException && !item.Answer.IsCompleted && item.Body is not null ? reservation.Most : 0);
                if (failed is not null) FailedAttempt.Note(other, failed);
                throw;
            }
            finally
            {
                queue.Remove(item);
            }
        }
        return await AskOnlineAsync(request, options, failed, cancellationToken);
    }

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (var update in (await GetResponseAsync(messages, options, cancellationToken)).ToChatResponseUpdates())
            yield return update;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            queue.Dispose();
            batched.Dispose();
        }
        base.Dispose(disposing);
    }

    private async Task<ChatResponse> AskOnlineAsync(IReadOnlyList<ChatMessage> request, ChatOptions? options, List<FailedAttempt>? failed, CancellationToken cancellationToken)
    {
        if (failed is null)
            return await base.GetResponseAsync(request, options, cancellationToken);
        try
        {
            var response = await base.GetResponseAsync(request, options, cancellationToken);
            FailedAttempt.Note(response, [.. failed, .. FailedAttempt.Before(response)]);
            return response;
        }
        catch (Exception fault)
        {
            FailedAttempt.Note(fault, [.. failed, .. FailedAttempt.Before(fault)]);
            throw;
        }
    }

    // What is asked within a day is in no cache that lives for minutes, and would be written there for nothing.
    private static ChatOptions? WithoutCaching(ChatOptions? options)
    {
        if (options?.AdditionalProperties?.ContainsKey(SamplingOptions.CachePrompt) != true) return options;
        options = options.Clone();
        options.AdditionalProperties!.Remove(SamplingOptions.CachePrompt);
        return options;
    }

    private decimal? MostDollars(RequestSize size) => price?.Of(size.MostInputTokens, cachedInputTokens: 0, size.MaxOutputTokens) * (price?.Batch ?? 1);

    private decimal? DollarsOf(UsageDetails? usage) => price is not null && usage is { InputTokenCount: { } input, OutputTokenCount: { } output }
        ? price.Of(input, usage.CachedInputTokenCount ?? 0, output) * (price.Batch ?? 1)
        : null;
}
