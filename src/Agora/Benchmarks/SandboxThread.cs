using System.Collections.Concurrent;

namespace Agora.Benchmarks;

/// <summary>A thread that waits for one interpreter, and goes on itself with whoever awaits the answer.</summary>
/// <remarks>
/// Asynchronous pipes cost a program two wake-ups of other threads each way, beside which the rest of this process's part is small (docs/log.md). Here the kernel wakes the thread
/// that then grades the answer and sends the next program.
/// </remarks>
internal sealed class SandboxThread : IDisposable
{
    private readonly BlockingCollection<Action> work = [];

    public SandboxThread()
    {
        new Thread(() =>
        {
            foreach (var piece in work.GetConsumingEnumerable())
                piece();
            work.Dispose();
        })
        { IsBackground = true, Name = "sandbox" }.Start();
    }

    /// <summary>Does something that may block, and gives it up when told to.</summary>
    /// <param name="abandoned">Called then, from another thread: it should end what is waited for, so that this thread comes free.</param>
    /// <exception cref="OperationCanceledException">It was given up.</exception>
    public async Task<T> RunAsync<T>(Func<T> blocking, Action abandoned, CancellationToken cancellationToken)
    {
        // Continuations run where the result is set: on this thread, unless it was given up.
        var done = new TaskCompletionSource<T>();
        using var stop = cancellationToken.UnsafeRegister(_ =>
        {
            abandoned();
            done.TrySetCanceled(cancellationToken);
        }, null);
        work.Add(() =>
        {
            try
            {
                done.TrySetResult(blocking());
            }
            catch (Exception fault)
            {
                done.TrySetException(fault);
            }
        }, CancellationToken.None);
        return await done.Task;
    }

    /// <summary>The thread ends when it has done what it was given.</summary>
    public void Dispose() => work.CompleteAdding();
}
