namespace Agora.Experiments;

/// <summary>A file that is there whole or not at all: written beside its place and renamed into it. What cannot be finished leaves nothing beside it.</summary>
/// <remarks>Faults come as the operating system reports them, <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>: whoever writes knows what to say of them.</remarks>
public static class WholeFile
{
    /// <summary>The ending of a file that a killed process may have left half written.</summary>
    public const string UnfinishedEnding = ".tmp";

    /// <summary>A file that is there already is replaced; its folder is made where there is none.</summary>
    public static void Replace(string path, Action<Stream> fill)
    {
        if (Path.GetDirectoryName(path) is { Length: > 0 } folder)
            Directory.CreateDirectory(folder);
        var beside = Beside(path);
        Write(beside, fill, toDisk: false);
        Move(beside, path);
    }

    /// <summary>Where a file's bytes stand until it is whole. The name differs between processes and threads, so that two writers of one file do not write into each other's.</summary>
    internal static string Beside(string path) => $"{path}.{Guid.NewGuid():N}{UnfinishedEnding}";

    /// <param name="toDisk">Whether the bytes are to be on the disk when this returns.</param>
    internal static void Write(string beside, Action<Stream> fill, bool toDisk) => Finish(beside, () =>
    {
        using var file = new FileStream(beside, FileMode.CreateNew, FileAccess.Write, FileShare.None);
        fill(file);
        file.Flush(toDisk);
    });

    internal static void Move(string beside, string path) => Finish(beside, () => File.Move(beside, path, overwrite: true));

    private static void Finish(string beside, Action part)
    {
        try
        {
            part();
        }
        catch
        {
            TryDelete(beside);      // half a file on a full disk only takes room
            throw;
        }
    }

    /// <summary>Removes what a killed process left, where it can be removed.</summary>
    public static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // What keeps the file from being written is the fault worth telling.
        }
    }
}
