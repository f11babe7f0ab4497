using System.Net;
using System.Threading.Channels;
using Agora.Experiments;

namespace Agora.SeedData.Hub;

/// <summary>Fetches one blob, each part written to its place; what is there already is not asked for again.</summary>
/// <remarks>
/// One connection brings the file in order, in ranges that grow; the checksum takes its bytes from memory, so that the file is not read again. Where a range comes slowly, several
/// connections fetch the rest side by side, and the checksum runs behind the contiguous beginning. Memory does not grow with the file. The name of the blob is given only to contents
/// whose checksum is right.
/// </remarks>
internal sealed class HubDownload(HubClient client, HubAddress file, HubFileVersion version, Action<long> fetched)
{
    private const int MostTries = 6;
    private const int ChunksPerRange = 16;
    private const int FirstChunks = 2;
    private const int MostChunksAlone = 64;

    private readonly Lock tagLock = new();
    private string? contentTag;

    /// <param name="path">Where the blob goes. Nobody else works on it.</param>
    /// <returns>Lower-case SHA-256 of the contents.</returns>
    /// <exception cref="AgoraException">The server cannot be reached, changes the file meanwhile, or sends other contents than it names.</exception>
    public async Task<string> RunAsync(string path, CancellationToken cancellationToken)
    {
        var (sha256, matches) = await FetchAsync(path, cancellationToken);
        if (!matches)
        {
            PartialFile.Discard(path);
            throw new AgoraException($"the downloaded file has the wrong checksum: the hub names {version.ETag}, the contents are sha256 {sha256}", file.ToString(),
                "give the same command again to fetch it anew; if it happens again, the server or the network changes the file");
        }
        return sha256;
    }

    private async Task<(string, bool)> FetchAsync(string path, CancellationToken cancellationToken)
    {
        using var partial = PartialFile.Open(path, version.Size);
        using var sum = new OrderedSum(partial, new Checksum(version.ETag, version.Size), cancellationToken);
        fetched(partial.Written);
        // A thread that waits in read(2) costs a third less processor time than awaiting each of many short reads.
        var next = await Task.Factory.StartNew(() => FetchInOrder(partial, sum, cancellationToken), cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        sum.Follow();
        if (next < partial.Chunks)
            await FetchRangesAsync(partial, sum, cancellationToken);
        var result = await sum.FinishAsync();
        if (result.Matches)
            partial.Finish();
        return result;
    }

    /// <summary>Fetches from the beginning over one connection as long as that is fast.</summary>
    /// <returns>The first chunk that is left to others; the number of chunks where none is.</returns>
    private int FetchInOrder(PartialFile partial, OrderedSum sum, CancellationToken cancellationToken)
    {
        var most = FirstChunks;
        for (var chunk = 0; chunk < partial.Chunks;)
        {
            if (partial.Has(chunk))
            {
                sum.AddChunk(chunk++);
                continue;
            }
            var end = EndOfGap(partial, chunk, most);
            var isFast = FetchInOrder(partial, sum, chunk, ref end, cancellationToken);
            (chunk, most) = (end, Math.Min(most * 4, MostChunksAlone));
            if (!isFast)
                return chunk;
        }
        return partial.Chunks;
    }

    private static int EndOfGap(PartialFile partial, int first, int most)
    {
        var end = first + 1;
        while (end < partial.Chunks && !partial.Has(end) && end - first < most) end++;
        return end;
    }

    /// <param name="end">Of the chunks to fetch; of all where the server knows no ranges and has sent them all.</param>
    /// <returns>Whether it came fast enough for one connection.</returns>
    private bool FetchInOrder(PartialFile partial, OrderedSum sum, int first, ref int end, CancellationToken cancellationToken)
    {
        var from = (long)first * PartialFile.ChunkLength;
        var (at, isFast, failures) = (from, true, 0);
        while (at < PlaceOf(partial, end))
        {
            var before = at;
            try
            {
                using var response = client.OpenRangeAsync(file, at, PlaceOf(partial, end) - 1, cancellationToken).GetAwaiter().GetResult();
                var start = StartOf(response, at);
                if (response.StatusCode == HttpStatusCode.OK)
                    end = partial.Chunks;
                var started = client.Time.GetTimestamp();
                Receive(response, partial, sum, start, ref at, PlaceOf(partial, end), cancellationToken);
                isFast = (at - before) / Math.Max(client.Time.GetElapsedTime(started).TotalSeconds, 1e-6) >= client.Settings.FastBytesPerSecond;
            }
            catch (TransientHubFault fault)
            {
                failures = at > before ? 1 : failures + 1;
                if (failures >= MostTries)
                    throw client.GaveUp(fault, file);
                client.WaitAsync(fault, failures, file, cancellationToken).GetAwaiter().GetResult();
            }
        }
        return isFast;
    }

    private static long PlaceOf(PartialFile partial, int chunk) => Math.Min((long)chunk * PartialFile.ChunkLength, partial.Size);

    /// <param name="place">Of the body's first byte; what lies before <paramref name="at"/> is left out.</param>
    /// <param name="at">The next byte that is missing.</param>
    private void Receive(HttpResponseMessage response, PartialFile partial, OrderedSum sum, long place, ref long at, long end, CancellationToken cancellationToken)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var body = response.Content.ReadAsStream(cancellationToken);
        // What ends a read that waits is that its connection is closed.
        using var closing = silence.Token.Register(response.Dispose);
        while (at < end)
        {
            var chunk = (int)(at / PartialFile.ChunkLength);
            var wanted = place < at ? at - place : PlaceOf(partial, chunk + 1) - at;
            var piece = sum.Rent();
            var length = 0;
            try
            {
                length = Fill(body, piece.AsSpan(0, (int)Math.Min(wanted, piece.Length)), silence, cancellationToken);
            }
            finally
            {
                if (length == 0 || place < at)      // a connection that breaks would else take its piece along
                    sum.Return(piece);
            }
            if (place < at)
            {
                place += length;
                continue;
            }
            partial.Write(piece.AsSpan(0, length), at);
            sum.Add(piece, length);
            (at, place) = (at + length, place + length);
            if (at < PlaceOf(partial, chunk + 1))
                continue;
            if (!partial.Has(chunk))
                fetched(partial.Length(chunk));
            partial.Complete(chunk);
        }
    }

    private int Fill(Stream body, Span<byte> piece, CancellationTokenSource silence, CancellationToken cancellationToken)
    {
        try
        {
            for (var have = 0; have < piece.Length;)
            {
                silence.CancelAfter(client.Settings.Silence);
                var read = body.Read(piece[have..]);
                if (read == 0)
                    throw new TransientHubFault("the connection was closed in the middle of the file", null);
                have += read;
            }
            return piece.Length;
        }
        catch (Exception fault) when (fault is IOException or HttpRequestException or ObjectDisposedException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw silence.IsCancellationRequested ? Silent(fault) : new TransientHubFault("the connection broke in the middle of the file", null, fault);
        }
    }

    private TransientHubFault Silent(Exception fault) => new($"no byte came for {client.Settings.Silence.TotalSeconds:0} s", null, fault);

    private async Task FetchRangesAsync(PartialFile partial, OrderedSum sum, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var ranges = Channel.CreateUnbounded<(int First, int End)>();
        foreach (var range in Missing(partial))
            ranges.Writer.TryWrite(range);
        ranges.Writer.Complete();
        var workers = Enumerable.Range(0, client.Settings.Connections).Select(_ => Task.Run(async () =>
        {
            try
            {
                while (ranges.Reader.TryRead(out var range))
                    await FetchAsync(partial, sum, range.First, range.End, stop.Token);
            }
            catch
            {
                await stop.CancelAsync();     // one fault ends the others; Task.WhenAll reports it first
                throw;
            }
        }, CancellationToken.None)).ToArray();
        try
        {
            await Task.WhenAll(workers);
        }
        catch (Exception) when (workers.FirstOrDefault(worker => worker.Exception is { InnerException: not OperationCanceledException }) is { } failed)
        {
            await failed;
        }
    }

    // Runs of chunks that are not there.
    private static IEnumerable<(int First, int End)> Missing(PartialFile partial)
    {
        for (var chunk = 0; chunk < partial.Chunks;)
        {
            if (partial.Has(chunk))
            {
                chunk++;
                continue;
            }
            var end = EndOfGap(partial, chunk, ChunksPerRange);
            yield return (chunk, end);
            chunk = end;
        }
    }

    private async Task FetchAsync(PartialFile partial, OrderedSum sum, int first, int end, CancellationToken cancellationToken)
    {
        var buffer = new byte[OrderedSum.PieceLength];
        var failures = 0;
        for (var next = first; next < end;)
        {
            if (partial.Has(next))      // a server that knows no ranges has sent it with another
            {
                next++;
                continue;
            }
            try
            {
                var from = (long)next * PartialFile.ChunkLength;
                using var response = await client.OpenRangeAsync(file, from, PlaceOf(partial, end) - 1, cancellationToken);
                var start = (int)(StartOf(response, from) / PartialFile.ChunkLength);
                await foreach (var chunk in ReceiveAsync(response, partial, start, buffer, cancellationToken))
                {
                    sum.Arrived();
                    (next, failures) = (Math.Max(next, chunk + 1), 0);
                }
                if (next < end)
                    throw new TransientHubFault("the connection was closed in the middle of the file", null);
            }
            catch (TransientHubFault fault)
            {
                if (++failures >= MostTries)
                    throw client.GaveUp(fault, file);
                await client.WaitAsync(fault, failures, file, cancellationToken);
            }
        }
    }

    /// <summary>Checks that an answer belongs to the file as it was described.</summary>
    /// <param name="asked">The first byte that was asked for.</param>
    /// <returns>The byte that its body begins with: that, or 0 where the server sends the whole file.</returns>
    private long StartOf(HttpResponseMessage response, long asked)
    {
        var tag = response.Headers.ETag?.Tag;
        lock (tagLock)
        {
            contentTag ??= tag;
            if (contentTag != tag)
                throw new AgoraException("the file changes on the server while it is fetched", file.ToString(), "give the same command again: it takes the new version");
        }
        var whole = response.StatusCode == HttpStatusCode.OK;
        var size = whole ? response.Content.Headers.ContentLength : response.Content.Headers.ContentRange?.Length;
        if (size is not null && size != version.Size)
            throw new AgoraException($"the server sends a file of {size} bytes after describing one of {version.Size}", file.ToString(), "give the same command again; if it happens again, check HF_ENDPOINT");
        if (whole)
            return 0;
        return response.Content.Headers.ContentRange?.From == asked
            ? asked
            : throw new AgoraException("the server sends another part of the file than was asked for", file.ToString(), "check HF_ENDPOINT, or a proxy in between");
    }

    private async IAsyncEnumerable<int> ReceiveAsync(
        HttpResponseMessage response, PartialFile partial, int chunk, byte[] buffer, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var at = (long)chunk * PartialFile.ChunkLength;
        var left = chunk < partial.Chunks ? partial.Length(chunk) : 0;
        while (left > 0)
        {
            silence.CancelAfter(client.Settings.Silence);
            var read = await ReadAsync(body, buffer.AsMemory(0, Math.Min(buffer.Length, left)), silence, cancellationToken);
            if (read == 0)
                yield break;
            partial.Write(buffer.AsSpan(0, read), at);
            (at, left) = (at + read, left - read);
            if (left > 0)
                continue;
            if (!partial.Has(chunk))
                fetched(partial.Length(chunk));
            partial.Complete(chunk);
            yield return chunk;
            chunk++;
            left = chunk < partial.Chunks ? partial.Length(chunk) : 0;
        }
    }

    private async Task<int> ReadAsync(Stream body, Memory<byte> buffer, CancellationTokenSource silence, CancellationToken cancellationToken)
    {
        try
        {
            return await body.ReadAsync(buffer, silence.Token);
        }
        catch (Exception fault) when (fault is IOException or HttpRequestException)
        {
            throw new TransientHubFault("the connection broke in the middle of the file", null, fault);
        }
        catch (OperationCanceledException fault) when (!cancellationToken.IsCancellationRequested)
        {
            throw Silent(fault);
        }
    }
}
