using System.Text.Json;
using Agora.Experiments;
using Agora.SeedData.Hub;

namespace Agora.SeedData;

/// <summary>What the first pull of each dataset got: commits, and SHA-256 of every file. Later uses take the same commits and are held against the same checksums.</summary>
/// <remarks>A JSON file, sorted, that can be copied to another machine to have the same data there.</remarks>
internal sealed class DataLock
{
    private static readonly JsonSerializerOptions Layout = new(JsonSerializerDefaults.Web) { WriteIndented = true, NewLine = "\n" };

    /// <summary>Commits by dataset and revision.</summary>
    public SortedDictionary<string, string> Revisions { get; init; } = new(StringComparer.Ordinal);
    /// <summary>What a pattern stands for at its commit: paths.</summary>
    public SortedDictionary<string, string[]> Patterns { get; init; } = new(StringComparer.Ordinal);
    /// <summary>SHA-256 by address with its commit, or by the absolute path of a user's own file.</summary>
    public SortedDictionary<string, string> Files { get; init; } = new(StringComparer.Ordinal);
    /// <summary>What a user gave for an entry that names no copy of its own.</summary>
    public SortedDictionary<string, string> Sources { get; init; } = new(StringComparer.Ordinal);
    /// <summary>SHA-256 of files of rows that Agora made, by name.</summary>
    public SortedDictionary<string, string> Prepared { get; init; } = new(StringComparer.Ordinal);

    public static DataLock Read(string path)
    {
        try
        {
            return File.Exists(path) ? JsonSerializer.Deserialize<DataLock>(File.ReadAllText(path), Layout) ?? throw new JsonException("null") : new DataLock();
        }
        catch (JsonException fault)
        {
            throw new AgoraException("the record of pulled data is damaged", path, "restore it, or delete it to record what is there anew", fault);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw HubCache.Failure(path, fault);
        }
    }

    /// <summary>Changes the record; processes take turns.</summary>
    public static void Change(string path, Action<DataLock> change) => HubCache.Guard(path, () =>
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var turn = Turn(path + ".turn");
        var record = Read(path);
        change(record);
        HubCache.WriteWhole(path, JsonSerializer.Serialize(record, Layout) + "\n");
    });

    /// <summary>Notes a file's checksum, or holds it against the one that is known.</summary>
    /// <exception cref="AgoraException">They differ.</exception>
    public void Record(string file, string sha256)
    {
        if (!Files.TryAdd(file, sha256) && Files[file] != sha256)
            throw new AgoraException($"the file differs from the one that was pulled first: recorded sha256 {Files[file]}, now {sha256}", file,
                "find out who changed it; \"agora data pull --update\" takes what the hub has now");
    }

    // Held for milliseconds; let go by the kernel when its holder dies.
    private static FileStream Turn(string path)
    {
        for (var tries = 0; ; tries++)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
            }
            catch (IOException) when (tries < 500)
            {
                Thread.Sleep(10);
            }
        }
    }
}
