namespace Agora.Students.Inference;

/// <summary>A thread with its own group of sequences: each step takes all of them forward together (continuous batching), without a word to the other workers.</summary>
internal sealed class Worker : IDisposable
{
    private readonly AdmissionQueue queue;
    private readonly KeyValueCache cache;
    private readonly BatchPass pass;
    private readonly EngineCounters counters;
    private readonly List<Sequence> active = [];
    private readonly List<Sequence> running = [];       // a step's sequences, those included that leave in it
    private readonly Action<Sequence> leave;
    private readonly Thread thread;

    public Worker(string name, BatchPass pass, KeyValueCache cache, AdmissionQueue queue, EngineCounters counters)
    {
        this.queue = queue;
        this.cache = cache;
        this.counters = counters;
        this.pass = pass;
        leave = Leave;
        thread = new Thread(Work) { Name = name, IsBackground = true };
        thread.Start();
    }

    /// <summary>The queue must be closed; the step in hand is finished, its sequences fail.</summary>
    public void Dispose()
    {
        thread.Join();
        pass.Dispose();
    }

    private void Work()
    {
        while (!queue.IsClosed)
        {
            if (active.Count == 0)
            {
                if (queue.Take() is not { } first)
                    break;
                active.Add(first);
            }
            try
            {
                DropAbandoned();
                MoveToIdle();
                Plan();
                if (pass.Rows > 0)
                    Step();
            }
            catch (Exception exception)
            {
                pass.Discard();
                FailAll(exception);
            }
        }
        FailAll(new ObjectDisposedException(nameof(InferenceEngine)));
    }

    private void Step()
    {
        var read = 0;
        var lengths = 0;
        foreach (var sequence in active)
        {
            read += Math.Max(0, Math.Min(sequence.Computed + sequence.Planned, sequence.GivenLength) - sequence.Computed);
            lengths -= sequence.Length;
        }
        running.Clear();
        running.AddRange(active);
        pass.Run(leave);
        foreach (var sequence in running)
            lengths += sequence.Length;
        running.Clear();
        counters.AddRead(read);
        counters.AddDrawn(lengths);
    }

    private void Plan()
    {
        // One token of each answer being written first: prompts fill what room is left, so that no answer halts while others are read.
        foreach (var sequence in active)
        {
            if (sequence.Computed == sequence.Length - 1)
                Advance(sequence, 1);
        }
        for (var i = 0; pass.Rows < pass.MaxRows; i++)
        {
            if (i == active.Count)
            {
                if (queue.TryTake(active.Count) is not { } next)
                    break;
                active.Add(next);
            }
            var sequence = active[i];
            if (sequence.Planned == 0)
                Advance(sequence, Math.Min(sequence.Length - sequence.Computed, pass.MaxRows - pass.Rows));
        }
    }

    private void Advance(Sequence sequence, int count)
    {
        cache.Extend(sequence, sequence.Computed + count);
        pass.Add(sequence, count);
    }

    private void DropAbandoned()
    {
        for (var i = active.Count - 1; i >= 0; i--)
        {
            if (active[i].Abandoned)
                Leave(active[i]);
        }
    }

    private void MoveToIdle()
    {
        if (active.Count < 2)
            return;
        for (var move = queue.ToMove(active.Count); move > 0; move--)
        {
            var last = active[^1];
            active.RemoveAt(active.Count - 1);
            queue.Move(last);
        }
    }

    private void Leave(Sequence sequence)
    {
        active.Remove(sequence);
        cache.Release(sequence);
        sequence.Unregister();
        queue.Leave();
    }

    private void FailAll(Exception exception)
    {
        for (var i = active.Count - 1; i >= 0; i--)
        {
            active[i].Fail(exception);
            Leave(active[i]);
        }
    }
}
