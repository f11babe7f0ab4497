namespace Agora.Runs;

/// <summary>Writes a data set's file while the generation goes on, so that little is left to be copied and synced after the last answer.</summary>
/// <remarks>
/// Instances stand in the file by place, and the next place's is taken as soon as there is one. A filter that judges a whole round may turn it away afterwards, and a place that found none may find one in a later round: what was
/// written is held against the outcome, and where they part the file is written anew. Its bytes are those of the outcome in any case.
/// </remarks>
internal sealed class InstancesAhead : IAsyncDisposable
{
    // Looking is cheaper than being told of thousands of instances a second, one by one.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);
    private const long BytesPerSync = 4 << 20;

    private readonly string path;
    private readonly FillJournal fills;
    private readonly FileStream file;
    private readonly List<int> rounds = [];     // by place, of the instances that are written
    private readonly ManualResetEventSlim ending = new();
    private readonly Task copying;

    /// <param name="places">Of the plan.</param>
    /// <exception cref="Experiments.AgoraException">The file cannot be created.</exception>
    public InstancesAhead(string path, FillJournal fills, int places)
    {
        (this.path, this.fills) = (path, fills);
        try
        {
            file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 1 << 16);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw DurableFiles.Failure(path, error);
        }
        copying = Task.Factory.StartNew(() => Copy(places), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Writes what is not there yet.</summary>
    /// <param name="outcome">Of every instance the round and the place, by place; read twice.</param>
    /// <exception cref="Experiments.AgoraException">The disk is full or cannot be written.</exception>
    public async Task FinishAsync(IEnumerable<(int Round, int Place)> outcome)
    {
        ending.Set();
        var whole = true;
        try
        {
            await copying;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            whole = false;      // the disk may have room again
        }
        try
        {
            if (!whole || !outcome.Take(rounds.Count).SequenceEqual(rounds.Select((round, place) => (round, place))))
            {
                rounds.Clear();
                file.SetLength(0);
            }
            foreach (var (round, place) in outcome.Skip(rounds.Count))
                fills.CopyInstance(round, place, file);
            file.Flush();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw DurableFiles.Failure(path, error);
        }
    }

    public async ValueTask DisposeAsync()
    {
        ending.Set();
        await copying.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);      // told by FinishAsync, or something else went wrong before
        try
        {
            await file.DisposeAsync();
        }
        catch (IOException)
        {
            // What it still held was not written, and whoever asked for it was told, or something else went wrong before.
        }
        ending.Dispose();
    }

    private void Copy(int places)
    {
        var (round, synced) = (0, 0L);
        do
        {
            // A step that ends must not wait until all that an earlier process left is copied.
            while (!ending.IsSet && rounds.Count < places)
            {
                // Where rounds hold a part of the places each, the next place may be the next round's first.
                if (!fills.CopyIfFilled(round, rounds.Count, file))
                {
                    if (!fills.CopyIfFilled(round + 1, rounds.Count, file)) break;
                    round++;
                }
                rounds.Add(round);
            }
            if (file.Position - synced < BytesPerSync) continue;
            file.Flush();
            RandomAccess.FlushToDisk(file.SafeFileHandle);
            synced = file.Position;
        }
        while (!ending.Wait(Pause));
    }
}
