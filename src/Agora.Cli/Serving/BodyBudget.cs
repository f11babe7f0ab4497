namespace Agora.Cli.Serving;

/// <summary>What all requests inside may send together, so that a crowd of long ones is told to come back instead of filling the memory.</summary>
internal sealed class BodyBudget(long capacity)
{
    private long taken;

    /// <summary>Counts what is read through it, until it is disposed of.</summary>
    public Stream Count(Stream body) => new Counted(body, this);

    private void Take(int bytes)
    {
        if (Interlocked.Add(ref taken, bytes) > capacity)
            throw new ApiFault(429, $"the requests that are here have sent {capacity} bytes together, and the server takes no more at a time; try again", null, "rate_limit_exceeded");
    }

    private sealed class Counted(Stream body, BodyBudget budget) : Stream
    {
        private long counted;

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var count = await body.ReadAsync(buffer, cancellationToken);
            Interlocked.Add(ref counted, count);
            budget.Take(count);
            return count;
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("bodies are read without blocking a thread");
        public override void Flush() { }
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            Interlocked.Add(ref budget.taken, -Interlocked.Exchange(ref counted, 0));
            base.Dispose(disposing);
        }
    }
}
