using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;

namespace Agora.LanguageModels.Batches;

/// <summary>Calls a provider's batch API with the model's key, and says in our exceptions what went wrong.</summary>
/// <param name="authorize">Adds the key and whatever else every request carries.</param>
internal sealed class BatchHttp(EndpointModel model, HttpMessageHandler transport, RetryPolicy retries, Action<HttpRequestHeaders> authorize) : IDisposable
{
    // Uploads of hundreds of megabytes over a slow line.
    private const int UploadTimeouts = 6;
    // Far above what a list of a hundred batches takes.
    private const long MostBytesOfJson = 64_000_000;

    private readonly HttpClient client = new(transport, disposeHandler: false) { Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = MostBytesOfJson };

    public void Dispose() => client.Dispose();

    /// <param name="path">Below the endpoint's address, with a slash in front.</param>
    /// <returns>Null where the endpoint does not know what is asked for and <paramref name="mayBeMissing"/>.</returns>
    public async Task<JsonElement?> JsonAsync(HttpMethod method, string path, HttpContent? content, CancellationToken cancellationToken, bool mayBeMissing = false)
    {
        using var inTime = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        inTime.CancelAfter(content is null ? retries.RequestTimeout : UploadTimeouts * retries.RequestTimeout);
        try
        {
            using var request = Request(method, path, content);
            using var response = await client.SendAsync(request, inTime.Token);
            if (mayBeMissing && response.StatusCode == HttpStatusCode.NotFound) return null;
            var body = await response.Content.ReadAsByteArrayAsync(inTime.Token);
            if (!response.IsSuccessStatusCode) throw Explained(response, Encoding.UTF8.GetString(body));
            using var document = JsonDocument.Parse(body);
            return document.RootElement.ValueKind == JsonValueKind.Object ? document.RootElement.Clone() : throw new JsonException("an object was expected");
        }
        catch (Exception fault) when (!cancellationToken.IsCancellationRequested && Passing(fault) is { } passing)
        {
            throw passing;
        }
    }

    /// <summary>The lines of a file that is too large to be held; one that falls silent, or a line without end, breaks it off.</summary>
    public async IAsyncEnumerable<JsonElement> LinesAsync(string path, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var request = Request(HttpMethod.Get, path, content: null);
        using var response = await InTimeAsync(stop => client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop), cancellationToken);
        if (!response.IsSuccessStatusCode)
            throw Explained(response, await InTimeAsync(response.Content.ReadAsStringAsync, cancellationToken));
        var reader = PipeReader.Create(await response.Content.ReadAsStreamAsync(cancellationToken), new StreamPipeReaderOptions(bufferSize: 1 << 16));
        var searched = 0L;      // of a line whose end has not come: looking through it again at every read would take the square of its length
        for (var ended = false; !ended;)
        {
            var read = await InTimeAsync(stop => reader.ReadAsync(stop).AsTask(), cancellationToken);
            var rest = read.Buffer;
            while (rest.Slice(searched).PositionOf((byte)'\n') is { } end)
            {
                if (rest.Slice(0, end) is { IsEmpty: false } line) yield return Read(line);
                rest = rest.Slice(rest.GetPosition(1, end));
                searched = 0;
            }
            searched = rest.Length;
            ended = read.IsCompleted;
            if (ended && !rest.IsEmpty) yield return Read(rest);
            if (rest.Length > MostBytesOfJson)
                throw new TransientEndpointException($"a line of the batch's results has more than {MostBytesOfJson} bytes", EndpointFault.Unreadable);
            reader.AdvanceTo(rest.Start, rest.End);
        }
    }

    private static JsonElement Read(ReadOnlySequence<byte> line)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            return document.RootElement.Clone();
        }
        catch (JsonException fault)
        {
            throw new TransientEndpointException($"a line of the batch's results could not be read: {fault.Message}", EndpointFault.Unreadable, retryAfter: null, fault);
        }
    }

    private HttpRequestMessage Request(HttpMethod method, string path, HttpContent? content)
    {
        var request = new HttpRequestMessage(method, model.Address.AbsoluteUri.TrimEnd('/') + path) { Content = content };
        authorize(request.Headers);
        return request;
    }

    private Exception Explained(HttpResponseMessage response, string body) =>
        EndpointErrors.Explain(model, (int)response.StatusCode, body, name => response.Headers.TryGetValues(name, out var values) ? values.First() : null, cause: null);

    private async Task<T> InTimeAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        using var inTime = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        inTime.CancelAfter(retries.RequestTimeout);
        try
        {
            return await call(inTime.Token);
        }
        catch (Exception fault) when (!cancellationToken.IsCancellationRequested && Passing(fault) is { } passing)
        {
            throw passing;
        }
    }

    internal static TransientEndpointException? Passing(Exception fault) => fault is TransientEndpointException or Experiments.AgoraException ? null
        : TransportFault.Of(fault) is { } cause ? new TransientEndpointException(cause.Message, cause.Fault, retryAfter: null, fault) : null;
}

/// <summary>A batch as it is uploaded, written request by request instead of being held a second time.</summary>
/// <param name="separator">Between two requests.</param>
internal sealed class BatchContent(IReadOnlyCollection<BatchItem> items, string before, Func<BatchItem, (string Before, string After)> around, string separator, string after) : HttpContent
{
    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
    {
        await WriteAsync(before);
        var first = true;
        foreach (var item in items)
        {
            if (!first) await WriteAsync(separator);
            first = false;
            var (left, right) = around(item);
            await WriteAsync(left);
            await stream.WriteAsync(item.Body!);
            await WriteAsync(right);
        }
        await WriteAsync(after);

        ValueTask WriteAsync(string text) => stream.WriteAsync(Encoding.UTF8.GetBytes(text));
    }

    protected override bool TryComputeLength(out long length)
    {
        length = before.Length + after.Length + (long)separator.Length * Math.Max(0, items.Count - 1)
            + items.Sum(item => around(item) is var (left, right) ? (long)left.Length + item.Body!.Length + right.Length : 0);
        return true;
    }
}
