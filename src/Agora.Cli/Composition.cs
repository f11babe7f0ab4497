using System.Collections.Concurrent;
using Agora.Benchmarks;
using Agora.Experiments;
using Agora.LanguageModels;
using Agora.Runs;
using Agora.Students.Embeddings;
using Agora.Students.Inference;
using Agora.Students.Tokenization;
using Agora.Students.Training;
using Microsoft.Extensions.AI;

namespace Agora.Cli;

/// <summary>The composition root: the only place that knows every type.</summary>
internal sealed class Composition : IDisposable
{
    private readonly SocketsHttpHandler transport = new() { PooledConnectionLifetime = TimeSpan.FromMinutes(5) };
    private readonly EmbeddedModels embedded;
    private readonly ConcurrentBag<EngineLease> leases = [];
    private readonly ConcurrentDictionary<string, Tokenizer> tokenizers = [];
    private readonly ConcurrentDictionary<string, Lazy<OnnxSentenceModel>> sentenceModels = [];

    /// <param name="jobs">Steps that work at the same time; each trains on its share of the cores.</param>
    /// <param name="unsafeNoSandbox">Runs code that a student wrote without a sandbox, and says so in the result.</param>
    /// <param name="device">Where models that run in this process compute.</param>
    public Composition(int jobs, bool unsafeNoSandbox = false, string device = DeviceChoice.Auto)
    {
        embedded = new EmbeddedModels(Environment.ProcessorCount, device);
        var endpoints = new EndpointServices { Transport = transport };
        Services = new PipelineServices
        {
            Models = new LanguageModelProviders(new Dictionary<string, ILanguageModels>
            {
                [ModelSpec.Embedded] = embedded,
                [ModelSpec.OpenAI] = new OpenAILanguageModels(endpoints),
                [ModelSpec.Azure] = new AzureOpenAILanguageModels(endpoints),
                [ModelSpec.Anthropic] = new AnthropicLanguageModels(endpoints),
            }),
            Budget = endpoints.Budget,
            Trainer = new SftTrainer(Math.Max(1, Environment.ProcessorCount / jobs)),
            LocateData = DataServices.LocateAsync,
            OpenEmbeddings = OpenEmbeddingsAsync,
            OpenLikelihood = async (model, systemMessage, stop) => new EmbeddedLikelihoodModel((await RentAsync(model, stop)).Engine, systemMessage),
            OpenReward = async (model, stop) => new EmbeddedRewardModel((await RentAsync(model, stop)).Engine),
            StartSandbox = (parallel, stop) => CodeSandbox.StartAsync(parallel, unsafeNoSandbox, stop),
            OpenBenchmark = spec => BenchmarkCatalogue.Open(spec, Environment.CurrentDirectory, unsafeNoSandbox),
            TokenCounter = folder =>
            {
                var tokenizer = tokenizers.GetOrAdd(folder, Tokenizer.Load);
                return text => tokenizer.Encode(text, addSpecialTokens: false).Length;
            },
            TokenBound = folder => tokenizers.GetOrAdd(folder, Tokenizer.Load).MostTokens,
        };
    }

    public PipelineServices Services { get; }

    private async Task<IEmbeddingGenerator<string, Embedding<float>>> OpenEmbeddingsAsync(ModelSpec model, CancellationToken cancellationToken) =>
        model.Provider != ModelSpec.Embedded ? await Services.Models.OpenEmbeddingsAsync(model, cancellationToken)
        : OnnxSentenceModel.IsAt(model.Path!) ? sentenceModels.GetOrAdd(Path.GetFullPath(model.Path!), folder => new Lazy<OnnxSentenceModel>(() => OnnxSentenceModel.Load(folder, Environment.ProcessorCount))).Value
        : new EmbeddedEmbeddings((await RentAsync(model, cancellationToken)).Engine);

    /// <summary>A model folder's likelihoods, for use once: the caller lets go of the engine.</summary>
    public async Task<OpenLikelihood> RentLikelihoodAsync(string folder, string systemMessage, CancellationToken cancellationToken)
    {
        var lease = await embedded.RentAsync(folder, cancellationToken);
        return new OpenLikelihood(new EmbeddedLikelihoodModel(lease.Engine, systemMessage), lease);
    }

    // Held to the end of the program: a folder that serves several uses is loaded once.
    private async Task<EngineLease> RentAsync(ModelSpec model, CancellationToken cancellationToken)
    {
        var lease = await embedded.RentAsync(model.Path!, cancellationToken);
        leases.Add(lease);
        return lease;
    }

    public void Dispose()
    {
        foreach (var lease in leases)
            lease.Dispose();
        embedded.Dispose();
        foreach (var model in sentenceModels.Values.Where(model => model.IsValueCreated))
            model.Value.Dispose();
        transport.Dispose();
    }
}
