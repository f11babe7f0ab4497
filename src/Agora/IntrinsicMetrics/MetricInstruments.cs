using Agora.LanguageModels;
using Microsoft.Extensions.AI;

namespace Agora.IntrinsicMetrics;

/// <summary>The models that metrics are measured with; a metric whose model is null is not measured.</summary>
public sealed record MetricInstruments
{
    /// <summary>The untrained student: perplexity.</summary>
    public ILikelihoodModel? Likelihood { get; init; }
    /// <summary>The reference, for the implicit reward, which needs <see cref="Likelihood"/> too.</summary>
    public ILikelihoodModel? Reference { get; init; }
    public IRewardModel? Reward { get; init; }
    /// <summary>For diversity.</summary>
    public IEmbeddingGenerator<string, Embedding<float>>? Embeddings { get; init; }
    public RubricJudge? Judge { get; init; }
}

/// <summary>An instance as metrics see it.</summary>
/// <param name="OutputTokens">Written for it over all tries; 0 where unknown.</param>
/// <param name="Theme">Null where the method has none.</param>
public sealed record MeasuredInstance(string Instruction, string Response, long OutputTokens = 0, decimal? Dollars = null, string? Theme = null);
