using System.Security.Cryptography;
using Agora.Experiments;
using Agora.SeedData;

namespace Agora.Benchmarks;

/// <summary>The file's bytes, unpacked, as they go by: hashed, counted, and their faults said as a user can mend them.</summary>
internal sealed class BenchmarkContent : ForwardStream
{
    /// <summary>Bytes; a few kilobytes of gzip may hold any number of them.</summary>
    private const int LargestUnpacked = 1 << 30;

    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly string file;
    private readonly bool isPacked;
    private readonly Stream plain;
    private long read;

    public BenchmarkContent(string path, string file)
    {
        this.file = file;
        isPacked = path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase);
        var raw = Explained(() => (Stream)File.OpenRead(file));
        plain = isPacked ? new WholeGzipStream(raw) : raw;
    }

    /// <summary>Reads what is left and ends.</summary>
    public string Hash()
    {
        CopyTo(Null);
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
    }

    public override int Read(byte[] buffer, int offset, int count)
    {
        var length = Explained(() => plain.Read(buffer, offset, count));
        hash.AppendData(buffer, offset, length);
        if ((read += length) > LargestUnpacked && isPacked)
            throw NoGzip(new InvalidDataException($"it unpacks to more than {LargestUnpacked >> 20} MiB"));
        return length;
    }

    private T Explained<T>(Func<T> step)
    {
        try
        {
            return step();
        }
        catch (Exception fault) when (fault is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new AgoraException("the file does not exist", file, "correct the path, or put the file there", fault) { ExitCode = 2 };
        }
        catch (Exception fault) when (fault is InvalidDataException or EndOfStreamException)
        {
            throw NoGzip(fault);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new AgoraException($"the file cannot be read: {fault.Message}", file, "check that it is a file that you may read", fault) { ExitCode = 2 };
        }
    }

    private AgoraException NoGzip(Exception fault) =>
        new($"the file is no complete gzip file: {fault.Message}", file, "fetch it again, or unpack it and drop .gz from the name", fault) { ExitCode = 2 };

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            plain.Dispose();
            hash.Dispose();
        }
        base.Dispose(disposing);
    }
}
