using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Agora.Experiments;
using Microsoft.Extensions.AI;

namespace Agora.LanguageModels;

/// <summary>Sends each request when the endpoint's pace and the experiment's budget allow it, and again where it failed in a way that may pass.</summary>
/// <remarks>
/// Everything but <see cref="TransientEndpointException"/> passes through. A fault while the whole endpoint is paused is not held against the request, so that an outage
/// costs time and not attempts. The attempts that failed come with the answer (<see cref="FailedAttempt"/>), for the bill.
/// </remarks>
/// <param name="endpoint">For messages.</param>
/// <param name="price">Null where none is known.</param>
public sealed class PacedChatClient(
    IChatClient inner, string endpoint, EndpointPace pace, RetryPolicy policy, Budget budget, Price? price, TimeProvider time) : DelegatingChatClient(inner)
{
    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var request = messages as IReadOnlyList<ChatMessage> ?? [.. messages];
        var size = SizeOf(request, options);
        List<FailedAttempt>? failed = null;
        var (counted, limited) = (0, 0);
        for (var attempt = 1; ; attempt++)
        {
            var turn = await pace.EnterAsync(size, cancellationToken);
            TransientEndpointException fault;
            BudgetReservation reservation = default;
            var sent = false;
            try
            {
                reservation = await budget.ReserveAsync(MostDollars(size, options), cancellationToken);
                SentRequest.Current?.Sent(size);
                sent = true;
                // The whole answer must come in time: a connection that trickles never falls silent.
                using var inTime = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                inTime.CancelAfter(policy.RequestTimeout);
                ChatResponse response;
                try
                {
                    response = await base.GetResponseAsync(request, options, inTime.Token);
                }
                catch (OperationCanceledException late) when (!cancellationToken.IsCancellationRequested)
                {
                    throw new TransientEndpointException("no answer came in time", EndpointFault.TimedOut, retryAfter: null, late);
                }
                var usage = response.Usage;
                reservation.Settle(DollarsOf(usage) ?? reservation.Most);
                turn.Succeeded(usage?.InputTokenCount, usage?.OutputTokenCount);
                if (usage is not { InputTokenCount: not null, OutputTokenCount: not null })
                    (failed ??= []).Add(new FailedAttempt(FailedAttempt.Uncounted, size.MostInputTokens, size.MaxOutputTokens));
                if (failed is not null) FailedAttempt.Note(response, failed);
                return response;
            }
            catch (TransientEndpointException passing)
            {
                fault = passing;
            }
            catch (PromptRefusedException refused)
            {
                reservation.Settle(0);
                turn.Refused();
                SentRequest.Current?.Uncharged();
                if (failed is not null) FailedAttempt.Note(refused, failed);
                throw;
            }
            catch (Exception other)
            {
                var interrupted = sent && other is OperationCanceledException;
                reservation.Settle(interrupted ? reservation.Most : 0);
                turn.Abandoned();
                if (sent && !interrupted) SentRequest.Current?.Uncharged();
                if (interrupted) (failed ??= []).Add(new FailedAttempt(FailedAttempt.Interrupted, size.MostInputTokens, size.MaxOutputTokens));
                if (failed is not null) FailedAttempt.Note(other, failed);
                throw;
            }

            reservation.Settle(fault.Fault.MayBeCharged() ? reservation.Most : 0);
            if (!fault.Fault.MayBeCharged()) SentRequest.Current?.Uncharged();
            (failed ??= []).Add(FailedAttempt.Of(fault.Fault, size));
            var paused = turn.Failed(fault) && pace.EverAnswered;
            if (fault.Fault == EndpointFault.RateLimited) limited++;
            else if (!paused) counted++;
            if (GivenUp(fault, attempt, counted, limited) is { } end)
            {
                FailedAttempt.Note(end, failed);
                throw end;
            }
            await Task.Delay(WaitAfter(Math.Max(1, counted + limited), fault.RetryAfter), time, cancellationToken);
        }
    }

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (var update in (await GetResponseAsync(messages, options, cancellationToken)).ToChatResponseUpdates())
            yield return update;
    }

    internal static RequestSize SizeOf(IReadOnlyList<ChatMessage> messages, ChatOptions? options)
    {
        var bytes = 0L;
        foreach (var message in messages)
        {
            bytes += 16;    // what a chat template puts around it
            foreach (var content in message.Contents)
                if (content is TextContent { Text: { } text }) bytes += Encoding.UTF8.GetByteCount(text);
        }
        return new RequestSize(bytes, options?.MaxOutputTokens ?? 0);
    }

    private decimal? MostDollars(RequestSize size, ChatOptions? options) => price is null ? null
        : options?.MaxOutputTokens is null && budget.State.Limit is not null ? throw new InvalidOperationException("a request without a limit of new tokens has no highest cost")
        : price.MostOf(size.MostInputTokens, size.MaxOutputTokens);

    private decimal? DollarsOf(UsageDetails? usage) => price is not null && usage is { InputTokenCount: { } input, OutputTokenCount: { } output }
        ? price.Of(input, usage.CachedInputTokenCount ?? 0, output, CacheWrites.Of(usage))
        : null;

    private AgoraException? GivenUp(TransientEndpointException fault, int attempts, int counted, int limited)
    {
        if (!pace.Reached)
            return pace.TriesWithoutContact < policy.AttemptsUntilFirstContact ? null
                : new AgoraException($"the endpoint cannot be reached: {fault.Message}", endpoint, "check the address and that the server is running", fault);
        if (pace.FailingFor > policy.LongestOutage)
            return new AgoraException(string.Create(CultureInfo.InvariantCulture, $"the endpoint has answered nothing for {policy.LongestOutage.TotalMinutes:0} minutes; the last time: {fault.Message}"),
                endpoint, "wait until it is well and start the same command again: nothing that was answered is asked again", fault);
        return counted < policy.Attempts && limited < policy.AttemptsWhenLimited ? null
            : new AgoraException(string.Create(CultureInfo.InvariantCulture, $"the endpoint failed {attempts} times in a row; the last time: {fault.Message}"), endpoint,
                "wait until it is well and start the same command again: nothing that was answered is asked again", fault);
    }

    // The jitter keeps many waiting requests from coming back at one moment. It decides nothing about the result, so it needs no named stream.
    private TimeSpan WaitAfter(int attempt, TimeSpan? retryAfter)
    {
        var backOff = Math.Min(policy.FirstWait.TotalSeconds * Math.Pow(2, attempt - 1), policy.LongestWait.TotalSeconds) * (0.75 + 0.5 * Random.Shared.NextDouble());
        var asked = Math.Min((retryAfter ?? TimeSpan.Zero).TotalSeconds, policy.LongestRetryAfter.TotalSeconds);
        return TimeSpan.FromSeconds(Math.Max(asked, backOff));
    }
}
