using Agora.Experiments;
using Agora.IntrinsicMetrics;
using Agora.LanguageModels;
using Agora.Runs;
using Agora.Students.Inference;
using Microsoft.Extensions.AI;

namespace Agora.Cli;

/// <summary>Opens the models that metrics are measured with; a folder that serves several uses is loaded once.</summary>
internal sealed class MetricModels : IDisposable
{
    private readonly Composition composition = new(jobs: 1);
    private readonly EmbeddedModels embedded = new(Environment.ProcessorCount);
    private readonly HttpClient transport = new() { Timeout = TimeSpan.FromMinutes(10) };
    private readonly List<EngineLease> leases = [];

    public async Task<ILikelihoodModel> LikelihoodAsync(string folder, CancellationToken cancellationToken) =>
        new EmbeddedLikelihoodModel(await EngineAsync(folder, cancellationToken), new StudentRecipe().SystemMessage);

    /// <summary>As <see cref="LikelihoodAsync"/>, for a model that is needed once: the caller lets go of it.</summary>
    public async Task<OpenLikelihood> RentLikelihoodAsync(string folder, string systemMessage, CancellationToken cancellationToken)
    {
        var lease = await embedded.RentAsync(folder, cancellationToken);
        return new OpenLikelihood(new EmbeddedLikelihoodModel(lease.Engine, systemMessage), lease);
    }

    /// <summary>For the identity of models.</summary>
    public ILanguageModels Models => composition.Services.Models;

    public async Task<IRewardModel> RewardAsync(string folder, CancellationToken cancellationToken) => new EmbeddedRewardModel(await EngineAsync(folder, cancellationToken));

    public async Task<IEmbeddingGenerator<string, Embedding<float>>> EmbeddingsAsync(string address, string? name, string? keyVariable, CancellationToken cancellationToken)
    {
        if (!IsEndpoint(address))
            return new EmbeddedEmbeddings(await EngineAsync(address, cancellationToken));
        var key = keyVariable is null ? null : Environment.GetEnvironmentVariable(keyVariable) is { Length: > 0 } value
            ? value
            : throw new AgoraException($"the environment variable {keyVariable} is not set", "--api-key-variable", $"export {keyVariable}=… with the endpoint's key") { ExitCode = ExitCodes.Usage };
        return OpenAIEmbeddings.Open(transport, new Uri(address), name ?? throw NameMissing("--embeddings-model"), key);
    }

    public async Task<RubricJudge> JudgeAsync(string address, string? name, string? keyVariable, JudgeFormat format, CancellationToken cancellationToken)
    {
        var spec = IsEndpoint(address)
            ? new ModelSpec { Provider = ModelSpec.OpenAI, Endpoint = address, Model = name ?? throw NameMissing("--judge-model"), ApiKeyVariable = keyVariable }
            : new ModelSpec { Provider = ModelSpec.Embedded, Path = address };
        return new RubricJudge(await composition.Services.Models.OpenChatAsync(spec, cancellationToken), format, spec.MaxParallel);
    }

    public void Dispose()
    {
        foreach (var lease in leases)
            lease.Dispose();
        embedded.Dispose();
        composition.Dispose();
        transport.Dispose();
    }

    private async Task<InferenceEngine> EngineAsync(string folder, CancellationToken cancellationToken)
    {
        var lease = await embedded.RentAsync(folder, cancellationToken);
        leases.Add(lease);
        return lease.Engine;
    }

    private static bool IsEndpoint(string address) => address.StartsWith("http://", StringComparison.Ordinal) || address.StartsWith("https://", StringComparison.Ordinal);

    private static AgoraException NameMissing(string option) => new("an endpoint needs the model's name there", option, "give the name that the endpoint lists under /models") { ExitCode = ExitCodes.Usage };
}
