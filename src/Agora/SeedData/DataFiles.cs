using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Agora.Experiments;
using Agora.SeedData.Catalogue;
using Agora.SeedData.Hub;

namespace Agora.SeedData;

/// <summary>What a pull brought.</summary>
/// <param name="Path">The file of rows to read.</param>
/// <param name="Rows">Null where a single file is used as it is.</param>
public sealed record PulledData(string Source, string Path, int? Rows);

/// <param name="Fault">Null where the file is what it was when it was first pulled.</param>
public sealed record VerifiedFile(string File, string? Fault);

/// <summary>The one place where the name of data becomes a file: a path stays one, <c>hf://…</c> is fetched, <c>catalogue:…</c> is fetched and brought into Agora's rows.</summary>
/// <param name="folder">Holds the record of what was pulled and the files of rows made from it.</param>
public sealed class DataFiles(DatasetHub hub, string folder)
{
    // Part of a prepared file's name: another way to make rows is another file.
    private const string PreparationVersion = "1";
    private const string ConvertedRevision = "refs/convert/parquet";
    private static readonly JsonSerializerOptions Layout = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    // Branches that were looked up by this object, by dataset and commit.
    private readonly Dictionary<(string Repository, string Commit), HubAddress> lookedUp = [];
    private readonly string lockFile = Path.Combine(folder, "data.lock.json");

    /// <summary>Where <see cref="DataFiles"/> keeps what it makes: <c>AGORA_DATA</c>, or agora/data in the user's cache.</summary>
    public static string DefaultFolder(Func<string, string?> variable) =>
        variable("AGORA_DATA") is { Length: > 0 } chosen ? Path.GetFullPath(chosen)
        : Path.Combine(variable("XDG_CACHE_HOME") is { Length: > 0 } cache ? cache : Path.Combine(variable("HOME") is { Length: > 0 } home ? home : Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"),
            "agora", "data");

    /// <summary>A local file with the rows of the source.</summary>
    /// <exception cref="AgoraException">It cannot be had, is damaged, or its columns are not those expected.</exception>
    public async Task<string> LocateAsync(string source, CancellationToken cancellationToken) =>
        DataName.IsNamed(source) ? (await PullAsync(source, cancellationToken: cancellationToken)).Path : source;

    /// <summary>Whether an experiment names data by more than paths.</summary>
    public static bool Names(Experiment experiment) =>
        experiment.SeedData.Values.Concat(experiment.DataSets.Select(set => set.Data)).Select(source => source.File)
            .Concat(experiment.Benchmarks.Values.SelectMany(specs => specs).Select(spec => spec.File)).Any(DataName.IsNamed);

    /// <summary>An experiment whose data all are files of this machine.</summary>
    /// <inheritdoc cref="LocateAsync(string, CancellationToken)"/>
    public async Task<Experiment> LocateAsync(Experiment experiment, CancellationToken cancellationToken)
    {
        async Task<DataSource> Here(DataSource source) => source with { File = await LocateAsync(source.File, cancellationToken) };
        var wanted = experiment.Settings.ToHashSet();
        foreach (var (setting, source) in experiment.SeedData.Where(entry => wanted.Contains(entry.Key) && DataName.IsNamed(entry.Value.File)))
            experiment = experiment with { SeedData = experiment.SeedData.SetItem(setting, await Here(source)) };
        foreach (var set in experiment.DataSets.Where(set => DataName.IsNamed(set.Data.File)))
            experiment = experiment with { DataSets = experiment.DataSets.Replace(set, set with { Data = await Here(set.Data) }) };
        var domains = experiment.Settings.Concat(experiment.DataSets.Select(set => set.Setting)).Select(setting => setting.Domain).ToHashSet();
        foreach (var (domain, specs) in experiment.Benchmarks.Where(entry => domains.Contains(entry.Key)))
            foreach (var spec in specs.Where(spec => DataName.IsNamed(spec.File)))
                experiment = experiment with { Benchmarks = experiment.Benchmarks.SetItem(domain, experiment.Benchmarks[domain].Replace(spec, spec with { File = await LocateAsync(spec.File, cancellationToken) })) };
        return experiment;
    }

    /// <param name="source">An address, or an entry's name with or without <c>catalogue:</c>.</param>
    /// <param name="from">For entries that name no copy: the user's own, a path or an address. Remembered.</param>
    /// <param name="update">Take what the hub has now instead of the commits that were pulled first.</param>
    /// <inheritdoc cref="LocateAsync(string, CancellationToken)"/>
    public async Task<PulledData> PullAsync(string source, string? from = null, bool update = false, CancellationToken cancellationToken = default)
    {
        if (HubAddress.IsMeant(source))
        {
            var address = HubAddress.Parse(source);
            if (address.Path == "")
                throw new AgoraException("the address names no file", source, $"add a path or pattern; \"agora data info {source}\" lists the files") { ExitCode = 2 };
            if (!address.IsPattern)
                return new PulledData(source, (await PullFileAsync(await PinAsync(address, update, cancellationToken), cancellationToken)).Path, null);
            return await PrepareAsync(source, "hub", [new Part(address.ToString(), [address], null, Shape: (row, _) => JsonObject.Create(row), null, null)], null, update, cancellationToken);
        }
        var entry = DataCatalogue.Find(source.StartsWith(CatalogueEntry.Scheme, StringComparison.Ordinal) ? source[CatalogueEntry.Scheme.Length..] : source);
        if (from is not null)
            RememberSource(entry, from);
        return await PrepareAsync(source, entry.Name, [.. entry.Parts.Select(part => PartOf(entry, part))], entry.Rows, update, cancellationToken);
    }

    /// <summary>Reads every byte that was recorded and holds it against its checksum.</summary>
    /// <param name="source">Null for everything.</param>
    public IReadOnlyList<VerifiedFile> Verify(string? source)
    {
        var record = DataLock.Read(lockFile);
        var cache = new HubCache(hub.Settings.CacheFolder);
        var repositories = source is null ? null : RepositoriesOf(source, record);
        return
        [
            .. record.Files.Where(file => repositories is null || repositories.Any(repository => file.Key.Contains(repository, StringComparison.Ordinal))).Select(file =>
            {
                var path = HubAddress.IsMeant(file.Key) && HubAddress.Parse(file.Key) is var address ? cache.Snapshot(address.Repository, address.Revision, address.Path) : file.Key;
                return new VerifiedFile(file.Key, Fault(path, file.Value));
            }),
            .. record.Prepared.Where(file => source is null || file.Key.StartsWith(NameOf(source), StringComparison.Ordinal)).Select(file => new VerifiedFile(Path.Combine(folder, file.Key), Fault(Path.Combine(folder, file.Key), file.Value))),
        ];

        static string? Fault(string path, string sha256) => !File.Exists(path) ? "it is not on this machine" : Checksum.Of(path, "").Sha256 is var now && now != sha256 ? $"recorded sha256 {sha256}, now {now}" : null;
    }

    /// <summary>The entry's file of rows, if it is here already; asks nobody.</summary>
    public bool IsHere(CatalogueEntry entry) =>
        DataLock.Read(lockFile).Prepared.Keys.Any(file => file.StartsWith(FileStart(entry.Name), StringComparison.Ordinal) && File.Exists(Path.Combine(folder, file)));

    /// <summary>The user's own copy that stands in for an entry's withdrawn part.</summary>
    public string? SourceOf(CatalogueEntry entry) => DataLock.Read(lockFile).Sources.GetValueOrDefault(entry.Name);

    /// <param name="Patterns">Each must match a file.</param>
    /// <param name="Fallback">Looked at where one does not.</param>
    private sealed record Part(string Name, IReadOnlyList<HubAddress> Patterns, HubAddress? Fallback, RowShape? Shape, int? Limit, CataloguePart? Published)
    {
        /// <summary>A file of this machine instead.</summary>
        public string? LocalFile { get; init; }
    }

    private Part PartOf(CatalogueEntry entry, CataloguePart part)
    {
        if (part.Repository is { } repository)
        {
            var patterns = part.Files.Select(path => new HubAddress(repository, HubAddress.DefaultRevision, path)).ToArray();
            var converted = part.Shape is null ? null : new HubAddress(repository, ConvertedRevision, $"{part.Config}/{part.Split}/*.parquet");
            return new Part(repository, patterns, converted, part.Shape, part.Limit, part);
        }
        if (SourceOf(entry) is not { } source)
            throw new AgoraException(part.Withdrawn!, CatalogueEntry.Scheme + entry.Name,
                $"run \"agora data pull {entry.Name} --from FILE-OR-hf://…\" with {part.Split} rows that have {string.Join(", ", part.Columns)}")
            { ExitCode = 2 };
        return HubAddress.IsMeant(source)
            ? new Part(source, [HubAddress.Parse(source)], null, part.Shape, part.Limit, null)
            : new Part(source, [], null, part.Shape, part.Limit, null) { LocalFile = source };
    }

    private void RememberSource(CatalogueEntry entry, string from)
    {
        if (entry.Parts.All(part => part.Repository is not null))
            throw new AgoraException($"\"{entry.Name}\" has a place on the hub; a copy of your own is named directly in the experiment", "--from", "leave --from out, or give the path as \"file\"") { ExitCode = 2 };
        var source = HubAddress.IsMeant(from) ? HubAddress.Parse(from).ToString() : Path.GetFullPath(from);
        if (!HubAddress.IsMeant(source) && !File.Exists(source))
            throw new AgoraException("the file does not exist", source, "correct the path") { ExitCode = 2 };
        DataLock.Change(lockFile, record => record.Sources[entry.Name] = source);
    }

    private async Task<PulledData> PrepareAsync(string source, string name, IReadOnlyList<Part> parts, int? rows, bool update, CancellationToken cancellationToken)
    {
        var files = new List<(Part Part, IReadOnlyList<HubAddress> Files)>();
        var key = new StringBuilder($"{PreparationVersion} {name}");
        foreach (var part in parts)
        {
            var found = part.LocalFile is null ? await FindAsync(part, update, cancellationToken) : [];
            files.Add((part, found));
            key.Append('\n').AppendJoin('\n', part.LocalFile is { } own ? [Recorded(own)] : found.Select(file => file.ToString()));
        }
        var path = Path.Combine(folder, $"{FileStart(name)}{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key.ToString())))[..16]}.jsonl");
        var here = DataLock.Read(lockFile).Prepared.GetValueOrDefault(Path.GetFileName(path));
        if (here is null || !File.Exists(path) || Checksum.Of(path, "").Sha256 != here)
            await WriteRowsAsync(path, files, rows, name, cancellationToken);
        return new PulledData(source, path, File.ReadLines(path).Count());
    }

    private async Task WriteRowsAsync(string path, IReadOnlyList<(Part Part, IReadOnlyList<HubAddress> Files)> parts, int? expected, string name, CancellationToken cancellationToken)
    {
        var beside = $"{path}.{Guid.NewGuid():N}.tmp";
        HubCache.Guard(path, () => Directory.CreateDirectory(folder));
        try
        {
            var written = 0;
            await using (var output = new StreamWriter(beside, append: false, new UTF8Encoding(false)) { NewLine = "\n" })
            {
                var remembered = new Dictionary<string, string>(StringComparer.Ordinal);
                foreach (var (part, files) in parts)
                    written += await WriteRowsAsync(output, part, files, remembered, cancellationToken);
            }
            if (expected is { } rows && written != rows && parts.All(part => part.Part.Published is not null))
                throw new AgoraException(string.Create(CultureInfo.InvariantCulture, $"the set has {written} rows instead of {rows}"), CatalogueEntry.Scheme + name,
                    "the dataset has changed on the hub: name the files to use directly, as hf://datasets/OWNER/NAME@COMMIT/PATH");
            if (written == 0)
                throw new AgoraException("none of the files' rows belongs to the set", string.Join(", ", parts.Select(part => part.Part.Name)), "give another file");
            var sha256 = Checksum.Of(beside, "").Sha256;
            HubCache.Guard(path, () => File.Move(beside, path, overwrite: true));
            DataLock.Change(lockFile, record => record.Prepared[Path.GetFileName(path)] = sha256);
        }
        catch (IOException fault)
        {
            throw HubCache.Failure(path, fault);
        }
        finally
        {
            File.Delete(beside);
        }
    }

    private async Task<int> WriteRowsAsync(StreamWriter output, Part part, IReadOnlyList<HubAddress> files, Dictionary<string, string> remembered, CancellationToken cancellationToken)
    {
        var written = 0;
        IReadOnlyList<string?> paths = part.LocalFile is { } own ? [own] : [.. files.Select(_ => (string?)null)];
        foreach (var (place, local) in paths.Index())
        {
            if (written == part.Limit) break;
            var path = local ?? (await PullFileAsync(files[place], cancellationToken, part.Published)).Path;
            if (part.Shape is null) continue;
            var bad = new List<FileRow.Bad>();
            foreach (var (number, row, fault) in RowReader.Objects(path))
            {
                if (written == part.Limit) break;
                var (shaped, wrong) = Shaped(part.Shape, row, fault, remembered);
                if (wrong is not null)
                {
                    bad.Add(new FileRow.Bad(number, wrong));
                }
                else if (shaped is not null && bad.Count == 0)
                {
                    await output.WriteLineAsync(shaped.ToJsonString(Layout));
                    written++;
                }
                // A file of other columns has as many bad rows as rows.
                if (bad.Count == 100) break;
            }
            if (bad.Count > 0) throw BadRows.Error(part.LocalFile ?? files[place].ToString(), bad, written);
        }
        return written;
    }

    private static (JsonObject? Row, string? Fault) Shaped(RowShape shape, JsonElement row, string? fault, Dictionary<string, string> remembered)
    {
        if (fault is not null) return (null, fault);
        try
        {
            return (shape(row, remembered), null);
        }
        catch (RowFault wrong)
        {
            return (null, wrong.Message);
        }
        catch (InvalidOperationException)
        {
            return (null, "it has an escape that is no character, such as \\ud800 alone");
        }
    }

    // Files of one commit, so that the shards of a set belong together.
    private async Task<IReadOnlyList<HubAddress>> FindAsync(Part part, bool update, CancellationToken cancellationToken)
    {
        var found = new List<HubAddress>();
        foreach (var pattern in part.Patterns)
        {
            var files = await MatchesAsync(pattern, update, cancellationToken);
            AgoraException? noConversion = null;
            try
            {
                if (files.Count == 0 && part.Fallback is { } converted)
                    files = await MatchesAsync(converted, update, cancellationToken);
            }
            catch (AgoraException fault)
            {
                noConversion = fault;
            }
            if (files.Count == 0)
                throw new AgoraException($"the dataset has no such file{(noConversion is null ? "" : $", and of its conversion to Parquet the hub says: {noConversion.What}")}", pattern.ToString(),
                    $"\"agora data info {pattern with { Path = "" }}\" lists its files; name one directly, as hf://datasets/OWNER/NAME@REVISION/PATH", noConversion);
            found.AddRange(files);
        }
        return found;
    }

    // What a pattern stands for at a commit never changes, so it is asked once.
    private async Task<IReadOnlyList<HubAddress>> MatchesAsync(HubAddress pattern, bool update, CancellationToken cancellationToken)
    {
        var pinned = await PinAsync(pattern, update, cancellationToken);
        if (!DataLock.Read(lockFile).Patterns.TryGetValue(pinned.ToString(), out var paths))
        {
            var (_, files) = await hub.ListAsync(pinned with { Path = "" }, cancellationToken);
            paths = [.. files.Select(file => file.Path).Where(pinned.Matches)];
            if (!hub.Settings.Offline)
                DataLock.Change(lockFile, record => record.Patterns[pinned.ToString()] = paths);
        }
        return [.. paths.Select(path => pinned with { Path = path })];
    }

    // A branch stands for the commit that it stood for when it was first pulled.
    private async Task<HubAddress> PinAsync(HubAddress address, bool update, CancellationToken cancellationToken)
    {
        if (HubClient.CommitForm().IsMatch(address.Revision))
            return address;
        var key = (address with { Path = "" }).ToString();
        if (!update && DataLock.Read(lockFile).Revisions.GetValueOrDefault(key) is { } known)
            return address with { Revision = known };
        var (commit, _) = await hub.ListAsync(address with { Path = "" }, cancellationToken);
        DataLock.Change(lockFile, record => record.Revisions[key] = commit);
        if (!hub.Settings.Offline)
            lookedUp[(address.Repository, commit)] = address;
        return address with { Revision = commit };
    }

    private async Task<HubFile> PullFileAsync(HubAddress file, CancellationToken cancellationToken, CataloguePart? published = null)
    {
        var pulled = await hub.PullAsync(file, cancellationToken);
        if (lookedUp.Remove((file.Repository, file.Revision), out var branch))
            hub.Remember(branch, file.Revision);
        if (published?.KnownSha256.GetValueOrDefault(file.Path) is { } known && known != pulled.Sha256)
            throw new AgoraException($"the file is not the one that the catalogue knows: its sha256 should be {known} and is {pulled.Sha256}", file.ToString(), "find out why it was changed before using it");
        DataLock.Change(lockFile, record => record.Record(pulled.Address.ToString(), pulled.Sha256));
        return pulled;
    }

    private string Recorded(string own)
    {
        if (!File.Exists(own))
            throw new AgoraException("the file does not exist", own, "put it back, or give another with \"agora data pull --from\"") { ExitCode = 2 };
        var sha256 = Checksum.Of(own, "").Sha256;
        DataLock.Change(lockFile, record => record.Files[own] = sha256);    // the user's own file may change; its rows then are another set
        return sha256;
    }

    private static string[] RepositoriesOf(string source, DataLock record)
    {
        if (HubAddress.IsMeant(source)) return [HubAddress.Parse(source).Repository + "@"];
        var entry = DataCatalogue.Find(NameOf(source, plain: true));
        return [.. entry.Parts.Select(part => part.Repository is { } repository ? repository + "@" : record.Sources.GetValueOrDefault(entry.Name)).OfType<string>()];
    }

    private static string NameOf(string source, bool plain = false)
    {
        if (HubAddress.IsMeant(source)) return FileStart("hub");
        var name = source.StartsWith(CatalogueEntry.Scheme, StringComparison.Ordinal) ? source[CatalogueEntry.Scheme.Length..] : source;
        return plain ? name : FileStart(name);
    }

    private static string FileStart(string name) => name.Replace('/', '.') + "-";
}
