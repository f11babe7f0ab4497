using System.IO.Compression;

namespace Agora.SeedData;

/// <summary>Decompresses gzip and fails where the data are cut off.</summary>
/// <remarks>
/// <see cref="GZipStream"/> takes the end of a truncated file for the end of the data, so that half a download reads as a short file. A gzip file may
/// consist of several members; here one more follows the file's own, with white space in it that no reader of JSON minds. Only if the file
/// is whole does that member come out at the end.
/// </remarks>
internal sealed class WholeGzipStream : Stream
{
    private static readonly byte[] Mark = " \t\t \t   \t \t\t\t \t\t  \t \t  \t\t \t  \t"u8.ToArray();

    private readonly GZipStream plain;
    private readonly byte[] last = new byte[Mark.Length];
    private bool ended;

    /// <param name="zipped">Disposed with this.</param>
    public WholeGzipStream(Stream zipped) =>
        plain = new GZipStream(new Followed(zipped, Compressed(Mark)), CompressionMode.Decompress);

    /// <summary>All that was packed.</summary>
    /// <exception cref="InvalidDataException">The data are damaged, cut off, or more than <paramref name="most"/> bytes.</exception>
    public static byte[] Unpack(Stream zipped, int most)
    {
        using var stream = new WholeGzipStream(zipped);
        using var content = new MemoryStream();
        var buffer = new byte[1 << 16];
        for (int read; (read = stream.Read(buffer, 0, buffer.Length)) > 0;)
        {
            content.Write(buffer, 0, read);
            if (content.Length > most + Mark.Length)
                throw new InvalidDataException($"it unpacks to more than {most >> 20} MiB");
        }
        return content.GetBuffer()[..(int)(content.Length - Mark.Length)];
    }

    /// <exception cref="InvalidDataException">The data are damaged or cut off.</exception>
    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty || ended) return 0;
        var read = plain.Read(buffer);
        if (read == 0)
        {
            ended = true;
            if (!last.AsSpan().SequenceEqual(Mark)) throw new InvalidDataException("the gzip data end before their end, or something follows them");
        }
        else if (read >= last.Length)
        {
            buffer[(read - last.Length)..read].CopyTo(last);
        }
        else
        {
            last.AsSpan(read).CopyTo(last);
            buffer[..read].CopyTo(last.AsSpan(last.Length - read));
        }
        return read;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    protected override void Dispose(bool disposing)
    {
        if (disposing) plain.Dispose();
        base.Dispose(disposing);
    }

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
    public override void Flush() { }
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private static MemoryStream Compressed(byte[] text)
    {
        var bytes = new MemoryStream();
        using (var zip = new GZipStream(bytes, CompressionLevel.Fastest, leaveOpen: true)) zip.Write(text);
        bytes.Position = 0;
        return bytes;
    }

    /// <summary>One stream, then another.</summary>
    private sealed class Followed(Stream first, Stream second) : Stream
    {
        public override int Read(Span<byte> buffer) => first.Read(buffer) is > 0 and var read ? read : second.Read(buffer);

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                first.Dispose();
                second.Dispose();
            }
            base.Dispose(disposing);
        }

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
        public override void Flush() { }
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
