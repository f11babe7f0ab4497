using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Agora.Experiments;

namespace Agora.Runs;

/// <summary>Results of steps, each in a folder named by its key; a folder that is there is whole.</summary>
/// <remarks>
/// A step works in <c>KEY.partial</c>: its journal outlives an interruption, its half-written result does not. The finished result is synced and renamed to
/// <c>KEY</c>. While a process works on a step it holds <c>locks/KEY</c>, which the kernel lets go of when the process dies; a second process waits
/// for it and finds the result. Completions outlive their step in <c>completions</c>, one journal per step, until nobody needs the step any more. See docs/run-folder.md.
/// </remarks>
public sealed class StepStore
{
    private readonly DurableFiles files;
    private readonly TimeProvider time;

    public StepStore(string folder) : this(folder, DurableFiles.Instance, TimeProvider.System)
    {
    }

    internal StepStore(string folder, DurableFiles files, TimeProvider time)
    {
        Folder = Path.GetFullPath(folder);
        this.files = files;
        this.time = time;
    }

    public string Folder { get; }

    /// <summary>Where the step's result lies, or would.</summary>
    public string FolderOf(StepKey key) => Path.Combine(Folder, key.Value);

    /// <summary>Whether an interrupted step left finished items behind.</summary>
    public bool HasJournal(StepKey key) =>
        new FileInfo(Path.Combine(PartialFolderOf(key), StepWorkspace.JournalFileName)) is { Exists: true, Length: > 0 };

    /// <summary>Whether a living process works on the step at this moment.</summary>
    public bool IsBusy(StepKey key)
    {
        if (!File.Exists(LockOf(key)))
            return false;
        using var mine = FileLock.TryExclusive(LockOf(key));
        return mine is null;
    }

    /// <summary>Looks whether the step's result is there and whole.</summary>
    /// <param name="thoroughly">Whether to hash the files; otherwise only their names and sizes are compared.</param>
    public StepFinding Find(StepKey key, bool thoroughly)
    {
        var folder = FolderOf(key);
        if (!Directory.Exists(folder))
            return new StepFinding.Absent();
        try
        {
            var manifest = StepManifest.FromBytes(File.ReadAllBytes(Path.Combine(folder, StepManifest.FileName)));
            foreach (var file in manifest.Files)
            {
                var path = Path.Combine(folder, file.Path);
                if (!File.Exists(path))
                    return new StepFinding.Damaged($"{file.Path} is missing");
                if (new FileInfo(path).Length is var bytes && bytes != file.Bytes)
                    return new StepFinding.Damaged($"{file.Path} has {bytes} bytes instead of {file.Bytes}");
                if (thoroughly && DurableFiles.Hash(path) != file.Sha256)
                    return new StepFinding.Damaged($"{file.Path} has other contents than when it was written");
            }
            return new StepFinding.Whole(new StepResult(key, folder, manifest));
        }
        catch (Exception error) when (error is IOException or JsonException)
        {
            return new StepFinding.Damaged($"{StepManifest.FileName} cannot be read: {CanonicalJson.Fault(error)}");
        }
    }

    /// <summary>The step's result: found, or made now. Only one process and one caller makes it, the others wait.</summary>
    /// <param name="make">Fills the workspace's folder; may be called again for the same step after an interruption.</param>
    /// <param name="notice">Told what the caller might wonder about.</param>
    /// <exception cref="AgoraException">The disk is full or cannot be written; the journal stays for the next attempt.</exception>
    public async Task<StepResult> GetOrMakeAsync(
        StepIdentity step, Func<StepWorkspace, CancellationToken, Task> make, Action<StepNotice>? notice, CancellationToken cancellationToken)
    {
        files.CreateFolder(Folder);
        files.CreateFolder(Path.Combine(Folder, LocksFolder));
        using var mine = await FileLock.ExclusiveAsync(LockOf(step.Key), () => notice?.Invoke(new StepNotice.Waiting()), cancellationToken);
        var partial = PartialFolderOf(step.Key);
        switch (Find(step.Key, thoroughly: true))
        {
            case StepFinding.Whole(var result):
                KeepJournal(step.Key, partial);     // left over where the process died between the last rename and the cleaning up
                files.DeleteFolder(partial);
                notice?.Invoke(new StepNotice.Reused());
                return result;
            case StepFinding.Damaged(var reason):
                notice?.Invoke(new StepNotice.Damaged(reason));
                Discard(FolderOf(step.Key));
                break;
        }

        files.CreateFolder(partial);
        var unfinished = Path.Combine(partial, StepWorkspace.ResultFolderName);
        files.DeleteFolder(unfinished);
        files.CreateFolder(unfinished);
        if (step.Asked is { } asked)
            files.WriteWhole(Path.Combine(partial, AskedFile), Encoding.UTF8.GetBytes(FamilyOf(asked)));
        if (File.Exists(Path.Combine(partial, PreviewedFile)))
            files.DeleteFile(Path.Combine(partial, PreviewedFile));     // a run needs it now, and it goes with the run
        files.SyncFolder(Folder);
        var started = time.GetUtcNow();
        var clock = time.GetTimestamp();
        var workspace = new StepWorkspace(partial, files, new ModelClock(time), () => EarlierJournals(step));
        try
        {
            await make(workspace, cancellationToken);
        }
        finally
        {
            workspace.CloseJournals();
        }
        var spent = Task.Run(() => SpendingOfJournal(partial), CancellationToken.None);
        Seal(step, unfinished);
        var timing = new StepTiming
        {
            Started = started,
            Finished = time.GetUtcNow(),
            Seconds = time.GetElapsedTime(clock).TotalSeconds,
            ModelSeconds = workspace.ModelTime.Total.TotalSeconds,
            TrainedTokens = workspace.TrainedTokens,
        };
        files.WriteWhole(Path.Combine(unfinished, StepManifest.TimingFileName), JsonSerializer.SerializeToUtf8Bytes(timing, CanonicalJson.Indented));
        if (await spent is { IsEmpty: false } spending)
            files.WriteWhole(Path.Combine(unfinished, StepManifest.SpendingFileName), JsonSerializer.SerializeToUtf8Bytes(spending, CanonicalJson.Indented));
        files.RenameFolder(unfinished, FolderOf(step.Key));
        files.SyncFolder(Folder);
        KeepJournal(step.Key, partial);
        files.DeleteFolder(partial);
        return Find(step.Key, thoroughly: false) is StepFinding.Whole(var made)
            ? made
            : throw new InvalidOperationException($"{step.Key} is not whole right after it was written");
    }

    /// <summary>Does a part of a step's work ahead: what it leaves in the journal the step finds when it is made.</summary>
    /// <param name="forNoRun">Whether it may be that no run needs the step yet: what is paid for stays until one does.</param>
    /// <returns>False where the result is there, or another process makes it: then nothing was done.</returns>
    internal async Task<bool> BeginAsync(StepIdentity step, bool forNoRun, Func<StepWorkspace, Task> work)
    {
        files.CreateFolder(Folder);
        files.CreateFolder(Path.Combine(Folder, LocksFolder));
        using var mine = FileLock.TryExclusive(LockOf(step.Key));
        if (mine is null || Find(step.Key, thoroughly: false) is StepFinding.Whole)
            return false;
        var partial = PartialFolderOf(step.Key);
        files.CreateFolder(partial);
        if (step.Asked is { } asked)
            files.WriteWhole(Path.Combine(partial, AskedFile), Encoding.UTF8.GetBytes(FamilyOf(asked)));
        if (forNoRun && !HasJournal(step.Key))
            files.WriteWhole(Path.Combine(partial, PreviewedFile), ReadOnlyMemory<byte>.Empty);
        var workspace = new StepWorkspace(partial, files, new ModelClock(time), () => EarlierJournals(step));
        try
        {
            await work(workspace);
        }
        finally
        {
            workspace.CloseJournals();
        }
        return true;
    }

    /// <summary>What a finished step was answered; null where that is not kept, or the step asks nobody. The caller disposes it.</summary>
    internal Journal? OpenCompletions(StepIdentity step) =>
        step.Asked is { } asked ? Journal.OpenToRead(Path.Combine(Folder, CompletionsFolder, FamilyOf(asked), step.Key.Value)) : null;

    /// <summary>Where a note on an unfinished step lies, beside its journal; it goes when the step is done.</summary>
    internal string NoteOf(StepKey key, string name) => Path.Combine(PartialFolderOf(key), name);

    /// <summary>How long a finished step took; null where it was copied here without its times.</summary>
    public StepTiming? TimingOf(StepKey key)
    {
        var path = Path.Combine(FolderOf(key), StepManifest.TimingFileName);
        try
        {
            return File.Exists(path) ? JsonSerializer.Deserialize<StepTiming>(File.ReadAllBytes(path), CanonicalJson.Options) : null;
        }
        catch (JsonException)
        {
            return null;    // times are not part of the result: a damaged file of them costs only them
        }
    }

    /// <summary>What a step has asked models for so far, whether it is finished or was interrupted; empty where it asked nobody, or nobody who counts tokens.</summary>
    public ImmutableArray<SpendingLine> SpendingOf(StepKey key)
    {
        var path = Path.Combine(FolderOf(key), StepManifest.SpendingFileName);
        try
        {
            return File.Exists(path) ? JsonSerializer.Deserialize<ImmutableArray<SpendingLine>>(File.ReadAllBytes(path), CanonicalJson.Options)
                : Directory.Exists(FolderOf(key)) ? []
                : SpendingOfJournal(PartialFolderOf(key));
        }
        catch (JsonException error)
        {
            throw new AgoraException($"what a step has spent cannot be read: {CanonicalJson.Fault(error)}", path, "restore the file, or remove the folder that holds it to pay for the step again", error);
        }
    }

    private static ImmutableArray<SpendingLine> SpendingOfJournal(string partial)
    {
        try
        {
            // Looked for first: what is taken up or answered meanwhile is seen in the journal then.
            var underWay = SentRequestFile.Read(partial);
            return Spending.Scan(Path.Combine(partial, StepWorkspace.JournalFileName), underWay);
        }
        catch (IOException error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return [];
        }
    }

    // Other steps that asked the same models: finished ones, and interrupted ones whose settings were changed since.
    private IEnumerable<string> EarlierJournals(StepIdentity step)
    {
        if (step.Asked is not { } asked)
            return [];
        var family = FamilyOf(asked);
        var kept = Path.Combine(Folder, CompletionsFolder, family);
        var finished = Directory.Exists(kept) ? Directory.GetFiles(kept).Where(path => Path.GetFileName(path) != step.Key.Value) : [];
        var interrupted = Directory.GetDirectories(Folder, "*" + PartialSuffix)
            .Where(folder => folder != PartialFolderOf(step.Key) && Asks(folder, family))
            .Select(folder => Path.Combine(folder, StepWorkspace.JournalFileName));
        return finished.Order(StringComparer.Ordinal).Concat(interrupted.Where(File.Exists).Order(StringComparer.Ordinal));
    }

    private static bool Asks(string partial, string family) => FamilyAskedBy(partial) == family;

    // Null where the step asks nobody. Another process may be about to finish the step and to remove its folder.
    private static string? FamilyAskedBy(string partial)
    {
        try
        {
            return File.ReadAllText(Path.Combine(partial, AskedFile));
        }
        catch (IOException)
        {
            return null;
        }
    }

    private void KeepJournal(StepKey key, string partial)
    {
        var journal = Path.Combine(partial, StepWorkspace.JournalFileName);
        if (!File.Exists(journal) || FamilyAskedBy(partial) is not { } family)
            return;
        var folder = Path.Combine(Folder, CompletionsFolder, family);
        files.CreateFolder(Path.Combine(Folder, CompletionsFolder));
        files.CreateFolder(folder);
        File.Move(journal, Path.Combine(folder, key.Value), overwrite: true);
        files.SyncFolder(folder);
    }

    private static string FamilyOf(string asked) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(asked)))[..32];

    /// <summary>Removes results and unfinished work that nobody needs. A step on which a process works stays.</summary>
    /// <param name="needed">Keys of kept runs; the caller sees to it that no run begins meanwhile.</param>
    /// <param name="previews">Whether that goes, too, which previews paid for and no run has taken up.</param>
    /// <param name="pretend">Only says what would go.</param>
    public Collected Collect(IReadOnlySet<StepKey> needed, bool previews, bool pretend)
    {
        var (steps, bytes, previewed) = (0, 0L, 0L);
        foreach (var folder in Directory.Exists(Folder) ? Directory.GetDirectories(Folder) : [])
        {
            var name = Path.GetFileName(folder);
            if (name.StartsWith(DiscardedPrefix, StringComparison.Ordinal))
            {
                bytes += BytesBelow(folder);
                if (!pretend)
                    files.DeleteFolder(folder);
                continue;
            }
            var isPartial = name.EndsWith(PartialSuffix, StringComparison.Ordinal);
            var key = isPartial ? name[..^PartialSuffix.Length] : name;
            // What is not named like a step was not put there by us, and is not ours to take away.
            if (!StepKey.IsKey(key))
                continue;
            // Left over where the process died between the last rename and the cleaning up, and no later run asked for the step itself.
            var leftOver = isPartial && Find(new StepKey(key), thoroughly: false) is StepFinding.Whole;
            if (needed.Contains(new StepKey(key)) && !leftOver)
                continue;
            if (isPartial && !leftOver && !previews && File.Exists(Path.Combine(folder, PreviewedFile)))
            {
                previewed += BytesBelow(folder);
                continue;
            }
            files.CreateFolder(Path.Combine(Folder, LocksFolder));
            using var mine = FileLock.TryExclusive(LockOf(new StepKey(key)));
            if (mine is null)
                continue;
            steps++;
            bytes += BytesBelow(folder);
            if (pretend)
                continue;
            if (leftOver)
                KeepJournal(new StepKey(key), folder);
            Discard(folder);
        }
        var completions = Path.Combine(Folder, CompletionsFolder);
        foreach (var journal in Directory.Exists(completions) ? Directory.GetFiles(completions, "*", SearchOption.AllDirectories) : [])
        {
            if (!StepKey.IsKey(Path.GetFileName(journal)) || needed.Contains(new StepKey(Path.GetFileName(journal))))
                continue;
            bytes += new FileInfo(journal).Length;
            if (!pretend)
                File.Delete(journal);
        }
        return new Collected(steps, bytes, previewed);
    }

    private static long BytesBelow(string folder) =>
        new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length);

    // Renamed first: a result that is half removed when the process dies must not stand under its key.
    private void Discard(string folder)
    {
        var discarded = Path.Combine(Folder, $"{DiscardedPrefix}{Guid.NewGuid():N}");
        files.RenameFolder(folder, discarded);
        files.DeleteFolder(discarded);
    }

    private void Seal(StepIdentity step, string folder)
    {
        StepManifest manifest;
        try
        {
            manifest = StepManifest.Of(step, folder);
        }
        catch (IOException error)
        {
            throw DurableFiles.Failure(folder, error);
        }
        foreach (var file in manifest.Files)
            files.SyncFile(Path.Combine(folder, file.Path));
        foreach (var inner in Directory.EnumerateDirectories(folder, "*", SearchOption.AllDirectories))
            files.SyncFolder(inner);
        files.WriteWhole(Path.Combine(folder, StepManifest.FileName), manifest.ToBytes());
    }

    private string PartialFolderOf(StepKey key) => FolderOf(key) + PartialSuffix;

    private string LockOf(StepKey key) => Path.Combine(Folder, LocksFolder, key.Value);

    private const string PartialSuffix = ".partial";
    private const string LocksFolder = "locks";
    private const string CompletionsFolder = "completions";
    private const string AskedFile = "asked";
    private const string PreviewedFile = "previewed";
    private const string DiscardedPrefix = "discarded-";
}

/// <summary>What stands under a key.</summary>
public abstract record StepFinding
{
    private StepFinding() { }
    public sealed record Absent : StepFinding;
    public sealed record Whole(StepResult Result) : StepFinding;
    /// <param name="Reason">Which file differs from the manifest, and how.</param>
    public sealed record Damaged(string Reason) : StepFinding;
}

/// <param name="Folder">Read only: changing a file makes the result a damaged one.</param>
public sealed record StepResult(StepKey Key, string Folder, StepManifest Manifest)
{
    /// <summary>The path of one of the result's files.</summary>
    public string PathOf(string file) => Path.Combine(Folder, file);
}

/// <summary>What happens around a step besides its work.</summary>
public abstract record StepNotice
{
    private StepNotice() { }
    /// <summary>Another process makes this result; it will be used.</summary>
    public sealed record Waiting : StepNotice;
    public sealed record Reused : StepNotice;
    /// <summary>The result that stood there is damaged, and is made anew.</summary>
    public sealed record Damaged(string Reason) : StepNotice;
}

/// <param name="Steps">Folders of steps.</param>
/// <param name="PreviewBytes">What stays, as previews paid for it and no run has taken it up.</param>
public readonly record struct Collected(int Steps, long Bytes, long PreviewBytes);
