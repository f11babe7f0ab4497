using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Net.Http.Headers;

namespace Agora.Tests.Hub;

/// <param name="Host">The hub, or the other host that keeps large files.</param>
public sealed record HubRequest(string Host, string Method, string Path, string? Range, string? Authorization)
{
    /// <summary>Of the body, as far as they were sent.</summary>
    public long Bytes { get; set; }
}

/// <summary>A server of our own that speaks the hub's protocol on loopback: the hub, and another host for the contents of large files. It fails as told.</summary>
public sealed partial class HubServer : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, HubDataset> datasets = [];
    private WebApplication hub = null!;
    private WebApplication contents = null!;
    private int contentRequests;

    /// <summary>What is wrong with a request for contents, by its number from 0; null where nothing is.</summary>
    public Func<int, HubFault?> Fault { get; set; } = _ => null;
    /// <summary>Bytes per second of one answer; as fast as it goes where it is null.</summary>
    public long? Rate { get; set; }
    /// <summary>Every request, in order of arrival.</summary>
    public ConcurrentQueue<HubRequest> Requests { get; } = [];
    /// <summary>A header that the hub sends in place of its own.</summary>
    public ConcurrentDictionary<string, string> Overrides { get; } = [];
    /// <summary>A file name that the hub lists besides its own.</summary>
    public string? ListsAlso { get; set; }

    public Uri Address { get; private set; } = null!;
    public Uri ContentsAddress { get; private set; } = null!;

    public static async Task<HubServer> StartAsync(params IEnumerable<HubDataset> datasets)
    {
        var server = new HubServer();
        foreach (var dataset in datasets)
            server.datasets[dataset.Repository] = dataset;
        (server.contents, server.ContentsAddress) = await ListenAsync(application =>
        {
            application.MapMethods("/{tag}", ["GET", "HEAD"], server.ContentAsync);
            server.MapStore(application);
        });
        (server.hub, server.Address) = await ListenAsync(application =>
        {
            application.MapGet("/api/datasets/{owner}/{name}/revision/{**revision}", server.ListAsync);
            server.MapUpload(application);
            application.MapMethods("/datasets/{owner}/{name}/resolve/{revision}/{**path}", ["GET", "HEAD"], server.ResolveAsync);
        });
        return server;
    }

    /// <summary>Bytes of contents that went out.</summary>
    public long BytesSent => Requests.Where(request => request.Method == "GET" && !request.Path.StartsWith("/api", StringComparison.Ordinal)).Sum(request => request.Bytes);

    public Task WaitAsync() => hub.WaitForShutdownAsync();

    public async ValueTask DisposeAsync()
    {
        await hub.DisposeAsync();
        await contents.DisposeAsync();
    }

    private static async Task<(WebApplication, Uri)> ListenAsync(Action<WebApplication> map)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var application = builder.Build();
        map(application);
        await application.StartAsync();
        return (application, new Uri(application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()));
    }

    private async Task ListAsync(HttpContext context)
    {
        Note(context, "hub");
        if (await FoundAsync(context, Uri.UnescapeDataString((string)context.Request.RouteValues["revision"]!)) is not var (commit, files))
            return;
        var siblings = new JsonArray([.. files.Select(file => (JsonNode)new JsonObject { ["rfilename"] = file.Key, ["size"] = file.Value.Length })]);
        if (ListsAlso is { } also)
            siblings.Add((JsonNode)new JsonObject { ["rfilename"] = also, ["size"] = 5 });
        await context.Response.WriteAsJsonAsync(new JsonObject { ["sha"] = commit, ["gated"] = false, ["siblings"] = siblings });
    }

    private async Task ResolveAsync(HttpContext context)
    {
        var request = Note(context, "hub");
        if (await FoundAsync(context, Uri.UnescapeDataString((string)context.Request.RouteValues["revision"]!)) is not var (commit, files))
            return;
        if (!files.TryGetValue((string)context.Request.RouteValues["path"]!, out var content))
        {
            await RefuseAsync(context, 404, "EntryNotFound", "Entry not found");
            return;
        }
        context.Response.Headers["X-Repo-Commit"] = commit;
        context.Response.Headers.ETag = $"\"{content.ETag}\"";
        foreach (var (name, value) in Overrides)
            context.Response.Headers[name] = value;
        if (!content.IsLarge)
        {
            await SendAsync(context, request, content, fault: context.Request.Method == "HEAD" ? null : Fault(Interlocked.Increment(ref contentRequests) - 1));
            return;
        }
        context.Response.Headers["X-Linked-Etag"] = Overrides.GetValueOrDefault("X-Linked-Etag") ?? $"\"{content.ETag}\"";
        context.Response.Headers["X-Linked-Size"] = content.Length.ToString(CultureInfo.InvariantCulture);
        context.Response.StatusCode = 302;
        context.Response.Headers.Location = new Uri(ContentsAddress, $"/{content.Sha256}?signature=xyz").ToString();
    }

    private async Task ContentAsync(HttpContext context)
    {
        var request = Note(context, "contents");
        var tag = (string)context.Request.RouteValues["tag"]!;
        var content = datasets.Values.SelectMany(dataset => dataset.Files.Values.Concat(dataset.Converted.Values)).First(file => file.Sha256 == tag);
        var fault = Fault(Interlocked.Increment(ref contentRequests) - 1);
        context.Response.Headers.ETag = fault == HubFault.OtherTag ? "\"another\"" : $"\"{content.Sha256[..32]}\"";
        await SendAsync(context, request, content, fault);
    }

    private async Task SendAsync(HttpContext context, HubRequest request, HubContent content, HubFault? fault)
    {
        var response = context.Response;
        switch (fault)
        {
            case HubFault.TooManyRequests or HubFault.TooManyRequestsForADay:
                response.Headers.RetryAfter = fault == HubFault.TooManyRequests ? "1" : "86400";
                response.StatusCode = 429;
                return;
            case HubFault.Unavailable or HubFault.Expired:
                response.StatusCode = fault == HubFault.Expired ? 403 : 503;
                return;
            case HubFault.RedirectsForEver or HubFault.RedirectsToFile:
                response.StatusCode = 302;
                response.Headers.Location = fault == HubFault.RedirectsToFile ? "file:///etc/passwd" : context.Request.Path.ToString();
                return;
        }
        var (from, to) = (0L, content.Length - 1);
        if (fault != HubFault.NoRanges && RangeHeaderValue.TryParse(request.Range, out var range) && range.Ranges.First() is { From: { } first } asked)
        {
            (from, to) = (first, Math.Min(asked.To ?? to, to));
            response.StatusCode = 206;
            var told = fault == HubFault.OtherRange ? from + 1 : from;
            response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes {told}-{to}/{content.Length + (fault == HubFault.OtherLength ? 1 : 0)}");
        }
        response.ContentLength = to - from + 1;
        if (context.Request.Method == "HEAD")
            return;
        await SendBodyAsync(context, request, content, (from, to), fault);
    }

    private async Task SendBodyAsync(HttpContext context, HubRequest request, HubContent content, (long From, long To) range, HubFault? fault)
    {
        var started = DateTime.UtcNow;
        long? cut = fault switch
        {
            HubFault.CutInBody or HubFault.SilentInBody => range.From + (range.To - range.From + 1) / 2,
            HubFault.CutEarly => range.From + (2 << 20),
            _ => null,
        };
        for (var place = range.From; place <= range.To;)
        {
            if (place >= cut)
            {
                await context.Response.Body.FlushAsync();
                if (fault == HubFault.SilentInBody)
                    await Task.Delay(Timeout.Infinite, context.RequestAborted);
                if (fault != HubFault.CutEarly)     // whose bytes are to arrive, which a reset may take back
                    context.Abort();
                return;
            }
            var part = content.At(place, Math.Min(cut ?? long.MaxValue, range.To + 1) - place);
            if (Rate is { } rate)
                part = part[..(int)Math.Min(part.Length, Math.Max(1, rate / 20))];
            if (fault == HubFault.WrongByte && place == range.From)
            {
                var changed = part.ToArray();
                changed[^1] ^= 1;
                part = changed;
            }
            await context.Response.Body.WriteAsync(part, context.RequestAborted);
            place += part.Length;
            request.Bytes += part.Length;
            if (Rate is { } perSecond && TimeSpan.FromSeconds((double)(place - range.From) / perSecond) - (DateTime.UtcNow - started) is { Ticks: > 0 } ahead)
                await Task.Delay(ahead, context.RequestAborted);
        }
    }

    private async Task<(string Commit, SortedDictionary<string, HubContent> Files)?> FoundAsync(HttpContext context, string revision)
    {
        var token = context.Request.Headers.Authorization.ToString() is { Length: > 7 } header ? header["Bearer ".Length..] : null;
        if (!datasets.TryGetValue($"{context.Request.RouteValues["owner"]}/{context.Request.RouteValues["name"]}", out var dataset))
        {
            await RefuseAsync(context, 401, "RepoNotFound", $"Repository not found for token {token}");
            return null;
        }
        if (dataset.Gated && (token is null || !dataset.LetIn.Contains(token)))
        {
            await RefuseAsync(context, token is null ? 401 : 403, "GatedRepo", $"Access to this dataset is restricted; you sent {token}");
            return null;
        }
        if (dataset.At(revision) is { } found)
            return found;
        await RefuseAsync(context, 404, "RevisionNotFound", "Invalid rev id");
        return null;
    }

    private static Task RefuseAsync(HttpContext context, int status, string code, string message)
    {
        context.Response.StatusCode = status;
        context.Response.Headers["X-Error-Code"] = code;
        context.Response.Headers["X-Error-Message"] = message;
        return Task.CompletedTask;
    }

    private HubRequest Note(HttpContext context, string host)
    {
        var request = new HubRequest(host, context.Request.Method, context.Request.Path + context.Request.QueryString, context.Request.Headers.Range, context.Request.Headers.Authorization);
        Requests.Enqueue(request);
        return request;
    }
}
