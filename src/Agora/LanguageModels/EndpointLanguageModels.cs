using System.Collections.Concurrent;
using Agora.Experiments;
using Agora.LanguageModels.Batches;
using Microsoft.Extensions.AI;

namespace Agora.LanguageModels;

/// <summary>What every provider of endpoints works with.</summary>
public sealed record EndpointServices
{
    /// <summary>Of all endpoints; disposed by the caller. It must have no time-out of its own: <see cref="RetryPolicy.RequestTimeout"/> rules.</summary>
    public required HttpMessageHandler Transport { get; init; }
    public RetryPolicy Retries { get; init; } = new();
    public TimeProvider Time { get; init; } = TimeProvider.System;
    /// <summary>Reads an environment variable, the only place where keys are.</summary>
    public Func<string, string?> ReadVariable { get; init; } = Environment.GetEnvironmentVariable;
    /// <summary>Of the whole run.</summary>
    public Budget Budget { get; init; } = new();
    /// <summary>What one batch may hold at most, where it is to be less than the provider takes.</summary>
    internal BatchLimits? BatchLimits { get; init; }
}

/// <summary>A model at an endpoint, its address checked and its key read.</summary>
/// <param name="Address">As the experiment gives it, or the provider's own.</param>
/// <param name="KeyVariable">Where the key came from; null where none is sent.</param>
/// <param name="Key">Only for the transport, and to cut it out of an endpoint's messages.</param>
public sealed record EndpointModel(ModelSpec Spec, Uri Address, string Name, string? KeyVariable, string? Key)
{
    /// <summary>For messages.</summary>
    public string Where => $"{Address} (model {Name})";

    /// <summary>The text without the key.</summary>
    public string WithoutKey(string text) => Key is null ? text : text.Replace(Key, "***", StringComparison.Ordinal);

    // A record would print its key.
    public override string ToString() => Where;
}

/// <summary>Models behind endpoints of one protocol. Pace and budget are here, so that they are the same for all of them.</summary>
public abstract class EndpointLanguageModels(EndpointServices services) : ILanguageModels
{
    private readonly ConcurrentDictionary<ModelSpec, Lazy<IChatClient>> open = new();
    private readonly ConcurrentDictionary<ModelSpec, Lazy<PacedEmbeddings>> openEmbeddings = new();
    // Not closed with a client: what was learned of an endpoint holds for the next step, too.
    private readonly ConcurrentDictionary<(Uri, string, string?), EndpointPace> paces = new();

    protected EndpointServices Services { get; } = services;

    /// <summary>As experiments call it.</summary>
    protected abstract string Provider { get; }

    /// <summary>Where no endpoint is named; null where one must be.</summary>
    protected abstract string? DefaultEndpoint { get; }

    /// <summary>A client that sends each request once, and says in our exceptions what went wrong.</summary>
    /// <param name="transport">Not disposed with the client.</param>
    /// <param name="timeout">How long one request may take.</param>
    protected abstract IChatClient Connect(EndpointModel model, EndpointPace pace, HttpMessageHandler transport, TimeSpan timeout);

    /// <summary>The same for embeddings: a client that answers with <see cref="PacedEmbeddings.Answer"/>; null where the provider makes none.</summary>
    private protected virtual IChatClient? ConnectEmbeddings(EndpointModel model, EndpointPace pace, HttpMessageHandler transport) => null;

    /// <summary>The provider's API for many requests at once; null where it has none.</summary>
    private protected virtual IBatchApi? Batches(EndpointModel model) => null;

    public Task<IChatClient> OpenChatAsync(ModelSpec model, CancellationToken cancellationToken) =>
        Task.FromResult(open.GetOrAdd(model, spec => new Lazy<IChatClient>(() => Paced(Resolve(spec)))).Value);

    public Task<IEmbeddingGenerator<string, Embedding<float>>> OpenEmbeddingsAsync(ModelSpec model, CancellationToken cancellationToken) =>
        Task.FromResult<IEmbeddingGenerator<string, Embedding<float>>>(openEmbeddings.GetOrAdd(model, spec => new Lazy<PacedEmbeddings>(() =>
        {
            var resolved = Resolve(spec);
            var pace = PaceOf(resolved);
            var client = ConnectEmbeddings(resolved, pace, Services.Transport)
                ?? throw new AgoraException($"the provider {spec.Provider} makes no embeddings", resolved.Where, "name an embedded model, or one behind an endpoint that speaks OpenAI's protocol") { ExitCode = 2 };
            return new PacedEmbeddings(Paced(resolved, pace, client));
        })).Value);

    public async Task<IChatClient> OpenForStepAsync(ModelSpec model, IJournal ledger, Action<string> notice, CancellationToken cancellationToken)
    {
        var resolved = Resolve(model);
        var online = Telling(notice, resolved, await OpenChatAsync(model, cancellationToken));
        var identity = await IdentifyAsync(model, cancellationToken);
        var batches = new BatchLedger(ledger, identity);
        // Batches that were sent off are waited for, whatever the mode is by now: they are paid for.
        var wanted = model.Mode != RequestMode.Online && ProviderCapabilities.Of(model).HasFlag(ModelCapabilities.Batch);
        if (Batches(resolved) is not { } api || (!wanted && batches.Read().Count == 0))
            return online;
        var use = !wanted ? BatchUse.AttachedOnly : model.Mode == RequestMode.Batch ? BatchUse.Always : BatchUse.ForMany;
        var queue = new BatchQueue(api, batches, identity, resolved.Where, model.Batch ?? new BatchSpec(), use, Services.Retries, Services.Time, notice);
        var batched = Connect(resolved, PaceOf(resolved), new BatchTransport(queue), LongestBatch);
        return new BatchedChatClient(online, batched, queue, identity, Services.Budget, model.Price);
    }

    private LentChatClient Telling(Action<string> notice, EndpointModel model, IChatClient online)
    {
        var pace = PaceOf(model);
        pace.Outage += Tell;
        return new LentChatClient(online, () => pace.Outage -= Tell);

        void Tell(string what) => notice($"{model.Where}: {what}");
    }

    // Providers promise a day, and an attempt more may follow.
    private static readonly TimeSpan LongestBatch = TimeSpan.FromDays(20);

    public Task<string> IdentifyAsync(ModelSpec model, CancellationToken cancellationToken) => Task.FromResult($"{Provider}:{Address(model)}:{NameAt(model)}");

    public Task CloseAsync(ModelSpec model)
    {
        if (open.TryRemove(model, out var client) && client.IsValueCreated) client.Value.Dispose();
        return Task.CompletedTask;
    }

    /// <summary>The pace of the model's endpoint, which all who ask it share.</summary>
    protected EndpointPace PaceOf(EndpointModel model) => paces.GetOrAdd((model.Address, model.Name, model.KeyVariable),
        _ => new EndpointPace(model.Spec.MaxParallel, model.Spec.Limits, Services.Retries, Services.Time));

    /// <exception cref="AgoraException">No address, no name, or the variable of the key is not set.</exception>
    protected EndpointModel Resolve(ModelSpec model) => new(model, Address(model), NameAt(model), model.ApiKeyVariable, Key(model));

    private PacedChatClient Paced(EndpointModel model)
    {
        var pace = PaceOf(model);
        return Paced(model, pace, Connect(model, pace, Services.Transport, RetriesOf(model).RequestTimeout));
    }

    private PacedChatClient Paced(EndpointModel model, EndpointPace pace, IChatClient client) =>
        new(client, model.Where, pace, RetriesOf(model), Services.Budget, model.Spec.Price, Services.Time);

    private RetryPolicy RetriesOf(EndpointModel model) =>
        model.Spec.RequestTimeoutSeconds is { } seconds ? Services.Retries with { RequestTimeout = TimeSpan.FromSeconds(seconds) } : Services.Retries;

    private Uri Address(ModelSpec model) =>
        Uri.TryCreate(model.Endpoint ?? DefaultEndpoint, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
            ? uri
            : throw new AgoraException($"\"{model.Endpoint}\" is not the address of an endpoint", $"model {model.Model}", "give it as http(s)://host/v1") { ExitCode = 2 };

    private string NameAt(ModelSpec model) => model.Model is { Length: > 0 } name
        ? name
        : throw new AgoraException("the model's name at the endpoint is missing", $"endpoint {model.Endpoint ?? DefaultEndpoint}", "add model: NAME") { ExitCode = 2 };

    private string? Key(ModelSpec model)
    {
        if (model.ApiKeyVariable is not { } variable) return null;
        return Services.ReadVariable(variable) is { Length: > 0 } key
            ? key
            : throw new AgoraException($"the environment variable {variable} is not set", $"model {model.Model} at {Address(model)}",
                $"export {variable}=… with the endpoint's key")
            { ExitCode = 2 };
    }
}
