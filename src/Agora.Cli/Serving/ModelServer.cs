using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Agora.Experiments;
using Agora.Students.ChatTemplates;
using Agora.Students.Inference;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Agora.Cli.Serving;

/// <summary>An OpenAI-compatible HTTP API over one model in Hugging Face format: any program that speaks to OpenAI can use a student as generator.</summary>
public sealed class ModelServer : IAsyncDisposable
{
    private readonly WebApplication application;
    private readonly ServedModel model;
    private readonly RequestGate gate;
    private readonly BodyBudget bodies;
    private readonly ServerMetrics metrics;
    private volatile bool stopping;

    private ModelServer(WebApplication application, ServedModel model, RequestGate gate, BodyBudget bodies, ServerMetrics metrics)
    {
        this.application = application;
        this.model = model;
        this.gate = gate;
        this.bodies = bodies;
        this.metrics = metrics;
    }

    /// <summary>Where it listens; with the port that was found if 0 was asked for.</summary>
    public Uri Address => new(application.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First());

    /// <summary>What requests call the model.</summary>
    public string ModelName => model.Name;

    /// <summary>For people: what computes the model, where and in which type.</summary>
    public string Engine => model.Engine.Description;

    /// <summary>Loads the model, then listens.</summary>
    /// <exception cref="AgoraException">The model cannot be served, the host is no address of this machine, or the port is taken.</exception>
    public static async Task<ModelServer> StartAsync(ServeOptions options, CancellationToken cancellationToken)
    {
        var address = AddressOf(options.Host);
        var metrics = new ServerMetrics();
        var model = Load(options, metrics);
        ModelServer? server = null;
        try
        {
            server = new ModelServer(Build(options, address), model, new RequestGate(options.MaxRequests), new BodyBudget(options.MaxBytesInside), metrics);
            server.Map();
            await server.application.StartAsync(cancellationToken);
            return server;
        }
        catch (Exception exception)
        {
            if (server is not null)
                await server.application.DisposeAsync();
            model.Dispose();
            if (exception is IOException or SocketException)
                throw new AgoraException($"cannot listen: {exception.Message}", $"{options.Host}:{options.Port}", "choose another --port (0 takes a free one), or a --host that is an address of this machine", exception);
            throw;
        }
    }

    /// <summary>Serves until cancelled, then takes no more requests, lets those inside end for <see cref="ServeOptions.DrainSeconds"/> and breaks off the rest.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            stopping = true;
            await application.StopAsync(CancellationToken.None);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await application.StopAsync();
        await application.DisposeAsync();
        model.Dispose();
    }

    private static ServedModel Load(ServeOptions options, ServerMetrics metrics)
    {
        var folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(options.ModelFolder));
        var template = ChatTemplate.TryLoad(folder);
        return new ServedModel(InferenceEngine.Load(folder, options.Threads, device: options.Device), template, options.Name ?? Path.GetFileName(folder), metrics, TimeProvider.System);
    }

    private static IPAddress AddressOf(string host)
    {
        if (host is "localhost")
            return IPAddress.Loopback;
        return IPAddress.TryParse(host, out var address)
            ? address
            : throw new AgoraException($"{host} is not an address", "--host", "give an address of this machine such as 127.0.0.1, or 0.0.0.0 for all of them") { ExitCode = 2 };
    }

    private static WebApplication Build(ServeOptions options, IPAddress address)
    {
        // The slimmest builder: no files, no environment variables and no configuration of anybody else's can change what is served.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = options.MaxRequestBytes;
            kestrel.Listen(address, options.Port);
        });
        builder.Services.AddRoutingCore();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(options.DrainSeconds));
        return builder.Build();
    }

    private void Map()
    {
        application.UseRouting();
        application.Use(HandleFaultsAsync);
        application.UseEndpoints(_ => { });
        application.MapGet("/health", context => EventStream.WriteJsonAsync(context.Response,
            new JsonObject { ["status"] = stopping ? "stopping" : "ok", ["model"] = model.Name, ["requests"] = gate.Inside }, stopping ? 503 : 200));
        application.MapGet("/metrics", context =>
        {
            context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
            return context.Response.WriteAsync(metrics.Render(model.Name, model.Engine.Activity, gate.Inside, gate.Capacity), context.RequestAborted);
        });
        application.MapGet("/v1/models", context => EventStream.WriteJsonAsync(context.Response, new JsonObject { ["object"] = "list", ["data"] = new JsonArray(model.Describe()) }));
        application.MapGet("/v1/models/{**name}", context => (string?)context.Request.RouteValues["name"] == model.Name
            ? EventStream.WriteJsonAsync(context.Response, model.Describe())
            : throw new ApiFault(404, $"the model {context.Request.RouteValues["name"]} does not exist; this server has {model.Name}", "model", "model_not_found"));
        Post("/v1/chat/completions", new ChatCompletions(model).AnswerAsync);
        Post("/v1/completions", new TextCompletions(model).AnswerAsync);
        Post("/v1/embeddings", new Embeddings(model).AnswerAsync);
        application.MapFallback(context => throw new ApiFault(404, $"there is no {context.Request.Method} {context.Request.Path} on this server", null, "not_found"));
    }

    private void Post(string path, RequestDelegate answer) => application.MapPost(path, async context =>
    {
        var clock = new RequestClock();
        context.Items[RequestClock.Item] = clock;
        try
        {
            if (stopping)
                throw new ApiFault(503, "the server is stopping; ask another one, or try again", null, "server_stopping");
            using var pass = gate.Enter();
            await using var body = bodies.Count(context.Request.Body);
            context.Request.Body = body;
            await answer(context);
            metrics.Answered(path, context.Response.StatusCode, clock.Elapsed);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            metrics.ClientLeft();
            throw;
        }
        catch (Exception exception)
        {
            metrics.Answered(path, FaultOf(exception).Status, clock.Elapsed);
            throw;
        }
    });

    private async Task HandleFaultsAsync(HttpContext context, RequestDelegate next)
    {
        try
        {
            await next(context);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client has left, and its request with it.
        }
        catch (Exception exception)
        {
            await AnswerFaultAsync(context, FaultOf(exception));
        }
    }

    private static ApiFault FaultOf(Exception exception) => exception switch
    {
        ApiFault fault => fault,
        BadHttpRequestException { StatusCode: 413 } => new ApiFault(413, "the request is larger than this server takes", null, "request_too_large"),
        BadHttpRequestException bad => new ApiFault(bad.StatusCode, bad.Message),
        AgoraException refused => new ApiFault(400, refused.What),
        _ => new ApiFault(500, $"the server failed: {exception.GetType().Name}: {exception.Message}"),
    };

    private static async Task AnswerFaultAsync(HttpContext context, ApiFault fault)
    {
        if (context.RequestAborted.IsCancellationRequested)
            return;
        if (context.Response.HasStarted)
        {
            await EventStream.SendAsync(context.Response, fault.ToJson());
            return;
        }
        if (fault.Status is 429 or 503)
            context.Response.Headers.RetryAfter = "1";
        await EventStream.WriteJsonAsync(context.Response, fault.ToJson(), fault.Status);
    }
}
