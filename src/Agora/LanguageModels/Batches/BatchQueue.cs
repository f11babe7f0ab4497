using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using Agora.Experiments;

namespace Agora.LanguageModels.Batches;

/// <summary>Gathers a step's requests into batches, sends them off once and only once, waits for them, and takes up those of an earlier process.</summary>
/// <remarks>
/// A batch is sent off when no further request has come for a while, or when it is full. Before, the intent is in the ledger; after, the provider's id. A process that finds an
/// intent without an id looks for the batch at the provider before it sends anything.
/// </remarks>
internal sealed class BatchQueue : IDisposable
{
    private readonly IBatchApi api;
    private readonly BatchLedger ledger;
    private readonly string modelIdentity;
    private readonly string where;
    private readonly BatchSpec spec;
    private readonly BatchUse use;
    private readonly RetryPolicy retries;
    private readonly TimeProvider time;
    private readonly Action<string> notice;
    private readonly CancellationTokenSource stop = new();
    private readonly Lock gate = new();
    private readonly ITimer quiet;
    private readonly Lazy<Task> attached;
    // Under way since an earlier process.
    private readonly ConcurrentDictionary<string, BatchItem> reattached = new(StringComparer.Ordinal);
    // Of a batch that an earlier process meant to send off and that was never made.
    private readonly ConcurrentDictionary<string, bool> neverSent = new(StringComparer.Ordinal);
    private List<BatchItem> gathered = [];
    private long gatheredBytes;
    private bool disposed;

    /// <param name="where">For messages.</param>
    /// <param name="notice">Told when batches are sent off and come back.</param>
    public BatchQueue(IBatchApi api, BatchLedger ledger, string modelIdentity, string where, BatchSpec spec, BatchUse use, RetryPolicy retries, TimeProvider time, Action<string> notice)
    {
        (this.api, this.ledger, this.modelIdentity, this.where, this.spec, this.use, this.retries, this.time, this.notice) =
            (api, ledger, modelIdentity, where, spec, use, retries, time, notice);
        quiet = time.CreateTimer(_ => Close(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        attached = new Lazy<Task>(AttachAsync);
    }

    /// <returns>The request as an earlier process sent it off, or a new one.</returns>
    public async Task<BatchItem> ItemAsync(string key, RequestSize size, CancellationToken cancellationToken)
    {
        await attached.Value.WaitAsync(cancellationToken);
        return reattached.TryGetValue(key, out var item) ? item : new BatchItem(key, size) { IsSetAside = neverSent.TryRemove(key, out _) };
    }

    /// <summary>The request is over, one way or the other.</summary>
    public void Remove(BatchItem item)
    {
        if (item.IsReattached) reattached.TryRemove(item.Key, out _);
    }

    /// <summary>Puts the request into the next batch.</summary>
    public void Add(BatchItem item)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        var bytes = item.Body!.Length + api.BytesAround;
        if (bytes > api.MostBytes || use == BatchUse.AttachedOnly)
        {
            item.Settle(new BatchAnswer.Alone());
            return;
        }
        List<BatchItem>? full = null;
        lock (gate)
        {
            if (gatheredBytes + bytes > api.MostBytes) full = Take();
            gathered.Add(item);
            gatheredBytes += bytes;
            if (gathered.Count >= api.MostRequests && full is null) full = Take();
            quiet.Change(gathered.Count > 0 ? TimeSpan.FromSeconds(spec.GatherSeconds) : Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
        if (full is not null) Start(full);
    }

    /// <summary>Batches go on at the provider; another process attaches to them.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            if (disposed) return;
            disposed = true;
        }
        quiet.Dispose();
        stop.Cancel();
        api.Dispose();
    }

    private void Close()
    {
        List<BatchItem> closed;
        lock (gate) closed = Take();
        if (closed.Count > 0) Start(closed);
    }

    private List<BatchItem> Take()
    {
        var taken = gathered;
        (gathered, gatheredBytes) = ([], 0);
        return taken;
    }

    private void Start(List<BatchItem> items)
    {
        items.RemoveAll(item => item.IsAbandoned);
        if (items.Count == 0) return;
        if (use != BatchUse.Always && items.Count < spec.Fewest)
        {
            foreach (var item in items) item.Settle(new BatchAnswer.Alone());
            return;
        }
        _ = Task.Run(() => OrFailAsync(items, () => SubmitAsync(items)), CancellationToken.None);
    }

    // Whatever goes wrong is the affair of those who wait.
    private static async Task OrFailAsync(IEnumerable<BatchItem> items, Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (Exception fault)
        {
            foreach (var item in items) item.Fail(fault);
        }
    }

    private async Task SubmitAsync(List<BatchItem> items)
    {
        var intent = new BatchIntent
        {
            Of = modelIdentity,
            Marker = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)),
            Newest = await PatientAsync(api.NewestAsync),
            Keys = [.. items.Select(item => item.Key)],
            InputTokens = [.. items.Select(item => item.Size.MostInputTokens)],
            OutputTokens = [.. items.Select(item => item.Size.MaxOutputTokens)],
        };
        var number = await ledger.IntendAsync(intent, stop.Token);
        string id;
        try
        {
            id = await SubmitOnceAsync(items, intent);
        }
        catch (AgoraException fault) when (fault.InnerException is not TransientEndpointException)
        {
            // Refused, so that there is no batch. One that was given up may have been made, and the next process looks for it.
            await ledger.CloseAsync(number, new BatchClosing { Lost = true }, CancellationToken.None);
            throw;
        }
        await ledger.SubmittedAsync(number, id, stop.Token);
        notice(string.Create(CultureInfo.InvariantCulture, $"batch {id} with {items.Count} requests was sent off; it may take up to a day, and this command may be ended meanwhile: given again, it goes on waiting"));
        await FollowAsync(number, id, items);
    }

    // A request that failed without a clear answer may have made a batch: it is looked for before another is sent.
    private async Task<string> SubmitOnceAsync(List<BatchItem> items, BatchIntent intent)
    {
        var wait = retries.FirstWait;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await api.SubmitAsync(items, intent.Marker, stop.Token);
            }
            catch (Exception thrown) when (Passing(thrown) is { } fault)
            {
                if (attempt >= retries.AttemptsWhenLimited) throw GivenUp(fault);
                await WaitAsync(fault, wait);
                wait = Longer(wait);
                if (fault.Fault is not (EndpointFault.RateLimited or EndpointFault.Unreachable) && await FindAsync(intent) is { } found) return found;
            }
        }
    }

    private async Task<string?> FindAsync(BatchIntent intent)
    {
        var candidates = await PatientAsync(stop => api.CandidatesAsync(intent.Newest, intent.Marker, intent.Keys.Length, stop));
        if (api.KeepsMarkers) return candidates.Count > 0 ? candidates[0] : null;
        // Without metadata only a batch's results tell whose it is: the ids in them are hashes of our requests.
        var ours = intent.Keys.ToHashSet(StringComparer.Ordinal);
        foreach (var candidate in candidates)
            if (await EndAsync(candidate) is { Refused: null } ended && await PatientAsync(stop => BeginsWithAsync(ended, ours, stop)))
                return candidate;
        return null;
    }

    private async Task<bool> BeginsWithAsync(BatchState state, HashSet<string> keys, CancellationToken cancellationToken)
    {
        await foreach (var (key, _) in api.ResultsAsync(state, cancellationToken)) return keys.Contains(key);
        return false;
    }

    /// <returns>Null where the provider does not know it any more.</returns>
    private async Task<BatchState?> EndAsync(string id)
    {
        var longest = TimeSpan.FromSeconds(spec.PollSeconds);
        for (var wait = longest / 16; ; wait = wait * 1.5 < longest ? wait * 1.5 : longest)
        {
            var state = await PatientAsync(stop => api.StateAsync(id, stop));
            if (state is null or { Ended: true }) return state;
            await Task.Delay(wait, time, stop.Token);
        }
    }

    private async Task FollowAsync(int number, string id, List<BatchItem> items)
    {
        var waiting = items.ToDictionary(item => item.Key, StringComparer.Ordinal);
        var state = await EndAsync(id);
        if (state is null)
        {
            await ledger.CloseAsync(number, new BatchClosing { Lost = true }, stop.Token);
            foreach (var item in waiting.Values) item.Settle(new BatchAnswer.Unanswered(EndpointFault.BatchLost));
            return;
        }
        // Before anybody has an answer: whoever waits for the last one may close this queue with it.
        await ForgetAsync(state);
        if (state.Refused is { } why)
        {
            await ledger.CloseAsync(number, new BatchClosing { Unanswered = [.. waiting.Keys] }, stop.Token);
            if (!state.IsFull)
                throw new AgoraException($"the provider refused the batch {id}: {why}", where, "set mode: online for the model, or correct what it names");
            // As much is queued as the account may: it must run off first.
            await Task.Delay(TimeSpan.FromSeconds(spec.PollSeconds), time, stop.Token);
            foreach (var item in waiting.Values) item.Settle(new BatchAnswer.Unanswered(EndpointFault.BatchRefused));
            return;
        }
        var unanswered = new List<(BatchItem Item, BatchAnswer Answer)>();
        var answered = 0;
        await PatientAsync(async stop =>
        {
            // A download that breaks off starts again; what came of it is settled already.
            await foreach (var (key, answer) in api.ResultsAsync(state, stop))
            {
                if (!waiting.Remove(key, out var item)) continue;
                if (answer is BatchAnswer.Answered)
                {
                    answered++;
                    item.Settle(answer);
                }
                else
                {
                    unanswered.Add((item, answer));
                }
            }
            return true;
        });
        var missing = state.Cancelled ? EndpointFault.BatchCancelled : EndpointFault.BatchExpired;
        unanswered.AddRange(waiting.Values.Select(item => (item, (BatchAnswer)new BatchAnswer.Unanswered(missing))));
        await ledger.CloseAsync(number, new BatchClosing { Unanswered = [.. unanswered.Select(one => one.Item.Key)] }, stop.Token);
        notice(string.Create(CultureInfo.InvariantCulture, $"batch {id} is back: {answered} of {items.Count} requests are answered"));
        if (state.Cancelled && unanswered.Count > 0)
        {
            // Somebody wanted it ended; sending it off again would undo that.
            var cancelled = new AgoraException($"the batch {id} was cancelled at the provider; {unanswered.Count} of its requests are not answered", where,
                "what was answered is kept: give the same command again to ask for the rest");
            foreach (var (item, _) in unanswered) item.Fail(cancelled);
            return;
        }
        foreach (var (item, answer) in unanswered) item.Settle(answer);
    }

    // Tidying up fails nobody: what is left expires at the provider by itself.
    private async Task ForgetAsync(BatchState state)
    {
        try
        {
            await api.ForgetAsync(state, stop.Token);
        }
        catch (Exception fault) when (!stop.IsCancellationRequested && fault is AgoraException or TransientEndpointException)
        {
            notice($"the uploaded requests of batch {state.Id} could not be removed at the provider: {fault.Message.Split('\n')[0]}");
        }
    }

    private async Task AttachAsync()
    {
        await Task.Yield();
        var entries = ledger.Read();
        // A request of several batches is under way in the last one: it was sent again because the earlier one failed it.
        var last = new Dictionary<string, LedgerEntry>(StringComparer.Ordinal);
        foreach (var entry in entries)
            foreach (var key in entry.Intent.Keys) last[key] = entry;
        foreach (var entry in entries)
        {
            if (entry.Closing is { Lost: true }) continue;
            var failed = (entry.Closing?.Unanswered ?? []).ToHashSet(StringComparer.Ordinal);
            var items = new List<BatchItem>();
            for (var i = 0; i < entry.Intent.Keys.Length; i++)
                if (entry.Intent.Keys[i] is var key && last[key] == entry && !failed.Contains(key) && !ledger.IsAnswered(key))
                    items.Add(new BatchItem(key, default) { IsReattached = true, IsSetAside = true });
            if (items.Count == 0) continue;
            if ((entry.Id ?? await ClaimAsync(entry)) is not { } id)
            {
                foreach (var item in items) neverSent[item.Key] = true;
                continue;
            }
            foreach (var item in items) reattached[item.Key] = item;
            notice(string.Create(CultureInfo.InvariantCulture, $"attached to batch {id}, sent off earlier: {items.Count} requests are awaited"));
            _ = OrFailAsync(items, () => FollowAsync(entry.Number, id, items));
        }
    }

    // An earlier process ended between intent and id.
    private async Task<string?> ClaimAsync(LedgerEntry entry)
    {
        var id = await FindAsync(entry.Intent);
        if (id is null)
        {
            // What was sent a moment ago may not be listed yet.
            await Task.Delay(TimeSpan.FromSeconds(Math.Min(spec.PollSeconds, 15)), time, stop.Token);
            id = await FindAsync(entry.Intent);
        }
        if (id is null) await ledger.CloseAsync(entry.Number, new BatchClosing { Lost = true }, stop.Token);
        else await ledger.SubmittedAsync(entry.Number, id, stop.Token);
        return id;
    }

    // For calls that may be made again.
    private async Task<T> PatientAsync<T>(Func<CancellationToken, Task<T>> call)
    {
        var wait = retries.FirstWait;
        var since = time.GetTimestamp();
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await call(stop.Token);
            }
            catch (Exception thrown) when (Passing(thrown) is { } fault)
            {
                if (attempt >= retries.Attempts && (fault.Fault == EndpointFault.Unreadable || time.GetElapsedTime(since) > retries.LongestOutage)) throw GivenUp(fault);
                await WaitAsync(fault, wait);
                wait = Longer(wait);
            }
        }
    }

    // JSON of another shape than documented is found out only where it is looked into.
    private TransientEndpointException? Passing(Exception fault) => stop.IsCancellationRequested ? null : fault as TransientEndpointException ?? BatchHttp.Passing(fault);

    private Task WaitAsync(TransientEndpointException fault, TimeSpan wait)
    {
        var asked = fault.RetryAfter is { } honoured ? (honoured < retries.LongestRetryAfter ? honoured : retries.LongestRetryAfter) : TimeSpan.Zero;
        return Task.Delay(asked > wait ? asked : wait, time, stop.Token);
    }

    private TimeSpan Longer(TimeSpan wait) => 2 * wait < retries.LongestWait ? 2 * wait : retries.LongestWait;

    private AgoraException GivenUp(TransientEndpointException fault) => new($"the batch API failed again and again; the last time: {fault.Message}", where,
        "wait until it is well and start the same command again: batches that were sent off are found again", fault);
}

/// <summary>What goes into batches: every request, only where enough wait together, or nothing but what an earlier process sent off.</summary>
internal enum BatchUse { Always, ForMany, AttachedOnly }
