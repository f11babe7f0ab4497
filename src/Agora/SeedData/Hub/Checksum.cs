using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Agora.Experiments;

namespace Agora.SeedData.Hub;

/// <summary>The hashes by which the hub knows a file's contents: SHA-256 for large files, git's blob id for small ones.</summary>
internal sealed class Checksum : IDisposable
{
    private readonly string tag;
    private readonly IncrementalHash sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly IncrementalHash? git;

    /// <param name="tag">The file's ETag: its length tells which hash it is.</param>
    public Checksum(string tag, long size)
    {
        this.tag = tag;
        if (tag.Length != 40 || !tag.All(char.IsAsciiHexDigitLower))
            return;
        // git's own hash, which the hub uses as a name; nothing here depends on its strength.
#pragma warning disable CA5350
        git = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
#pragma warning restore CA5350
        git.AppendData(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"blob {size}\0")));
    }

    public void Append(ReadOnlySpan<byte> data)
    {
        sha256.AppendData(data);
        git?.AppendData(data);
    }

    /// <summary>Lower-case SHA-256, and whether the contents are those that the tag names. A mirror's own tag names none, and is never contradicted.</summary>
    public (string Sha256, bool Matches) Finish()
    {
        var hash = Convert.ToHexStringLower(sha256.GetHashAndReset());
        if (git is not null)
            return (hash, Convert.ToHexStringLower(git.GetHashAndReset()) == tag);
        return (hash, tag.Length != 64 || !tag.All(char.IsAsciiHexDigitLower) || tag == hash);
    }

    /// <exception cref="AgoraException">The file cannot be read.</exception>
    public static (string Sha256, bool Matches) Of(string path, string tag)
    {
        try
        {
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read, FileOptions.SequentialScan);
            using var sum = new Checksum(tag, RandomAccess.GetLength(file));
            var buffer = new byte[1 << 18];
            long at = 0;
            for (int read; (read = RandomAccess.Read(file, buffer, at)) > 0; at += read)
                sum.Append(buffer.AsSpan(0, read));
            return sum.Finish();
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw HubCache.Failure(path, fault);
        }
    }

    public void Dispose()
    {
        sha256.Dispose();
        git?.Dispose();
    }
}
