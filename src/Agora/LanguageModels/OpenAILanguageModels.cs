using System.ClientModel;
using System.ClientModel.Primitives;
using System.Collections.Concurrent;
using Agora.Experiments;
using Microsoft.Extensions.AI;
using OpenAI;

namespace Agora.LanguageModels;

/// <summary>Models behind any endpoint that speaks OpenAI's chat-completions protocol: OpenAI itself, vLLM, llama.cpp, Ollama, <c>agora serve</c> …</summary>
/// <remarks>The transport's own time-out is turned off: <see cref="RetryPolicy.RequestTimeout"/> rules.</remarks>
public sealed class OpenAILanguageModels : ILanguageModels
{
    private const string DefaultEndpoint = "https://api.openai.com/v1";

    // A pair of endpoint and model is one client, so that its limit of requests in flight holds for all steps of a run together.
    private readonly ConcurrentDictionary<ModelSpec, Lazy<IChatClient>> open = new();
    private readonly HttpClient transport;
    private readonly RetryPolicy retries;
    private readonly TimeProvider time;
    private readonly Func<string, string?> readVariable;

    /// <param name="transport">Of all endpoints; disposed by the caller.</param>
    /// <param name="readVariable">Reads an environment variable.</param>
    public OpenAILanguageModels(HttpClient transport, RetryPolicy retries, TimeProvider time, Func<string, string?> readVariable)
    {
        // It cannot be set again once the client has sent something.
        if (transport.Timeout != Timeout.InfiniteTimeSpan) transport.Timeout = Timeout.InfiniteTimeSpan;
        this.transport = transport;
        this.retries = retries;
        this.time = time;
        this.readVariable = readVariable;
    }

    public Task<IChatClient> OpenChatAsync(ModelSpec model, CancellationToken cancellationToken) =>
        Task.FromResult(open.GetOrAdd(model, spec => new Lazy<IChatClient>(() => Connect(spec))).Value);

    public Task<string> IdentifyAsync(ModelSpec model, CancellationToken cancellationToken) =>
        Task.FromResult($"{ModelSpec.OpenAI}:{Endpoint(model)}:{NameAt(model)}");

    public Task CloseAsync(ModelSpec model)
    {
        if (open.TryRemove(model, out var client) && client.IsValueCreated) client.Value.Dispose();
        return Task.CompletedTask;
    }

    private ParallelLimitChatClient Connect(ModelSpec model)
    {
        var endpoint = Endpoint(model);
        var name = NameAt(model);
        var key = Key(model);
        var options = new OpenAIClientOptions
        {
            Endpoint = endpoint,
            Transport = new HttpClientPipelineTransport(transport),
            // Retries are ours, so that they are counted once and honour the run's clock and limits.
            RetryPolicy = new ClientRetryPolicy(maxRetries: 0),
            NetworkTimeout = retries.RequestTimeout,
        };
        // Endpoints without keys ignore the header, and the SDK insists on one.
        var client = new OpenAIClient(new ApiKeyCredential(key ?? "none"), options);
        var asked = new OpenAIPlainPrompts(client.GetChatClient(name).AsIChatClient(), client.Pipeline, endpoint, name);
        var chat = new OpenAIChat(asked, endpoint, name, model.ApiKeyVariable, key);
        return new ParallelLimitChatClient(new RetryingChatClient(chat, chat.Where, retries, time), model.MaxParallel);
    }

    private static Uri Endpoint(ModelSpec model) =>
        Uri.TryCreate(model.Endpoint ?? DefaultEndpoint, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
            ? uri
            : throw new AgoraException($"\"{model.Endpoint}\" is not the address of an endpoint", $"model {model.Model}", "give it as http(s)://host/v1") { ExitCode = 2 };

    private static string NameAt(ModelSpec model) => model.Model is { Length: > 0 } name
        ? name
        : throw new AgoraException("the model's name at the endpoint is missing", $"endpoint {model.Endpoint ?? DefaultEndpoint}", "add model: NAME") { ExitCode = 2 };

    private string? Key(ModelSpec model)
    {
        if (model.ApiKeyVariable is not { } variable) return null;
        return readVariable(variable) is { Length: > 0 } key
            ? key
            : throw new AgoraException($"the environment variable {variable} is not set", $"model {model.Model} at {Endpoint(model)}",
                $"export {variable}=… with the endpoint's key")
            { ExitCode = 2 };
    }
}
