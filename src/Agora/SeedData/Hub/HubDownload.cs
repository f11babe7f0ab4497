using System.Net;
using System.Threading.Channels;
using Agora.Experiments;

namespace Agora.SeedData.Hub;

/// <summary>Fetches one blob: ranges side by side, each written to its place; what is there already is not asked for again.</summary>
/// <remarks>
/// Memory is a buffer per connection, whatever the file's size. The checksum runs behind the contiguous beginning while the rest still arrives, so that it costs no second
/// pass at the end. The name of the blob is given only to contents whose checksum is right.
/// </remarks>
internal sealed class HubDownload(HubClient client, HubAddress file, HubFileVersion version, Action<long> fetched)
{
    private const int MostTries = 6;
    private const int BufferLength = 1 << 18;
    private const int ChunksPerRange = 16;

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
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        fetched(partial.Written);
        var summing = Task.Run(() => SumAsync(partial, stop.Token), CancellationToken.None);
        try
        {
            await FetchRangesAsync(partial, stop);
            var sum = await summing;
            if (sum.Item2)
                partial.Finish();
            return sum;
        }
        finally
        {
            await stop.CancelAsync();
            await summing.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }

    private async Task FetchRangesAsync(PartialFile partial, CancellationTokenSource stop)
    {
        var ranges = Channel.CreateUnbounded<(int First, int End)>();
        foreach (var range in Missing(partial))
            ranges.Writer.TryWrite(range);
        ranges.Writer.Complete();
        // The first range alone shows whether the server knows ranges; one that does not sends the whole file as its answer.
        if (ranges.Reader.TryRead(out var first))
            await FetchAsync(partial, first.First, first.End, stop.Token);
        var workers = Enumerable.Range(0, client.Settings.Connections).Select(_ => Task.Run(async () =>
        {
            try
            {
                while (ranges.Reader.TryRead(out var range))
                    await FetchAsync(partial, range.First, range.End, stop.Token);
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

    // Runs of chunks that are not there; the first is short, since the others wait for it.
    private static IEnumerable<(int First, int End)> Missing(PartialFile partial)
    {
        var length = 1;
        for (var chunk = 0; chunk < partial.Chunks;)
        {
            if (partial.Has(chunk))
            {
                chunk++;
                continue;
            }
            var end = chunk + 1;
            while (end < partial.Chunks && !partial.Has(end) && end - chunk < length) end++;
            yield return (chunk, end);
            (chunk, length) = (end, ChunksPerRange);
        }
    }

    private async Task FetchAsync(PartialFile partial, int first, int end, CancellationToken cancellationToken)
    {
        var buffer = new byte[BufferLength];
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
                using var response = await client.OpenRangeAsync(file, (long)next * PartialFile.ChunkLength, (long)(end - 1) * PartialFile.ChunkLength + partial.Length(end - 1) - 1, cancellationToken);
                var start = StartOf(response, next);
                await foreach (var chunk in ReceiveAsync(response, partial, start, buffer, cancellationToken))
                    (next, failures) = (Math.Max(next, chunk + 1), 0);
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
    /// <returns>The chunk that its body begins with.</returns>
    private int StartOf(HttpResponseMessage response, int asked)
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
        return response.Content.Headers.ContentRange?.From == (long)asked * PartialFile.ChunkLength
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
            silence.CancelAfter(HubClient.Silence);
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
            arrived.Writer.TryWrite(chunk);
            yield return chunk;
            chunk++;
            left = chunk < partial.Chunks ? partial.Length(chunk) : 0;
        }
    }

    private static async Task<int> ReadAsync(Stream body, Memory<byte> buffer, CancellationTokenSource silence, CancellationToken cancellationToken)
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
            throw new TransientHubFault($"no byte came for {HubClient.Silence.TotalSeconds:0} s", null, fault);
        }
    }

    // Chunks as they arrive, in any order.
    private readonly Channel<int> arrived = Channel.CreateUnbounded<int>();

    private async Task<(string, bool)> SumAsync(PartialFile partial, CancellationToken cancellationToken)
    {
        using var sum = new Checksum(version.ETag, version.Size);
        var buffer = new byte[BufferLength];
        for (var chunk = 0; chunk < partial.Chunks; chunk++)
        {
            while (!partial.Has(chunk))
                await arrived.Reader.ReadAsync(cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
            var at = (long)chunk * PartialFile.ChunkLength;
            for (var left = partial.Length(chunk); left > 0;)
            {
                var read = partial.Read(buffer.AsSpan(0, Math.Min(left, buffer.Length)), at);
                if (read == 0) throw new InvalidOperationException("a chunk that was written is not there");
                sum.Append(buffer.AsSpan(0, read));
                (at, left) = (at + read, left - read);
            }
        }
        return sum.Finish();
    }
}
