using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.RegularExpressions;
using Agora.Experiments;

namespace Agora.SeedData.Hub;

/// <summary>What the hub says about one file at one commit.</summary>
/// <param name="Commit">40 hexadecimal digits.</param>
/// <param name="ETag">Without quotes: the SHA-256 of a large file, git's blob id of a small one; a mirror may have its own.</param>
/// <param name="Size">Bytes.</param>
public sealed record HubFileVersion(string Commit, string ETag, long Size);

/// <summary>The datasets of a hub over HTTP: what they hold, and ranges of their files.</summary>
/// <remarks>
/// Redirects are followed here and not by the transport, since only the hub itself may see the token: file contents come from other hosts, by
/// addresses that carry their own signature. Nothing a server sends is a path or a name before it has been checked.
/// </remarks>
public sealed partial class HubClient(HttpClient transport, HubSettings settings, TimeProvider time)
{
    private const int MostRedirects = 10;
    private const int MostTries = 6;
    private const int LargestListing = 64 << 20;
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(5);

    public HubSettings Settings { get; } = settings;
    internal TimeProvider Time { get; } = time;

    /// <summary>The transport that this client needs: it follows no redirect, keeps no cookie and unpacks nothing.</summary>
    public static HttpClient CreateTransport() => new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        AutomaticDecompression = DecompressionMethods.None,
        ConnectTimeout = TimeSpan.FromSeconds(15),
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        ResponseDrainTimeout = TimeSpan.Zero,       // a connection that is given up in the middle of a body is closed at once
    })
    { Timeout = Timeout.InfiniteTimeSpan };

    /// <exception cref="AgoraException">The hub refuses, cannot be reached, or does not speak its protocol.</exception>
    public Task<HubFileVersion> LookUpAsync(HubAddress file, CancellationToken cancellationToken) => RetryAsync(file, async () =>
    {
        using var response = await SendAsync(HttpMethod.Head, Resolve(file), range: null, followToContents: false, cancellationToken);
        if ((int)response.StatusCode >= 400) throw Refused(response, file);
        var commit = Header(response, "X-Repo-Commit");
        var tag = Header(response, "X-Linked-Etag") ?? response.Headers.ETag?.Tag ?? Header(response, "ETag");
        var size = Header(response, "X-Linked-Size") is { } linked
            ? long.TryParse(linked, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes) ? bytes : (long?)null
            : response.Content.Headers.ContentLength;
        if (commit is null || !CommitForm().IsMatch(commit) || tag is null || size is null)
            throw new AgoraException("the server does not say which commit, ETag and size the file has, as the hub does", file.ToString(), "check HF_ENDPOINT");
        return new HubFileVersion(commit, PlainTag(tag, file), size.Value);
    }, cancellationToken);

    /// <returns>The commit that the revision stands for now, and the files there with their sizes (null where the hub does not tell), sorted by path.</returns>
    /// <exception cref="AgoraException">As above, or a file's name would lead out of the dataset.</exception>
    public Task<(string Commit, IReadOnlyList<(string Path, long? Size)> Files)> ListAsync(HubAddress dataset, CancellationToken cancellationToken) => RetryAsync(dataset, async () =>
    {
        var address = new Uri($"{Settings.Base}/api/datasets/{dataset.Repository}/revision/{Uri.EscapeDataString(dataset.Revision)}?blobs=true");
        using var response = await SendAsync(HttpMethod.Get, address, range: null, followToContents: true, cancellationToken);
        if (response.StatusCode != HttpStatusCode.OK) throw Refused(response, dataset);
        var text = await ReadBoundedAsync(response, dataset, cancellationToken);
        return Listing(text, dataset);
    }, cancellationToken);

    /// <summary>Asks for bytes of a file's contents; the answer's body is still to be read. One try: the caller knows how far it came.</summary>
    /// <param name="from">First byte.</param>
    /// <param name="to">Last byte, inclusive.</param>
    /// <exception cref="TransientHubFault">Worth another try.</exception>
    internal async Task<HttpResponseMessage> OpenRangeAsync(HubAddress file, long from, long to, CancellationToken cancellationToken)
    {
        var response = await SendAsync(HttpMethod.Get, Resolve(file), new RangeHeaderValue(from, to), followToContents: true, cancellationToken);
        try
        {
            if (response.StatusCode is not (HttpStatusCode.OK or HttpStatusCode.PartialContent)) throw Refused(response, file);
            if (response.Content.Headers.ContentEncoding.Count > 0)
                throw new AgoraException($"the server packs the file ({string.Join(", ", response.Content.Headers.ContentEncoding)}) though it was asked not to", file.ToString(), "check HF_ENDPOINT");
            return response;
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    /// <summary>Runs something again after what may pass: 429, server errors, lost connections.</summary>
    internal async Task<T> RetryAsync<T>(HubAddress address, Func<Task<T>> attempt, CancellationToken cancellationToken)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                return await attempt();
            }
            catch (TransientHubFault fault) when (tries < MostTries)
            {
                await WaitAsync(fault, tries, address, cancellationToken);
            }
            catch (TransientHubFault fault)
            {
                throw GaveUp(fault, address);
            }
        }
    }

    /// <param name="tries">Failures in a row, from 1.</param>
    internal async Task WaitAsync(TransientHubFault fault, int tries, HubAddress address, CancellationToken cancellationToken)
    {
        var wait = fault.RetryAfter ?? TimeSpan.FromSeconds(0.25 * Math.Pow(2, tries - 1));
        if (wait > LongestWait)
            throw new AgoraException($"the hub asks to wait {wait.TotalMinutes:0} minutes", address.ToString(), "try again later; what was fetched is kept");
        if (wait > TimeSpan.Zero)
            await Task.Delay(wait, Time, cancellationToken);
    }

    internal AgoraException GaveUp(TransientHubFault fault, HubAddress address) =>
        new($"the hub cannot be reached or fails: {fault.Message}", $"{address} at {Settings.Endpoint.Authority}",
            "check the network and HF_ENDPOINT and give the same command again: it goes on from here; HF_HUB_OFFLINE=1 uses what is there", fault);

    private Uri Resolve(HubAddress file) =>
        new($"{Settings.Base}/datasets/{file.Repository}/resolve/{Uri.EscapeDataString(file.Revision)}/{string.Join('/', file.Path.Split('/').Select(Uri.EscapeDataString))}");

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, Uri address, RangeHeaderValue? range, bool followToContents, CancellationToken cancellationToken)
    {
        for (var hop = 0; hop <= MostRedirects; hop++)
        {
            using var request = new HttpRequestMessage(method, address);
            request.Headers.AcceptEncoding.ParseAdd("identity");
            request.Headers.UserAgent.ParseAdd("agora");
            request.Headers.Range = range;
            if (IsHub(address)) Settings.Token?.Authorize(request);
            var response = await HeadersAsync(request, Settings.Silence, cancellationToken);
            if ((int)response.StatusCode is not (301 or 302 or 303 or 307 or 308)) return response;
            // The hub describes a large file in the very answer that points to its contents.
            if (!followToContents && response.Headers.Contains("X-Linked-Etag")) return response;
            var target = response.Headers.Location;
            response.Dispose();
            address = Next(address, target);
        }
        throw new AgoraException($"the server redirects more than {MostRedirects} times", address.GetLeftPart(UriPartial.Path), "check HF_ENDPOINT");
    }

    private Uri Next(Uri from, Uri? target)
    {
        if (target is null || !Uri.TryCreate(from, target, out var next) || next.Scheme is not ("http" or "https") || next.UserInfo != "")
            throw new AgoraException("the server redirects to what is no web address", from.GetLeftPart(UriPartial.Path), "check HF_ENDPOINT");
        if (Settings.Endpoint.Scheme == Uri.UriSchemeHttps && next.Scheme == Uri.UriSchemeHttp)
            throw new AgoraException($"the server redirects to an unencrypted address on {next.Host}", from.GetLeftPart(UriPartial.Path), "check HF_ENDPOINT");
        return next;
    }

    private bool IsHub(Uri address) => address.Scheme == Settings.Endpoint.Scheme && address.Authority == Settings.Endpoint.Authority;

    /// <summary>Sends one request, with the token where it goes to the hub itself. One try; redirects are answers.</summary>
    /// <param name="silence">How long the server may take to answer, the sending of the body included.</param>
    /// <exception cref="TransientHubFault">Worth another try.</exception>
    internal Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, TimeSpan silence, CancellationToken cancellationToken)
    {
        if (IsHub(request.RequestUri!)) Settings.Token?.Authorize(request);
        return HeadersAsync(request, silence, cancellationToken);
    }

    private async Task<HttpResponseMessage> HeadersAsync(HttpRequestMessage request, TimeSpan silence, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        stop.CancelAfter(silence);
        HttpResponseMessage response;
        try
        {
            response = await transport.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop.Token);
        }
        catch (HttpRequestException fault)
        {
            throw new TransientHubFault($"{fault.Message.TrimEnd('.')} ({request.RequestUri!.Host})", null, fault);
        }
        catch (OperationCanceledException fault) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TransientHubFault($"{request.RequestUri!.Host} has been silent for {silence.TotalSeconds:0} s", null, fault);
        }
        if (response.StatusCode is not (HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout) && (int)response.StatusCode < 500)
            return response;
        var after = response.Headers.RetryAfter?.Delta ?? response.Headers.RetryAfter?.Date - Time.GetUtcNow();
        response.Dispose();
        throw new TransientHubFault($"status {(int)response.StatusCode} from {request.RequestUri!.Host}", after);
    }

    // Addresses of contents are signed and run out: a refusal from another host than the hub is worth asking the hub again.
    private Exception Refused(HttpResponseMessage response, HubAddress address) =>
        response.RequestMessage?.RequestUri is { } asked && !IsHub(asked)
            ? new TransientHubFault($"status {(int)response.StatusCode} from {asked.Host}", null)
            : HubRefusal.Of(response, address, Settings);

    private async Task<byte[]> ReadBoundedAsync(HttpResponseMessage response, HubAddress address, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        stop.CancelAfter(2 * Settings.Silence);
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync(stop.Token);
            using var bytes = new MemoryStream();
            var buffer = new byte[1 << 16];
            for (int read; (read = await body.ReadAsync(buffer, stop.Token)) > 0;)
            {
                bytes.Write(buffer, 0, read);
                if (bytes.Length > LargestListing)
                    throw new AgoraException($"the hub's list of files is longer than {LargestListing >> 20} MiB", address.ToString(), "check HF_ENDPOINT");
            }
            return bytes.ToArray();
        }
        catch (IOException fault)
        {
            throw new TransientHubFault("the list of files breaks off", null, fault);
        }
        catch (OperationCanceledException fault) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TransientHubFault("the list of files does not come to its end", null, fault);
        }
    }

    private static (string, IReadOnlyList<(string, long?)>) Listing(byte[] text, HubAddress dataset)
    {
        try
        {
            using var json = JsonDocument.Parse(text);
            var commit = json.RootElement.GetProperty("sha").GetString();
            if (commit is null || !CommitForm().IsMatch(commit)) throw new FormatException("sha");
            var files = new List<(string, long?)>();
            foreach (var sibling in json.RootElement.GetProperty("siblings").EnumerateArray())
            {
                var path = sibling.GetProperty("rfilename").GetString();
                if (!HubAddress.IsPath(path))
                    throw new AgoraException("the hub lists a file whose name would lead out of the dataset's folder; nothing was fetched", dataset.ToString(), "do not use this dataset, or check HF_ENDPOINT");
                files.Add((path, sibling.TryGetProperty("size", out var size) && size.TryGetInt64(out var bytes) ? bytes : null));
            }
            return (commit, [.. files.OrderBy(file => file.Item1, StringComparer.Ordinal)]);
        }
        catch (Exception fault) when (fault is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new AgoraException("the server's list of files is not what the hub sends", dataset.ToString(), "check HF_ENDPOINT", fault);
        }
    }

    // The tag becomes the name of a file in the cache.
    private static string PlainTag(string tag, HubAddress file)
    {
        var plain = tag.StartsWith("W/", StringComparison.Ordinal) ? tag[2..] : tag;
        plain = plain.Trim('"');
        return TagForm().IsMatch(plain) && !plain.StartsWith('.')
            ? plain
            : throw new AgoraException("the server's ETag cannot name a file", file.ToString(), "check HF_ENDPOINT");
    }

    private static string? Header(HttpResponseMessage response, string name) => response.Headers.TryGetValues(name, out var values) ? values.First() : null;

    [GeneratedRegex(@"\A[0-9a-f]{40}\z")]
    internal static partial Regex CommitForm();

    [GeneratedRegex(@"\A[A-Za-z0-9._-]{1,128}\z")]
    private static partial Regex TagForm();
}

/// <summary>What may succeed when it is tried again.</summary>
/// <param name="retryAfter">How long the server asks to wait.</param>
internal sealed class TransientHubFault(string message, TimeSpan? retryAfter, Exception? cause = null) : Exception(message, cause)
{
    public TimeSpan? RetryAfter { get; } = retryAfter;
}
