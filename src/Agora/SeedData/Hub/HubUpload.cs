using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Agora.Experiments;

namespace Agora.SeedData.Hub;

/// <summary>Puts a folder's files into a dataset on the hub, as one commit.</summary>
/// <remarks>
/// The hub's HTTP API as huggingface_hub speaks it: the repository is made where it is not there, the hub says for each file whether it goes into the commit itself or to the store of
/// large files (git-lfs batch API, whole or in parts), and one commit names them all. What the store has already is not sent again, so that an interrupted push goes on where it stopped; until the
/// commit, nobody sees anything. The token goes to the hub alone, not to the hosts that take large files.
/// </remarks>
public sealed class HubUpload(HubClient client)
{
    private const string LfsJson = "application/vnd.git-lfs+json";
    private const int SampleBytes = 512;
    private const int LongestAnswer = 64 << 20;
    // Beside the silence that any request may keep, time for the body at a slow line's pace.
    private const double SlowestBytesPerSecond = 50_000;

    /// <param name="dataset">The repository and the branch; the path is not looked at.</param>
    /// <param name="files">Path in the dataset and the file on this machine.</param>
    /// <param name="isPrivate">For a repository that is made now.</param>
    /// <returns>The commit.</returns>
    /// <exception cref="AgoraException">There is no token, the hub refuses or cannot be reached, or a file cannot be read.</exception>
    public async Task<string> PushAsync(HubAddress dataset, IReadOnlyList<(string Path, string File)> files, string message, bool isPrivate, CancellationToken cancellationToken)
    {
        if (client.Settings.Token is null)
            throw new AgoraException("writing to the hub needs a token", dataset.ToString(), $"make one that may write at {client.Settings.Base}/settings/tokens and set HF_TOKEN") { ExitCode = 2 };
        if (client.Settings.Offline)
            throw new AgoraException("HF_HUB_OFFLINE forbids asking the hub", dataset.ToString(), "unset HF_HUB_OFFLINE") { ExitCode = 2 };
        if (files.FirstOrDefault(file => !HubAddress.IsPath(file.Path)) is { Path: { } bad })
            throw new AgoraException($"\"{bad}\" is no path that a dataset can hold", dataset.ToString(), "rename the file") { ExitCode = 2 };

        var sent = files.Select(file => Describe(file.Path, file.File)).ToImmutableArray();
        await CreateAsync(dataset, isPrivate, cancellationToken);
        var modes = await ModesAsync(dataset, sent, cancellationToken);
        var large = sent.Where(file => modes[file.Path]).ToImmutableArray();
        if (large.Length > 0)
            await SendLargeAsync(dataset, large, cancellationToken);
        return await CommitAsync(dataset, sent, modes, message, cancellationToken);
    }

    private async Task CreateAsync(HubAddress dataset, bool isPrivate, CancellationToken cancellationToken)
    {
        var (owner, name) = (dataset.Repository.Split('/')[0], dataset.Repository.Split('/')[1]);
        using var answer = await SendAsync(dataset, HttpMethod.Post, Api("/api/repos/create"), () => Json(new JsonObject
        {
            ["type"] = "dataset",
            ["organization"] = owner,
            ["name"] = name,
            ["private"] = isPrivate,
        }), cancellationToken);
        // 409: it is there already.
        if (answer.StatusCode != HttpStatusCode.Conflict) await DemandAsync(answer, dataset, cancellationToken);
    }

    // For each path: true where the file is too large or too binary for the commit itself.
    private async Task<Dictionary<string, bool>> ModesAsync(HubAddress dataset, ImmutableArray<SentFile> files, CancellationToken cancellationToken)
    {
        using var answer = await SendAsync(dataset, HttpMethod.Post, Api($"/api/datasets/{dataset.Repository}/preupload/{Uri.EscapeDataString(dataset.Revision)}"), () => Json(new JsonObject
        {
            ["files"] = new JsonArray([.. files.Select(file => (JsonNode)new JsonObject { ["path"] = file.Path, ["size"] = file.Size, ["sample"] = file.Sample })]),
        }), cancellationToken);
        var told = await DemandAsync(answer, dataset, cancellationToken);
        var modes = Read(dataset, () => told.GetProperty("files").EnumerateArray().ToDictionary(file => file.GetProperty("path").GetString()!, file => file.GetProperty("uploadMode").GetString() == "lfs"));
        return files.All(file => modes.ContainsKey(file.Path)) ? modes : throw NotTheHub(dataset, null);
    }

    private async Task SendLargeAsync(HubAddress dataset, ImmutableArray<SentFile> files, CancellationToken cancellationToken)
    {
        using var answer = await SendAsync(dataset, HttpMethod.Post, Api($"/datasets/{dataset.Repository}.git/info/lfs/objects/batch"), () => Json(new JsonObject
        {
            ["operation"] = "upload",
            ["transfers"] = new JsonArray("basic", "multipart"),
            ["hash_algo"] = "sha256",
            ["ref"] = new JsonObject { ["name"] = dataset.Revision },
            ["objects"] = new JsonArray([.. files.Select(file => (JsonNode)new JsonObject { ["oid"] = file.Sha256, ["size"] = file.Size })]),
        }, LfsJson), cancellationToken);
        var told = await DemandAsync(answer, dataset, cancellationToken);
        foreach (var item in Read(dataset, () => told.GetProperty("objects").EnumerateArray().ToArray()))
        {
            var oid = Read(dataset, () => item.GetProperty("oid").GetString());
            if (item.TryGetProperty("error", out var error))
                throw new AgoraException($"the hub does not take a file: {error}", dataset.ToString(), "see the dataset's page on the hub");
            // No actions: the store has it.
            if (files.FirstOrDefault(file => file.Sha256 == oid) is not { } file || !item.TryGetProperty("actions", out var actions)) continue;
            if (!actions.TryGetProperty("upload", out var upload)) continue;
            await SendContentsAsync(dataset, file, Action(dataset, upload), cancellationToken);
            if (!actions.TryGetProperty("verify", out var verify)) continue;
            var (address, headers) = Action(dataset, verify);
            using var verified = await SendAsync(dataset, HttpMethod.Post, address, () => Json(new JsonObject { ["oid"] = file.Sha256, ["size"] = file.Size }, LfsJson), cancellationToken, headers);
            await DemandAsync(verified, dataset, cancellationToken);
        }
    }

    private async Task SendContentsAsync(HubAddress dataset, SentFile file, (Uri Address, Dictionary<string, string> Headers) target, CancellationToken cancellationToken)
    {
        // In parts: the header holds their length and, under 1, 2 …, an address for each.
        if (target.Headers.Remove("chunk_size", out var chunk))
        {
            if (!long.TryParse(chunk, NumberStyles.None, CultureInfo.InvariantCulture, out var length) || length < 1) throw NotTheHub(dataset, null);
            var parts = target.Headers.Where(header => header.Key.All(char.IsAsciiDigit)).OrderBy(header => int.Parse(header.Key, CultureInfo.InvariantCulture)).Select(header => header.Value).ToArray();
            if (parts.Length != (file.Size + length - 1) / length) throw NotTheHub(dataset, null);
            var tags = new JsonArray();
            for (var part = 0; part < parts.Length; part++)
            {
                var (from, count) = (part * length, Math.Min(length, file.Size - part * length));
                using var put = await PutAsync(dataset, file, parts[part], [], from, count, cancellationToken);
                tags.Add((JsonNode)new JsonObject { ["partNumber"] = part + 1, ["etag"] = put.Headers.ETag?.Tag ?? throw NotTheHub(dataset, null) });
            }
            using var joined = await SendAsync(dataset, HttpMethod.Post, target.Address, () => Json(new JsonObject { ["oid"] = file.Sha256, ["parts"] = tags.DeepClone() }, LfsJson), cancellationToken);
            await DemandAsync(joined, dataset, cancellationToken);
            return;
        }
        using var whole = await PutAsync(dataset, file, target.Address.ToString(), target.Headers, 0, file.Size, cancellationToken);
    }

    private async Task<HttpResponseMessage> PutAsync(HubAddress dataset, SentFile file, string address, Dictionary<string, string> headers, long from, long count, CancellationToken cancellationToken)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out var target)) throw NotTheHub(dataset, null);
        var answer = await SendAsync(dataset, HttpMethod.Put, target, () => new StreamContent(new FileSlice(file.File, from, count)) { Headers = { ContentLength = count } }, cancellationToken, headers,
            client.Settings.Silence + TimeSpan.FromSeconds(count / SlowestBytesPerSecond));
        if (answer.IsSuccessStatusCode) return answer;
        using (answer)
            throw new AgoraException($"the store of large files answers with status {(int)answer.StatusCode}", $"{file.Path} at {target.Host}", "give the same command again: what is there is not sent twice");
    }

    private async Task<string> CommitAsync(HubAddress dataset, ImmutableArray<SentFile> files, Dictionary<string, bool> modes, string message, CancellationToken cancellationToken)
    {
        using var answer = await SendAsync(dataset, HttpMethod.Post, Api($"/api/datasets/{dataset.Repository}/commit/{Uri.EscapeDataString(dataset.Revision)}"), () =>
        {
            var lines = new StringBuilder();
            Line("header", new JsonObject { ["summary"] = message, ["description"] = "" });
            foreach (var file in files)
            {
                if (modes[file.Path]) Line("lfsFile", new JsonObject { ["path"] = file.Path, ["algo"] = "sha256", ["oid"] = file.Sha256, ["size"] = file.Size });
                else Line("file", new JsonObject { ["path"] = file.Path, ["encoding"] = "base64", ["content"] = Convert.ToBase64String(File.ReadAllBytes(file.File)) });
            }
            return new StringContent(lines.ToString(), Encoding.UTF8, new MediaTypeHeaderValue("application/x-ndjson"));

            void Line(string key, JsonObject value) => lines.Append(new JsonObject { ["key"] = key, ["value"] = value }.ToJsonString(Plain)).Append('\n');
        }, cancellationToken);
        var told = await DemandAsync(answer, dataset, cancellationToken);
        var commit = Read(dataset, () => told.GetProperty("commitOid").GetString());
        return commit is not null && HubClient.CommitForm().IsMatch(commit) ? commit : throw NotTheHub(dataset, null);
    }

    private Task<HttpResponseMessage> SendAsync(HubAddress dataset, HttpMethod method, Uri address, Func<HttpContent> body, CancellationToken cancellationToken,
        Dictionary<string, string>? headers = null, TimeSpan? silence = null) => client.RetryAsync(dataset, async () =>
    {
        using var request = new HttpRequestMessage(method, address) { Content = body() };
        request.Headers.UserAgent.ParseAdd("agora");
        foreach (var (name, value) in headers ?? [])
            if (!request.Headers.TryAddWithoutValidation(name, value))
                request.Content.Headers.TryAddWithoutValidation(name, value);
        var answer = await client.SendAsync(request, silence ?? client.Settings.Silence, cancellationToken);
        try
        {
            await LoadAsync(dataset, answer, cancellationToken);
            return answer;
        }
        catch
        {
            answer.Dispose();
            throw;
        }
    }, cancellationToken);

    // An answer that breaks off is worth another try, so it is read before it counts as one. The hub's own are a few kilobytes a file.
    private async Task LoadAsync(HubAddress dataset, HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        stop.CancelAfter(client.Settings.Silence);
        try
        {
            await answer.Content.LoadIntoBufferAsync(LongestAnswer, stop.Token);
        }
        catch (HttpRequestException fault) when (fault.HttpRequestError == HttpRequestError.ConfigurationLimitExceeded)
        {
            throw NotTheHub(dataset, fault);
        }
        catch (Exception fault) when (fault is HttpRequestException or IOException)
        {
            throw new TransientHubFault("the answer breaks off", null, fault);
        }
        catch (OperationCanceledException fault) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TransientHubFault("the answer does not come to its end", null, fault);
        }
    }

    private async Task<JsonElement> DemandAsync(HttpResponseMessage answer, HubAddress dataset, CancellationToken cancellationToken)
    {
        if (answer.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
            throw new AgoraException($"the token may not write to {dataset.Repository}", dataset.ToString(), $"check the owner's name, and give HF_TOKEN the right to write at {client.Settings.Base}/settings/tokens");
        if (!answer.IsSuccessStatusCode)
            throw HubRefusal.Of(answer, dataset, client.Settings);
        var text = await answer.Content.ReadAsStringAsync(cancellationToken);
        return text.Length == 0 ? default : Read(dataset, () => JsonElement.Parse(text));
    }

    private Uri Api(string path) => new(client.Settings.Base + path);

    private static (Uri Address, Dictionary<string, string> Headers) Action(HubAddress dataset, JsonElement action) => Read(dataset, () => (
        new Uri(action.GetProperty("href").GetString()!, UriKind.Absolute),
        action.TryGetProperty("header", out var headers) ? headers.EnumerateObject().ToDictionary(header => header.Name, header => header.Value.ValueKind == JsonValueKind.String ? header.Value.GetString()! : header.Value.GetRawText()) : []));

    private static T Read<T>(HubAddress dataset, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception fault) when (fault is JsonException or KeyNotFoundException or InvalidOperationException or ArgumentException or FormatException)
        {
            throw NotTheHub(dataset, fault);
        }
    }

    private static AgoraException NotTheHub(HubAddress dataset, Exception? cause) => new("the server's answer is not what the hub sends", dataset.ToString(), "check HF_ENDPOINT", cause);

    private static SentFile Describe(string path, string file)
    {
        try
        {
            using var stream = File.OpenRead(file);
            var sample = new byte[SampleBytes];
            var length = stream.ReadAtLeast(sample, SampleBytes, throwOnEndOfStream: false);
            stream.Position = 0;
            return new SentFile(path, file, stream.Length, Convert.ToHexStringLower(SHA256.HashData(stream)), Convert.ToBase64String(sample, 0, length));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new AgoraException($"the file cannot be read: {error.Message}", file, "check the path and its rights", error) { ExitCode = 2 };
        }
    }

    private static StringContent Json(JsonObject body, string type = "application/json")
    {
        var content = new StringContent(body.ToJsonString(Plain), Encoding.UTF8, new MediaTypeHeaderValue(type));
        return content;
    }

    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <param name="Sample">The first bytes in base64, from which the hub tells text from binary.</param>
    private sealed record SentFile(string Path, string File, long Size, string Sha256, string Sample);
}

/// <summary>Some bytes of a file, as a stream to be sent.</summary>
internal sealed class FileSlice : ForwardStream
{
    private readonly FileStream file;
    private readonly long end;

    public FileSlice(string path, long from, long count)
    {
        file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.Asynchronous | FileOptions.SequentialScan) { Position = from };
        end = from + count;
        Length = count;
    }

    public override long Length { get; }

    public override int Read(byte[] buffer, int offset, int count) => file.Read(buffer, offset, Wanted(count));

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => file.ReadAsync(buffer[..Wanted(buffer.Length)], cancellationToken);

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => file.ReadAsync(buffer, offset, Wanted(count), cancellationToken);

    protected override void Dispose(bool disposing)
    {
        if (disposing) file.Dispose();
        base.Dispose(disposing);
    }

    private int Wanted(int count) => (int)Math.Min(count, end - file.Position);
}
