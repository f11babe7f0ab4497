using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Agora.Experiments;
using Microsoft.Win32.SafeHandles;

namespace Agora.Runs;

/// <summary>File operations that hold when the process dies or the power goes between any two of them.</summary>
/// <remarks>Every operation that changes the disk passes through here, so that a test can stop the world before each of them.</remarks>
internal class DurableFiles
{
    public static DurableFiles Instance { get; } = new();

    /// <summary>Called before each change of the disk.</summary>
    protected virtual void Before(string operation, string path)
    {
    }

    public void CreateFolder(string folder)
    {
        if (Directory.Exists(folder))
            return;
        Before("create folder", folder);
        Guard(folder, () => Directory.CreateDirectory(folder));
    }

    /// <summary>The whole file or nothing: written beside its place, synced, renamed.</summary>
    public void WriteWhole(string path, ReadOnlyMemory<byte> contents)
    {
        var beside = WholeFile.Beside(path);
        Before("write", beside);
        Guard(path, () => WholeFile.Write(beside, file => file.Write(contents.Span), toDisk: true));
        Before("rename", path);
        Guard(path, () => WholeFile.Move(beside, path));
        SyncFolder(Path.GetDirectoryName(path)!);
    }

    /// <summary>A new file that begins with these bytes, open for writing; where they cannot be written there is no file.</summary>
    public SafeFileHandle CreateWith(string path, ReadOnlySpan<byte> beginning)
    {
        SafeFileHandle? file = null;
        try
        {
            file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
            Before("begin", path);
            RandomAccess.Write(file, beginning, 0);
            return file;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            if (file is not null)
            {
                file.Dispose();
                File.Delete(path);
            }
            throw Failure(path, error);
        }
    }

    /// <summary>Syncs what was written to an open file.</summary>
    public void Sync(SafeFileHandle file, string path) => Guard(path, () =>
    {
        Before("sync", path);
        RandomAccess.FlushToDisk(file);
    });

    public void SyncFile(string path)
    {
        Before("sync", path);
        Guard(path, () =>
        {
            // fsync(2) asks for no particular mode; opening for writing would fail on a read-only result.
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            RandomAccess.FlushToDisk(file);
        });
    }

    public void RenameFolder(string from, string to)
    {
        Before("rename folder", to);
        Guard(to, () => Directory.Move(from, to));
    }

    public void DeleteFolder(string folder)
    {
        if (!Directory.Exists(folder))
            return;
        Before("delete folder", folder);
        Guard(folder, () => Directory.Delete(folder, recursive: true));
    }

    public void DeleteFile(string path)
    {
        Before("delete", path);
        Guard(path, () => File.Delete(path));
    }

    /// <summary>Makes names that were created, renamed or removed in a folder last.</summary>
    public void SyncFolder(string folder)
    {
        // Windows has no such operation; its file systems keep names in order by themselves.
        if (OperatingSystem.IsWindows())
            return;
        Before("sync folder", folder);
        Guard(folder, () =>
        {
            // .NET opens no folders, so this is the one place that calls the C library.
            var descriptor = Open(folder, 0);
            if (descriptor < 0)
                throw new IOException($"open: error {Marshal.GetLastPInvokeError()}");
            try
            {
                // EINVAL: the file system offers no sync of folders, as some network ones.
                if (FSync(descriptor) != 0 && Marshal.GetLastPInvokeError() is var error and not InvalidArgument)
                    throw new IOException($"fsync: error {error}");
            }
            finally
            {
                _ = Close(descriptor);
            }
        });
    }

    /// <summary>Lower-case hexadecimal SHA-256 of a file's contents.</summary>
    public static string Hash(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }

    /// <summary>Turns what the operating system says into what the person at the terminal can do.</summary>
    public static AgoraException Failure(string path, Exception cause) => cause switch
    {
        UnauthorizedAccessException => new AgoraException(
            $"cannot write: {cause.Message}", path, "give this user the right to write there, or choose another runs folder", cause),
        IOException { HResult: NoSpace or QuotaExceeded or FileTooBig } => new AgoraException(
            $"no room left to write: {cause.Message}", path,
            "free some space (\"agora runs rm\" removes runs) and give the same command again: it goes on from here", cause),
        _ => new AgoraException($"cannot write: {cause.Message}", path, "mend the disk or file system and give the same command again: it goes on from here", cause),
    };

    private static void Guard(string path, Action action)
    {
        try
        {
            action();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Failure(path, error);
        }
    }

    // errno of Linux, which .NET hands on as HResult of an IOException.
    private const int NoSpace = 28, QuotaExceeded = 122, FileTooBig = 27, InvalidArgument = 22;

    [DllImport("libc", EntryPoint = "open", SetLastError = true, CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int FSync(int descriptor);

    [DllImport("libc", EntryPoint = "close", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Close(int descriptor);
}
