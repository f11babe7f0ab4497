using System.Collections.Concurrent;

namespace Agora.SeedData.Hub;

/// <summary>The checksum of a file that is being filled, taken in order on a thread of its own: from the memory of whoever receives it, else from the file.</summary>
/// <remarks>
/// Pieces come by <see cref="Rent"/> and <see cref="Add"/> as long as one connection receives them in order. After <see cref="Follow"/> it reads what several connections
/// write, as far as the file has no hole. Memory is <see cref="Pieces"/> times <see cref="PieceLength"/>, made when it is first needed.
/// </remarks>
internal sealed class OrderedSum : IDisposable
{
    /// <summary>Bytes: large enough that a system call costs little, small enough that a piece is still in the processor's cache when it is written and summed.</summary>
    public const int PieceLength = 1 << 18;
    public const int Pieces = 32;

    private readonly PartialFile partial;
    private readonly Checksum checksum;
    private readonly BlockingCollection<Piece> pieces = [];
    private readonly BlockingCollection<byte[]> spare = [];
    private readonly SemaphoreSlim arrived = new(0);
    private readonly CancellationToken cancellationToken;
    private readonly CancellationTokenSource stop;
    private readonly Task<(string Sha256, bool Matches)> summing;
    private int made;

    /// <param name="Buffer">Null where the bytes are in the file.</param>
    private sealed record Piece(byte[]? Buffer, long At, int Length);

    public OrderedSum(PartialFile partial, Checksum checksum, CancellationToken cancellationToken)
    {
        this.partial = partial;
        this.checksum = checksum;
        this.cancellationToken = cancellationToken;
        stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        summing = Task.Factory.StartNew(Sum, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>An empty piece, to be given back by <see cref="Add"/> or <see cref="Return"/>; waits for the checksum where all are full.</summary>
    public byte[] Rent()
    {
        if (spare.TryTake(out var used))
            return used;
        if (made < Pieces)
        {
            made++;
            return new byte[PieceLength];
        }
        try
        {
            return spare.Take(stop.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            summing.GetAwaiter().GetResult();       // the fault that ends it, which may still be on its way
            throw;
        }
    }

    public void Return(byte[] piece) => spare.Add(piece);

    /// <summary>The file's next bytes, which are in the file already; the buffer is given back.</summary>
    public void Add(byte[] piece, int length) => pieces.Add(new Piece(piece, 0, length));

    /// <summary>The file's next bytes are those of this chunk, which was there before.</summary>
    public void AddChunk(int chunk) => pieces.Add(new Piece(null, (long)chunk * PartialFile.ChunkLength, partial.Length(chunk)));

    /// <summary>The rest is in the file or comes there, in any order; <see cref="Arrived"/> tells.</summary>
    public void Follow() => pieces.CompleteAdding();

    public void Arrived() => arrived.Release();

    /// <returns>Lower-case SHA-256 of the whole file, and whether it is the file that its ETag names.</returns>
    public Task<(string Sha256, bool Matches)> FinishAsync() => summing;

    private (string, bool) Sum()
    {
        try
        {
            return SumInOrder();
        }
        catch
        {
            stop.Cancel();      // whoever waits for an empty piece
            throw;
        }
    }

    private (string, bool) SumInOrder()
    {
        var at = 0L;
        foreach (var piece in pieces.GetConsumingEnumerable(stop.Token))
        {
            if (piece.Buffer is { } buffer)
            {
                checksum.Append(buffer.AsSpan(0, piece.Length));
                spare.Add(buffer);
            }
            else
            {
                SumFile(piece.At, piece.Length);
            }
            at += piece.Length;
        }
        for (; at < partial.Size; at += partial.Length((int)(at / PartialFile.ChunkLength)))
        {
            var chunk = (int)(at / PartialFile.ChunkLength);
            while (!partial.Has(chunk))
                arrived.Wait(stop.Token);
            stop.Token.ThrowIfCancellationRequested();
            SumFile(at, partial.Length(chunk));
        }
        return checksum.Finish();
    }

    private void SumFile(long at, int length)
    {
        var buffer = new byte[Math.Min(length, PieceLength)];
        while (length > 0)
        {
            var read = partial.Read(buffer.AsSpan(0, Math.Min(length, buffer.Length)), at);
            if (read == 0) throw new InvalidOperationException("a chunk that was written is not there");
            checksum.Append(buffer.AsSpan(0, read));
            (at, length) = (at + read, length - read);
        }
    }

    /// <summary>Ends the thread, however far it is.</summary>
    public void Dispose()
    {
        stop.Cancel();
        try
        {
            summing.Wait(CancellationToken.None);
        }
        catch (AggregateException)
        {
            // Who waits for the result is told; here the thread only has to be over before its file is closed.
        }
        checksum.Dispose();
        pieces.Dispose();
        spare.Dispose();
        arrived.Dispose();
        stop.Dispose();
    }
}
