using Agora.Experiments;
using Agora.LanguageModels;
using Agora.Runs;
using Agora.Students.Inference;
using Microsoft.Extensions.AI;

namespace Agora.Cli;

/// <summary>Opens the model folders that predictions are made with; a folder that serves several uses is loaded once.</summary>
internal sealed class MetricModels : IDisposable
{
    private readonly Composition composition = new(jobs: 1);
    private readonly EmbeddedModels embedded = new(Environment.ProcessorCount);
    private readonly List<EngineLease> leases = [];

    /// <summary>For the identity of models.</summary>
    public ILanguageModels Models => composition.Services.Models;

    public async Task<ILikelihoodModel> LikelihoodAsync(string folder, CancellationToken cancellationToken) =>
        new EmbeddedLikelihoodModel(await EngineAsync(folder, cancellationToken), new StudentRecipe().SystemMessage);

    /// <summary>As <see cref="LikelihoodAsync"/>, for a model that is needed once: the caller lets go of it.</summary>
    public async Task<OpenLikelihood> RentLikelihoodAsync(string folder, string systemMessage, CancellationToken cancellationToken)
    {
        var lease = await embedded.RentAsync(folder, cancellationToken);
        return new OpenLikelihood(new EmbeddedLikelihoodModel(lease.Engine, systemMessage), lease);
    }

    public async Task<IEmbeddingGenerator<string, Embedding<float>>> EmbeddingsAsync(string folder, CancellationToken cancellationToken) =>
        new EmbeddedEmbeddings(await EngineAsync(folder, cancellationToken));

    public void Dispose()
    {
        foreach (var lease in leases)
            lease.Dispose();
        embedded.Dispose();
        composition.Dispose();
    }

    private async Task<InferenceEngine> EngineAsync(string folder, CancellationToken cancellationToken)
    {
        var lease = await embedded.RentAsync(folder, cancellationToken);
        leases.Add(lease);
        return lease.Engine;
    }
}
