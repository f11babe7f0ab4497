using System.Globalization;

namespace Agora.Tests.Benchmarks;

/// <summary>The most that processes below this one held at once, looked at from outside every few milliseconds: in memory, in number, and in their scratch folder.</summary>
/// <remarks>It sees what the sandbox's limits leave, not what the sandbox says of itself. A peak shorter than the distance of two looks may be missed; what lasts 20 ms is seen.</remarks>
internal sealed class ProcessTreePeaks : IDisposable
{
    private readonly CancellationTokenSource stop = new();
    private readonly Thread watcher;

    /// <param name="idle">Processes that were there before; their memory counts, their number does not.</param>
    /// <param name="scratch">A process that sees the scratch folder as /tmp; null where that is not to be watched.</param>
    public ProcessTreePeaks(HashSet<int> idle, int? scratch)
    {
        watcher = new Thread(() =>
        {
            do
            {
                var all = ChildProcesses.Now().All;
                MemoryBytes = Math.Max(MemoryBytes, all.Sum(Proportional));
                Processes = Math.Max(Processes, all.Except(idle).Count());
                if (scratch is { } inside)
                    ScratchBytes = Math.Max(ScratchBytes, Used($"/proc/{inside.ToString(CultureInfo.InvariantCulture)}/root/tmp"));
            }
            while (!stop.Token.WaitHandle.WaitOne(5));
        })
        { IsBackground = true };
        watcher.Start();
    }

    /// <summary>Of all processes together; a page that several share counts once.</summary>
    public long MemoryBytes { get; private set; }
    public int Processes { get; private set; }
    public long ScratchBytes { get; private set; }

    public void Dispose()
    {
        stop.Cancel();
        watcher.Join();
        stop.Dispose();
    }

    private static long Proportional(int process)
    {
        try
        {
            var line = File.ReadLines($"/proc/{process.ToString(CultureInfo.InvariantCulture)}/smaps_rollup").FirstOrDefault(line => line.StartsWith("Pss:", StringComparison.Ordinal));
            return line is null ? 0 : 1024 * long.Parse(line["Pss:".Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return 0;       // it ended meanwhile
        }
    }

    private static long Used(string folder)
    {
        try
        {
            var drive = new DriveInfo(folder);
            return drive.TotalSize - drive.TotalFreeSpace;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }
}
