using System.Text;
using Agora.Experiments;

namespace Agora.SeedData.Hub;

/// <summary>The cache that huggingface_hub and its relatives share: blobs by ETag, snapshots of commits that link to them, refs that name commits.</summary>
/// <remarks>
/// Layout: https://huggingface.co/docs/huggingface_hub/guides/manage-cache. What Agora fetches is found by the Python library, and the reverse. Parts of unfinished
/// downloads have names of Agora's own: the library takes the length of its own unfinished files for what it has, and Agora's are filled in any order.
/// </remarks>
internal sealed class HubCache(string folder)
{
    /// <summary>The blob that holds a file's contents; it is there only when it is whole.</summary>
    public string Blob(string repository, string tag) => Path.Combine(Home(repository), "blobs", tag);

    /// <summary>Where a file of a commit is found.</summary>
    public string Snapshot(string repository, string commit, string path) => Path.Combine([Home(repository), "snapshots", commit, .. path.Split('/')]);

    /// <returns>The commit that a revision stood for when it was last looked up; null where it never was.</returns>
    public string? Commit(string repository, string revision)
    {
        if (HubClient.CommitForm().IsMatch(revision))
            return revision;
        var file = Ref(repository, revision);
        return File.Exists(file) && File.ReadAllText(file).Trim() is var commit && HubClient.CommitForm().IsMatch(commit) ? commit : null;
    }

    public void Remember(string repository, string revision, string commit)
    {
        if (revision != commit)
            WriteWhole(Ref(repository, revision), commit);
    }

    /// <summary>Files of a commit that are here, by path.</summary>
    public IEnumerable<string> Files(string repository, string commit)
    {
        var snapshot = Path.Combine(Home(repository), "snapshots", commit);
        return Directory.Exists(snapshot)
            ? Directory.EnumerateFiles(snapshot, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(snapshot, file).Replace('\\', '/')).Order(StringComparer.Ordinal)
            : [];
    }

    /// <summary>Makes a snapshot's name for a blob: a relative link, or a copy where the file system has none.</summary>
    public void Link(string repository, string commit, string path, string tag)
    {
        var name = Snapshot(repository, commit, path);
        var blob = Blob(repository, tag);
        var target = Path.GetRelativePath(Path.GetDirectoryName(name)!, blob);
        Guard(name, () =>
        {
            if (new FileInfo(name).LinkTarget == target)
                return;
            Directory.CreateDirectory(Path.GetDirectoryName(name)!);
            var beside = $"{name}.{Guid.NewGuid():N}.tmp";
            try
            {
                File.CreateSymbolicLink(beside, target);
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or PlatformNotSupportedException)
            {
                File.Copy(blob, beside);
            }
            File.Move(beside, name, overwrite: true);
        });
    }

    /// <summary>One process at a time works on a blob; the kernel lets go of the lock when its holder dies. huggingface_hub takes the same lock.</summary>
    public async Task<IDisposable> LockAsync(string repository, string tag, CancellationToken cancellationToken)
    {
        var path = Path.Combine(folder, ".locks", Name(repository), tag + ".lock");
        Guard(path, () => Directory.CreateDirectory(Path.GetDirectoryName(path)!));
        while (true)
        {
            try
            {
                // FileShare.None is flock(2) with LOCK_EX.
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
            }
            catch (IOException fault) when (fault.HResult is WouldBlock or SharingViolation)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), cancellationToken);
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                throw Failure(path, fault);
            }
        }
    }

    public static void Guard(string path, Action action)
    {
        try
        {
            action();
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw Failure(path, fault);
        }
    }

    public static void WriteWhole(string path, string text) => Guard(path, () => WholeFile.Replace(path, file => file.Write(Encoding.UTF8.GetBytes(text))));

    public static AgoraException Failure(string path, Exception cause) => cause is IOException { HResult: NoSpace or QuotaExceeded or FileTooBig }
        ? new AgoraException($"no room left to write: {cause.Message}", path, "free some space and give the same command again: it goes on from here", cause)
        : new AgoraException($"cannot read or write: {cause.Message}", path, "give this user the right to, or choose another folder with HF_HUB_CACHE", cause);

    private string Ref(string repository, string revision) => Path.Combine([Home(repository), "refs", .. revision.Split('/')]);

    private string Home(string repository) => Path.Combine(folder, Name(repository));

    private static string Name(string repository) => $"datasets--{repository.Replace("/", "--", StringComparison.Ordinal)}";

    // errno of Linux, which .NET hands on as HResult of an IOException.
    private const int NoSpace = 28, QuotaExceeded = 122, FileTooBig = 27, WouldBlock = 11, SharingViolation = unchecked((int)0x80070020);
}
