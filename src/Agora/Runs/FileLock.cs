using Agora.Experiments;

namespace Agora.Runs;

/// <summary>A lock between processes that the kernel lets go of when its holder dies, however it dies.</summary>
/// <remarks>
/// .NET takes flock(2) for <see cref="FileShare"/>: exclusive for None, shared for Read. The lock's file is never removed while somebody could wait
/// for it: a lock on a file without a name would keep nobody out.
/// </remarks>
internal sealed class FileLock : IDisposable
{
    private readonly FileStream file;

    private FileLock(FileStream file) => this.file = file;

    /// <returns>Null where somebody else holds it.</returns>
    public static FileLock? TryExclusive(string path) => Try(path, FileAccess.ReadWrite, FileShare.None);

    /// <summary>Many may hold it at once, as long as nobody holds it exclusively.</summary>
    public static FileLock? TryShared(string path) => Try(path, FileAccess.Read, FileShare.Read);

    /// <param name="waiting">Called once, if somebody else holds it for longer than it takes to look.</param>
    public static Task<FileLock> ExclusiveAsync(string path, Action? waiting, CancellationToken cancellationToken) =>
        WaitAsync(() => TryExclusive(path), waiting, cancellationToken);

    public static Task<FileLock> SharedAsync(string path, Action? waiting, CancellationToken cancellationToken) =>
        WaitAsync(() => TryShared(path), waiting, cancellationToken);

    /// <summary>Whether a file could not be opened because somebody else has it open.</summary>
    public static bool IsHeldElsewhere(IOException error) => error.HResult is WouldBlock or SharingViolation;

    public void Dispose() => file.Dispose();

    private static async Task<FileLock> WaitAsync(Func<FileLock?> attempt, Action? waiting, CancellationToken cancellationToken)
    {
        for (var pause = Shortest; ; pause = pause < Longest ? 2 * pause : Longest)
        {
            if (attempt() is { } held)
                return held;
            if (pause > Looking)
            {
                waiting?.Invoke();
                waiting = null;
            }
            await Task.Delay(pause, cancellationToken);
        }
    }

    private static FileLock? Try(string path, FileAccess access, FileShare share)
    {
        try
        {
            return new FileLock(new FileStream(path, FileMode.OpenOrCreate, access, share, bufferSize: 0));
        }
        catch (IOException error) when (IsHeldElsewhere(error))
        {
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw DurableFiles.Failure(path, error);
        }
    }

    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Looking = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(500);
    private const int WouldBlock = 11, SharingViolation = unchecked((int)0x80070020);
}
