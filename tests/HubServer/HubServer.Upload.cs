using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Agora.Tests.Hub;

/// <summary>How the hub takes files: repositories, the question which files are large, the store of large files, commits.</summary>
public sealed partial class HubServer
{
    /// <summary>Tokens that may write; nobody may where it is empty.</summary>
    public HashSet<string> Writers { get; } = [];
    /// <summary>Files of at least so many bytes go to the store of large files.</summary>
    public long LargeFrom { get; set; } = 10 << 20;
    /// <summary>Large files are taken in parts of so many bytes; whole where it is null.</summary>
    public long? PartLength { get; set; }
    /// <summary>The status with which an upload's request is refused, by its number from 0; null where it is taken.</summary>
    public Func<int, int?> UploadFault { get; set; } = _ => null;
    /// <summary>In place of a status: what was asked for is done, and the connection breaks in the middle of the answer.</summary>
    public const int CutInAnswer = -1;
    /// <summary>In place of a status: what was asked for is done, and the answer has no end.</summary>
    public const int EndlessAnswer = -2;
    /// <summary>Repositories that were made, with whether they are private.</summary>
    public ConcurrentDictionary<string, bool> Made { get; } = [];
    /// <summary>Commits, by their summaries.</summary>
    public ConcurrentQueue<string> Commits { get; } = [];
    /// <summary>Bytes that arrived at the store of large files.</summary>
    public long BytesStored => bytesStored;

    private readonly ConcurrentDictionary<string, byte[]> store = [];
    private readonly ConcurrentDictionary<string, byte[]> parts = [];
    private int uploadRequests;
    private long bytesStored;

    private void MapUpload(WebApplication application)
    {
        application.MapPost("/api/repos/create", context => WritingAsync(context, async () =>
        {
            var body = await BodyAsync(context);
            if ((string?)body["type"] != "dataset") return (400, null);
            var repository = $"{body["organization"]}/{body["name"]}";
            if (datasets.ContainsKey(repository)) return (409, null);
            datasets[repository] = new HubDataset { Repository = repository };
            Made[repository] = (bool)body["private"]!;
            return (200, new JsonObject { ["url"] = $"{Address}datasets/{repository}" });
        }));
        application.MapPost("/api/datasets/{owner}/{name}/preupload/{revision}", context => WritingAsync(context, async () =>
        {
            var body = await BodyAsync(context);
            return (200, new JsonObject
            {
                ["files"] = new JsonArray([.. body["files"]!.AsArray().Select(file =>
                {
                    // As the hub does: by size, or because the first bytes are no text.
                    var isLarge = (long)file!["size"]! >= LargeFrom || Convert.FromBase64String((string)file["sample"]!).Contains((byte)0);
                    return (JsonNode)new JsonObject { ["path"] = (string)file["path"]!, ["uploadMode"] = isLarge ? "lfs" : "regular", ["shouldIgnore"] = false };
                })]),
            });
        }));
        application.MapPost("/datasets/{owner}/{repository}/info/lfs/objects/batch", context => WritingAsync(context, async () =>
        {
            if (context.Request.ContentType?.StartsWith("application/vnd.git-lfs+json", StringComparison.Ordinal) != true) return (415, null);
            var body = await BodyAsync(context);
            return (200, new JsonObject { ["transfer"] = PartLength is null ? "basic" : "multipart", ["objects"] = new JsonArray([.. body["objects"]!.AsArray().Select(item => (JsonNode)Offer((string)item!["oid"]!, (long)item["size"]!))]) });
        }));
        application.MapPost("/verify", context => WritingAsync(context, async () =>
        {
            var body = await BodyAsync(context);
            return (store.TryGetValue((string)body["oid"]!, out var bytes) && bytes.Length == (long)body["size"]! ? 200 : 422, null);
        }));
        application.MapPost("/join", context => WritingAsync(context, async () =>
        {
            var body = await BodyAsync(context);
            var oid = (string)body["oid"]!;
            var bytes = new List<byte>();
            foreach (var part in body["parts"]!.AsArray())
            {
                if (!parts.TryGetValue($"{oid}/{part!["partNumber"]}", out var piece) || (string)part["etag"]! != Tag(piece)) return (422, null);
                bytes.AddRange(piece);
            }
            return (Keep(oid, [.. bytes]) ? 200 : 422, null);
        }));
        application.MapPost("/api/datasets/{owner}/{name}/commit/{revision}", context => WritingAsync(context, async () =>
        {
            var dataset = datasets[$"{context.Request.RouteValues["owner"]}/{context.Request.RouteValues["name"]}"];
            using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
            var files = new SortedDictionary<string, HubContent>(dataset.Files, StringComparer.Ordinal);
            var summary = "";
            foreach (var line in (await reader.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                var (key, value) = ((string)JsonNode.Parse(line)!["key"]!, JsonNode.Parse(line)!["value"]!);
                switch (key)
                {
                    case "header": summary = (string)value["summary"]!; break;
                    case "file": files[(string)value["path"]!] = new HubContent(Convert.FromBase64String((string)value["content"]!)); break;
                    case "lfsFile" when store.TryGetValue((string)value["oid"]!, out var bytes): files[(string)value["path"]!] = new HubContent(bytes, isLarge: true); break;
                    default: return (400, null);
                }
            }
            dataset.Files.Clear();
            foreach (var (path, content) in files) dataset.Files[path] = content;
            Commits.Enqueue(summary);
            dataset.Commit = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{dataset.Commit} {summary} {Commits.Count}")))[..40];
            return (200, new JsonObject { ["commitOid"] = dataset.Commit, ["commitUrl"] = $"{Address}datasets/{dataset.Repository}/commit/{dataset.Commit}" });
        }));
    }

    private void MapStore(WebApplication application) => application.MapPut("/put/{oid}/{part}", async context =>
    {
        Note(context, "contents");
        switch (UploadFault(Interlocked.Increment(ref uploadRequests) - 1))
        {
            case > 0 and { } status:
                context.Response.StatusCode = status;
                context.Response.Headers.RetryAfter = "0";
                return;
            case CutInAnswer:
                // In the middle of what is sent.
                await context.Request.Body.ReadAtLeastAsync(new byte[1], 1, throwOnEndOfStream: false);
                context.Abort();
                return;
        }
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        var (oid, part) = ((string)context.Request.RouteValues["oid"]!, (string)context.Request.RouteValues["part"]!);
        Interlocked.Add(ref bytesStored, body.Length);
        if (part == "all") context.Response.StatusCode = context.Request.Headers["x-signed"] == "yes" && Keep(oid, body.ToArray()) ? 200 : 403;
        else parts[$"{oid}/{part}"] = body.ToArray();
        context.Response.Headers.ETag = Tag(body.ToArray());
    });

    private JsonObject Offer(string oid, long size)
    {
        var offer = new JsonObject { ["oid"] = oid, ["size"] = size };
        if (store.ContainsKey(oid)) return offer;
        var (href, header) = (new Uri(ContentsAddress, $"/put/{oid}/all").ToString(), new JsonObject { ["x-signed"] = "yes" });
        if (PartLength is { } length)
        {
            (href, header) = (new Uri(Address, "/join").ToString(), new JsonObject { ["chunk_size"] = length.ToString(CultureInfo.InvariantCulture) });
            for (var part = 1; (part - 1) * length < size; part++)
                header[part.ToString("00000", CultureInfo.InvariantCulture)] = new Uri(ContentsAddress, $"/put/{oid}/{part}").ToString();
        }
        offer["actions"] = new JsonObject { ["upload"] = new JsonObject { ["href"] = href, ["header"] = header }, ["verify"] = new JsonObject { ["href"] = new Uri(Address, "/verify").ToString() } };
        return offer;
    }

    private bool Keep(string oid, byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes)) == oid && (store[oid] = bytes) is not null;

    private async Task WritingAsync(HttpContext context, Func<Task<(int Status, JsonObject? Answer)>> answer)
    {
        Note(context, "hub");
        var token = context.Request.Headers.Authorization.ToString() is { Length: > 7 } header ? header["Bearer ".Length..] : "";
        if (!Writers.Contains(token))
        {
            await RefuseAsync(context, token.Length == 0 ? 401 : 403, "", $"you sent {token}");
            return;
        }
        var fault = UploadFault(Interlocked.Increment(ref uploadRequests) - 1);
        if (fault is > 0 and { } status)
        {
            context.Response.StatusCode = status;
            context.Response.Headers.RetryAfter = "0";
            return;
        }
        var (code, body) = await answer();
        context.Response.StatusCode = code;
        if (fault is not null)
        {
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync("{\"commitOid\": \"");
            for (var more = new string(' ', 1 << 16); fault == EndlessAnswer && !context.RequestAborted.IsCancellationRequested;) await context.Response.WriteAsync(more);
            await context.Response.Body.FlushAsync();
            await Task.Delay(50);      // the client has what was sent before the connection goes
            context.Abort();
            return;
        }
        if (body is not null) await context.Response.WriteAsJsonAsync(body);
    }

    private static async Task<JsonNode> BodyAsync(HttpContext context) => (await JsonNode.ParseAsync(context.Request.Body))!;

    private static string Tag(byte[] bytes) => $"\"{Convert.ToHexStringLower(SHA256.HashData(bytes))}\"";
}
