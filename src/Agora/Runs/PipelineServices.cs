using Agora.Benchmarks;
using Agora.Experiments;
using Agora.LanguageModels;
using Agora.Training;
using Microsoft.Extensions.AI;

namespace Agora.Runs;

/// <summary>What the pipeline asks the composition root for.</summary>
public sealed record PipelineServices
{
    public required ILanguageModels Models { get; init; }
    /// <summary>What the models charge their requests to; the same object that their providers were given.</summary>
    public Budget Budget { get; init; } = new();
    public required IStudentTrainer Trainer { get; init; }
    /// <summary>
    /// For the folder of an embedded model, a function that counts the tokens of a text in which special tokens are spelled out, without adding any.
    /// It is called from many threads.
    /// </summary>
    public required Func<string, Func<string, int>> TokenCounter { get; init; }
    /// <summary>For the same folder, a function that tells a number which the counter does not pass and is quicker than it; <see cref="int.MaxValue"/> where it knows none.</summary>
    public Func<string, Func<string, int>> TokenBound { get; init; } = static _ => static _ => int.MaxValue;
    /// <summary>Brings data that the experiment names on the hub or in the catalogue to this machine: the same experiment, its data all files here.</summary>
    public LocateData LocateData { get; init; } = static (experiment, _, _) => Task.FromResult(experiment);
    /// <summary>A model that turns texts into vectors, shared by all callers of one run; the caller does not dispose it.</summary>
    public OpenEmbeddings OpenEmbeddings { get; init; } = static (model, _) => throw new AgoraException("no embedding models are to be had here", $"model {model.Model ?? model.Path}", "take the filter embeddingDuplicates out of the experiment");
    /// <summary>Models that give the likelihood of a text, in the chat format with a system message.</summary>
    public Func<ModelSpec, string, CancellationToken, Task<ILikelihoodModel>> OpenLikelihood { get; init; } =
        static (model, _, _) => throw new AgoraException("no models that give likelihoods are to be had here", $"model {model.Model ?? model.Path}", "take metrics.perplexity out of the experiment");
    public Func<ModelSpec, CancellationToken, Task<IRewardModel>> OpenReward { get; init; } =
        static (model, _) => throw new AgoraException("no reward models are to be had here", $"model {model.Model ?? model.Path}", "take metrics.reward out of the experiment");
    /// <summary>A sandbox for so many programs at once, which the caller disposes.</summary>
    public Func<int, CancellationToken, Task<CodeSandbox>> StartSandbox { get; init; } = static (parallel, stop) => CodeSandbox.StartAsync(parallel, unsafeNoSandbox: false, stop);
    public Func<BenchmarkSpec, IBenchmark> OpenBenchmark { get; init; } = spec => BenchmarkCatalogue.Open(spec, Environment.CurrentDirectory);
}

/// <exception cref="AgoraException">The model is not there.</exception>
public delegate Task<IEmbeddingGenerator<string, Embedding<float>>> OpenEmbeddings(ModelSpec model, CancellationToken cancellationToken);

/// <param name="mayFetch">False for a dry run: only what is here already.</param>
/// <exception cref="AgoraException">The data cannot be had.</exception>
public delegate Task<Experiment> LocateData(Experiment experiment, bool mayFetch, CancellationToken cancellationToken);
