using Agora.Experiments;

namespace Agora.SeedData.Hub;

/// <summary>A dataset's file in the cache.</summary>
/// <param name="Address">Its revision is a commit.</param>
/// <param name="Path">On this machine, named as on the hub.</param>
public sealed record HubFile(HubAddress Address, string Path, string ETag, long Size, string Sha256);

/// <param name="Fetched">Bytes of this file that are here.</param>
public sealed record HubProgress(HubAddress File, long Fetched, long Size);

/// <summary>Files of the hub, from the cache where they are there and from the network where they are not.</summary>
public sealed class DatasetHub(HubClient client, IProgress<HubProgress>? progress = null)
{
    private readonly HubCache cache = new(client.Settings.CacheFolder);

    public HubSettings Settings => client.Settings;

    /// <summary>What a dataset holds at a revision; offline, what of it is in the cache.</summary>
    /// <exception cref="AgoraException">The hub refuses or cannot be reached; offline: nothing is known of the revision.</exception>
    public async Task<(string Commit, IReadOnlyList<(string Path, long? Size)> Files)> ListAsync(HubAddress dataset, CancellationToken cancellationToken)
    {
        if (!Settings.Offline)
            return await client.ListAsync(dataset, cancellationToken);
        var commit = KnownCommit(dataset);
        return (commit, [.. cache.Files(dataset.Repository, commit).Select(path => (path, (long?)Length(cache.Snapshot(dataset.Repository, commit, path))))]);
    }

    /// <summary>Brings one file here and checks every byte of it, whether it has just come or lay there.</summary>
    /// <exception cref="AgoraException">It cannot be had, or its contents are not those that the hub names.</exception>
    public async Task<HubFile> PullAsync(HubAddress file, CancellationToken cancellationToken)
    {
        if (Cached(file) is { } kept)
            return Checked(file, kept);
        if (Settings.Offline)
            throw new AgoraException("the file is not on this machine, and no server may be asked for it (HF_HUB_OFFLINE, or a dry run)", file.ToString(), $"run \"agora data pull {file}\" with HF_HUB_OFFLINE unset");
        var version = await client.LookUpAsync(file, cancellationToken);
        var pinned = file with { Revision = version.Commit };
        var blob = cache.Blob(file.Repository, version.ETag);
        string? sha256 = null;
        using (await cache.LockAsync(file.Repository, version.ETag, cancellationToken))
        {
            // A blob of another length is what a broken copy left behind.
            if (!File.Exists(blob) || new FileInfo(blob).Length != version.Size)
                sha256 = await FetchAsync(pinned, version, blob, cancellationToken);
            cache.Link(file.Repository, version.Commit, file.Path, version.ETag);
        }
        cache.Remember(file.Repository, file.Revision, version.Commit);
        var path = cache.Snapshot(file.Repository, version.Commit, file.Path);
        return sha256 is null ? Checked(pinned, (path, version.ETag)) : new HubFile(pinned, path, version.ETag, version.Size, sha256);
    }

    /// <summary>Lets other tools find what was pulled by its commit under the branch's name too.</summary>
    public void Remember(HubAddress branch, string commit) => cache.Remember(branch.Repository, branch.Revision, commit);

    private async Task<string> FetchAsync(HubAddress pinned, HubFileVersion version, string blob, CancellationToken cancellationToken)
    {
        var here = 0L;
        progress?.Report(new HubProgress(pinned, 0, version.Size));
        return await new HubDownload(client, pinned, version, bytes => progress?.Report(new HubProgress(pinned, Interlocked.Add(ref here, bytes), version.Size))).RunAsync(blob, cancellationToken);
    }

    // A commit's file never changes; a branch's is looked up again, unless nobody may be asked.
    private (string Path, string ETag)? Cached(HubAddress file)
    {
        var commit = Settings.Offline ? cache.Commit(file.Repository, file.Revision) : HubClient.CommitForm().IsMatch(file.Revision) ? file.Revision : null;
        if (commit is null)
            return null;
        var path = cache.Snapshot(file.Repository, commit, file.Path);
        if (!File.Exists(path))
            return null;
        return (path, new FileInfo(path).LinkTarget is { } blob ? Path.GetFileName(blob) : "");
    }

    private HubFile Checked(HubAddress file, (string Path, string ETag) kept)
    {
        var (sha256, matches) = Checksum.Of(kept.Path, kept.ETag);
        if (!matches)
            throw new AgoraException($"the file on this machine is damaged: the hub names {kept.ETag}, the contents are sha256 {sha256}", kept.Path, $"delete it and run \"agora data pull {file}\"");
        var commit = cache.Commit(file.Repository, file.Revision) ?? file.Revision;
        return new HubFile(file with { Revision = commit }, kept.Path, kept.ETag, Length(kept.Path), sha256);
    }

    private static long Length(string path) => (File.ResolveLinkTarget(path, returnFinalTarget: true) as FileInfo ?? new FileInfo(path)).Length;

    private string KnownCommit(HubAddress dataset) =>
        cache.Commit(dataset.Repository, dataset.Revision)
        ?? throw new AgoraException("nothing of this dataset is on this machine, and no server may be asked for it (HF_HUB_OFFLINE, or a dry run)", dataset.ToString(), "run \"agora data pull\" with HF_HUB_OFFLINE unset, or give a path");
}
