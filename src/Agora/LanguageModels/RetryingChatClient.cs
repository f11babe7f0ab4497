using System.Globalization;
using System.Runtime.CompilerServices;
using Agora.Experiments;
using Microsoft.Extensions.AI;

namespace Agora.LanguageModels;

/// <summary>How often and after what wait a request is repeated.</summary>
public sealed record RetryPolicy
{
    /// <summary>Requests in all, the first included.</summary>
    public int Attempts { get; init; } = 8;
    /// <summary>The same, while no request to the endpoint has ever been answered: a wrong address should be told soon.</summary>
    public int AttemptsUntilFirstContact { get; init; } = 3;
    /// <summary>Before the second request; doubles from one to the next.</summary>
    public TimeSpan FirstWait { get; init; } = TimeSpan.FromSeconds(1);
    public TimeSpan LongestWait { get; init; } = TimeSpan.FromSeconds(60);
    /// <summary>The most that an endpoint's Retry-After is honoured: a wrong clock may ask for hours.</summary>
    public TimeSpan LongestRetryAfter { get; init; } = TimeSpan.FromSeconds(120);
    /// <summary>How long one request may stay without an answer: 4,096 new tokens of a slow model take minutes.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromMinutes(10);
}

/// <summary>Repeats what may pass next time, <see cref="TransientEndpointException"/>, a bounded number of times; everything else passes through.</summary>
/// <param name="endpoint">For messages.</param>
public sealed class RetryingChatClient(IChatClient inner, string endpoint, RetryPolicy policy, TimeProvider time) : DelegatingChatClient(inner)
{
    private volatile bool wasAnswered;

    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var request = messages.ToArray();
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var response = await base.GetResponseAsync(request, options, cancellationToken);
                wasAnswered = true;
                return response;
            }
            catch (TransientEndpointException fault)
            {
                wasAnswered |= fault.Connected;
                if (attempt >= (wasAnswered ? policy.Attempts : policy.AttemptsUntilFirstContact)) throw GivenUp(fault, attempt);
                await Task.Delay(WaitAfter(attempt, fault.RetryAfter), time, cancellationToken);
            }
        }
    }

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (var update in (await GetResponseAsync(messages, options, cancellationToken)).ToChatResponseUpdates())
            yield return update;
    }

    // The jitter keeps many waiting requests from coming back at one moment. It decides nothing about the result, so it needs no named stream.
    private TimeSpan WaitAfter(int attempt, TimeSpan? retryAfter)
    {
        var backOff = Math.Min(policy.FirstWait.TotalSeconds * Math.Pow(2, attempt - 1), policy.LongestWait.TotalSeconds) * (0.75 + 0.5 * Random.Shared.NextDouble());
        var asked = Math.Min((retryAfter ?? TimeSpan.Zero).TotalSeconds, policy.LongestRetryAfter.TotalSeconds);
        return TimeSpan.FromSeconds(Math.Max(asked, backOff));
    }

    private AgoraException GivenUp(TransientEndpointException fault, int attempts) => wasAnswered
        ? new AgoraException(string.Create(CultureInfo.InvariantCulture, $"the endpoint failed {attempts} times in a row; the last time: {fault.Message}"), endpoint,
            "wait until it is well and start the same command again: nothing that was answered is asked again", fault)
        : new AgoraException($"the endpoint cannot be reached: {fault.Message}", endpoint, "check the address and that the server is running", fault);
}
