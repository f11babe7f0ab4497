using Agora.Experiments;

namespace Agora.Students.Inference;

/// <summary>Engines by folder: a model is in memory once, however many callers use it, and leaves with the last of them. Safe for concurrent use.</summary>
internal sealed class SharedEngines(int threads, string device) : IDisposable
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, (Task<InferenceEngine> Engine, int Users)> open = new(StringComparer.Ordinal);

    /// <exception cref="AgoraException">As <see cref="InferenceEngine.Load"/>.</exception>
    public async Task<EngineLease> RentAsync(string folder, CancellationToken cancellationToken)
    {
        var path = Path.GetFullPath(folder);
        Task<InferenceEngine> loading;
        lock (gate)
        {
            loading = open.TryGetValue(path, out var entry) ? entry.Engine : Task.Run(() => InferenceEngine.Load(path, threads, device: device), CancellationToken.None);
            open[path] = (loading, entry.Users + 1);
        }
        try
        {
            return new EngineLease(await loading.WaitAsync(cancellationToken), () => Return(path));
        }
        catch
        {
            Return(path);
            throw;
        }
    }

    public void Dispose()
    {
        List<Task<InferenceEngine>> left;
        lock (gate)
        {
            left = [.. open.Values.Select(entry => entry.Engine)];
            open.Clear();
        }
        foreach (var engine in left)
            Unload(engine);
    }

    private void Return(string path)
    {
        Task<InferenceEngine> engine;
        lock (gate)
        {
            if (!open.TryGetValue(path, out var entry))
                return;     // disposed in between
            engine = entry.Engine;
            if (entry.Users > 1)
            {
                open[path] = (engine, entry.Users - 1);
                return;
            }
            open.Remove(path);
        }
        Unload(engine);
    }

    // An engine that is still loading goes as soon as it is there; one that failed to load has nothing to free, and its fault has reached who asked.
    private static void Unload(Task<InferenceEngine> engine) =>
        engine.ContinueWith(static loaded => loaded.Result.Dispose(), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
}

/// <summary>The right to use an engine until it is disposed.</summary>
public sealed class EngineLease : IDisposable
{
    private Action? release;

    internal EngineLease(InferenceEngine engine, Action release) => (Engine, this.release) = (engine, release);

    public InferenceEngine Engine { get; }

    public void Dispose() => Interlocked.Exchange(ref release, null)?.Invoke();
}
