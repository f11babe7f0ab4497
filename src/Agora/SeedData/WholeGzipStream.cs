using System.IO.Compression;

namespace Agora.SeedData;

/// <summary>Decompresses gzip and fails where the data are cut off.</summary>
/// <remarks>
/// <see cref="GZipStream"/> takes the end of a truncated file for the end of the data, so that half a download reads as a short file. A gzip file may
/// consist of several members; here one more follows the file's own, with a mark in it. Only if the file is whole does the mark come out at the end, where it is kept back.
/// </remarks>
internal sealed class WholeGzipStream : ForwardStream
{
    private static readonly byte[] Mark = " \t\t \t   \t \t\t\t \t\t  \t \t  \t\t \t  \t"u8.ToArray();

    private readonly GZipStream plain;
    private readonly byte[] read = new byte[1 << 16];
    // The last bytes that came out, which may be the mark.
    private readonly byte[] held = new byte[Mark.Length];
    private int heldCount;
    private bool ended;

    /// <param name="zipped">Disposed with this.</param>
    public WholeGzipStream(Stream zipped) =>
        plain = new GZipStream(new Followed(zipped, Compressed(Mark)), CompressionMode.Decompress);

    /// <exception cref="InvalidDataException">The data are damaged or cut off.</exception>
    public override int Read(Span<byte> buffer)
    {
        while (!buffer.IsEmpty && !ended)
        {
            var fresh = read.AsSpan(0, plain.Read(read.AsSpan(0, Math.Min(buffer.Length, read.Length))));
            ended = fresh.IsEmpty;
            if (ended && !(heldCount == Mark.Length && held.AsSpan().SequenceEqual(Mark)))
                throw new InvalidDataException("the gzip data end before their end, or something follows them");
            var given = Math.Max(0, heldCount + fresh.Length - held.Length);
            var ofHeld = Math.Min(given, heldCount);
            held.AsSpan(0, ofHeld).CopyTo(buffer);
            held.AsSpan(ofHeld, heldCount - ofHeld).CopyTo(held);
            heldCount -= ofHeld;
            fresh[..(given - ofHeld)].CopyTo(buffer[ofHeld..]);
            fresh[(given - ofHeld)..].CopyTo(held.AsSpan(heldCount));
            heldCount += fresh.Length - (given - ofHeld);
            if (given > 0)
                return given;
        }
        return 0;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    protected override void Dispose(bool disposing)
    {
        if (disposing) plain.Dispose();
        base.Dispose(disposing);
    }

    private static MemoryStream Compressed(byte[] text)
    {
        var bytes = new MemoryStream();
        using (var zip = new GZipStream(bytes, CompressionLevel.Fastest, leaveOpen: true)) zip.Write(text);
        bytes.Position = 0;
        return bytes;
    }

    /// <summary>One stream, then another.</summary>
    private sealed class Followed(Stream first, Stream second) : ForwardStream
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
    }
}
