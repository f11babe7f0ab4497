namespace Agora.LanguageModels.Batches;

/// <summary>A provider's API for many requests at once, each call made once.</summary>
internal interface IBatchApi : IDisposable
{
    /// <summary>The most requests that one batch may hold.</summary>
    int MostRequests { get; }

    /// <summary>The largest that one upload may be, in bytes.</summary>
    long MostBytes { get; }

    /// <summary>Bytes that a request takes in an upload besides its body.</summary>
    int BytesAround { get; }

    /// <returns>The batch that was made last on this account; null where there is none.</returns>
    Task<string?> NewestAsync(CancellationToken cancellationToken);

    /// <param name="marker">Stands in the batch's metadata where the provider keeps some.</param>
    /// <returns>The batch's id.</returns>
    Task<string> SubmitAsync(IReadOnlyCollection<BatchItem> items, string marker, CancellationToken cancellationToken);

    /// <summary>Batches made after <paramref name="newest"/> that may be the one with this marker.</summary>
    /// <returns>One alone where the provider keeps metadata, and then it is the right one; otherwise all with as many requests.</returns>
    Task<IReadOnlyList<string>> CandidatesAsync(string? newest, string marker, int requests, CancellationToken cancellationToken);

    /// <summary>Whether a candidate needs no further proof.</summary>
    bool KeepsMarkers { get; }

    /// <returns>Null where the provider does not know the batch any more.</returns>
    Task<BatchState?> StateAsync(string id, CancellationToken cancellationToken);

    /// <summary>What became of each request, in no order; requests that were never begun may be missing.</summary>
    IAsyncEnumerable<(string Key, BatchAnswer Answer)> ResultsAsync(BatchState state, CancellationToken cancellationToken);

    /// <summary>Takes away what was uploaded for a batch that has ended, where it would stay; its results do not need it.</summary>
    Task ForgetAsync(BatchState state, CancellationToken cancellationToken) => Task.CompletedTask;
}

/// <summary>The most that one batch may hold.</summary>
/// <param name="Bytes">Of one upload.</param>
public sealed record BatchLimits(int Requests, long Bytes);

/// <param name="Files">Where the results are, for a provider that puts them into files.</param>
/// <param name="Refused">Why the provider would not begin with the batch at all; null where it did.</param>
/// <param name="IsFull">It was refused because too much of the account is waiting already.</param>
internal sealed record BatchState(string Id, bool Ended, bool Cancelled, IReadOnlyList<string> Files, string? Refused = null, bool IsFull = false)
{
    /// <summary>What was uploaded, where the provider keeps it as a file of its own.</summary>
    public string? Input { get; init; }
}

/// <summary>What became of one request of a batch.</summary>
internal abstract record BatchAnswer
{
    private BatchAnswer() { }

    /// <summary>As the endpoint would have answered online, status and body.</summary>
    public sealed record Answered(int Status, byte[] Body) : BatchAnswer;

    /// <summary>The batch was over before the request's turn came; nothing is charged for it.</summary>
    public sealed record Unanswered(EndpointFault Why) : BatchAnswer;

    /// <summary>It was in no batch: too few wait together.</summary>
    public sealed record Alone : BatchAnswer;
}

/// <summary>One request on its way through a batch.</summary>
/// <param name="key">Of its completion in the journal, and its custom id at the provider: 64 hexadecimal digits, the most that providers take.</param>
internal sealed class BatchItem(string key, RequestSize size)
{
    private readonly TaskCompletionSource<BatchAnswer> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int left;

    public string Key { get; } = key;
    public RequestSize Size { get; } = size;
    /// <summary>As it would be sent online; null for a request that an earlier process sent off.</summary>
    public byte[]? Body { get; set; }
    /// <summary>An earlier process sent it off.</summary>
    public bool IsReattached { get; init; }
    /// <summary>The budget holds what it may cost already, since an earlier process meant to send it off.</summary>
    public bool IsSetAside { get; init; }
    /// <summary>Nobody waits for it any more.</summary>
    public bool IsAbandoned => Volatile.Read(ref left) != 0;

    public Task<BatchAnswer> Answer => answer.Task;

    public void Settle(BatchAnswer with) => answer.TrySetResult(with);

    public void Fail(Exception fault) => answer.TrySetException(fault);

    public void Abandon() => Volatile.Write(ref left, 1);
}
