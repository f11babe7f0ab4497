namespace Agora.Students.Inference;

/// <summary>Sequences that wait for a worker, first come first served, dealt out so that every worker carries about the same load.</summary>
internal sealed class AdmissionQueue(KeyValueCache cache, int workers, int slotsPerWorker) : IDisposable
{
    private readonly Lock gate = new();
    private readonly LinkedList<Sequence> waiting = [];
    private readonly SemaphoreSlim changed = new(0);
    private int running;
    private int idle;
    private volatile bool closed;

    public bool IsClosed => closed;

    public (int Waiting, int Running) Lengths
    {
        get
        {
            lock (gate)
                return (waiting.Count, running);
        }
    }

    public void Add(Sequence sequence)
    {
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(closed, typeof(InferenceEngine));
            if (sequence.Abandoned)
                return;
            waiting.AddLast(sequence);
            Wake();
        }
    }

    /// <summary>Nobody wants the sequence any more: where it still waits it leaves at once, so that callers who come and go cannot make the queue long.</summary>
    public void Withdraw(Sequence sequence)
    {
        lock (gate)
        {
            if (!waiting.Remove(sequence))
                return;
            if (sequence.IsAdmitted)
                cache.Release(sequence);
        }
    }

    /// <summary>A running sequence moves to whichever worker is idle.</summary>
    public void Move(Sequence sequence)
    {
        lock (gate)
        {
            running--;
            waiting.AddFirst(sequence);
            Wake();
        }
    }

    /// <summary>How many of a worker's sequences an idle worker should take over, so that the last answers of a run do not all hang on one core.</summary>
    public int ToMove(int own)
    {
        lock (gate)
            return idle > 0 && waiting.Count == 0 ? own / 2 : 0;
    }

    /// <param name="own">Sequences that the worker has already.</param>
    /// <returns>A sequence with its memory promised; null where there is none for this worker now.</returns>
    public Sequence? TryTake(int own)
    {
        lock (gate)
        {
            if (waiting.First is not { Value: var first })
                return null;
            var share = (waiting.Count + running + workers - 1) / workers;
            if (own >= Math.Min(share, slotsPerWorker) || (!first.IsAdmitted && !cache.TryAdmit(first)))
                return null;
            waiting.RemoveFirst();
            running++;
            return first;
        }
    }

    /// <summary>Blocks an idle worker until there is a sequence for it.</summary>
    /// <returns>Null once the queue is closed.</returns>
    public Sequence? Take()
    {
        while (true)
        {
            lock (gate)
            {
                if (closed)
                    return null;
                if (TryTake(0) is { } sequence)
                    return sequence;
                idle++;     // under the same lock as the look at the queue, so that no wake-up is lost
            }
            changed.Wait();
        }
    }

    /// <summary>A running sequence has left, and its memory is free again.</summary>
    public void Leave()
    {
        lock (gate)
        {
            running--;
            if (waiting.Count > 0)
                Wake();
        }
    }

    /// <returns>What was still waiting.</returns>
    public IReadOnlyList<Sequence> Close()
    {
        lock (gate)
        {
            closed = true;
            var left = waiting.ToArray();
            waiting.Clear();
            changed.Release(workers);
            idle = 0;
            return left;
        }
    }

    /// <summary>The workers must have left.</summary>
    public void Dispose() => changed.Dispose();

    private void Wake()
    {
        if (idle == 0)
            return;
        idle--;
        changed.Release();
    }
}
