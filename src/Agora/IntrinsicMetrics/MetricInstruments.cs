using System.Collections.Immutable;
using Agora.LanguageModels;
using Microsoft.Extensions.AI;

namespace Agora.IntrinsicMetrics;

/// <summary>The models that metrics are measured with; a metric whose model is null is not measured.</summary>
public sealed record MetricInstruments
{
    /// <summary>Whether what needs no model is measured.</summary>
    public bool Texts { get; init; } = true;
    /// <summary>The untrained student: perplexity.</summary>
    public ILikelihoodModel? Likelihood { get; init; }
    /// <summary>The reference, for the implicit reward, which needs <see cref="Likelihood"/> too.</summary>
    public ILikelihoodModel? Reference { get; init; }
    public IRewardModel? Reward { get; init; }
    /// <summary>For diversity.</summary>
    public IEmbeddingGenerator<string, Embedding<float>>? Embeddings { get; init; }
    public RubricJudge? Judge { get; init; }
    /// <summary>For math: whether answers are right as far as a solver can tell.</summary>
    public AnswerVerifier? Verifier { get; init; }
    /// <summary>For code: whether programs run.</summary>
    public ProgramRuns? Programs { get; init; }
    /// <summary>Where there are several judges: what stands in the metric's name.</summary>
    public string? JudgeName { get; init; }
}

/// <summary>An instance as metrics see it.</summary>
/// <param name="OutputTokens">Written for it over all tries; 0 where unknown.</param>
/// <param name="Theme">Null where the method has none.</param>
public sealed record MeasuredInstance(string Instruction, string Response, long OutputTokens = 0, decimal? Dollars = null, string? Theme = null);

/// <summary>A data set's profile, and what instances have of it one by one.</summary>
public sealed record MeasuredData(DataSetProfile Profile, ImmutableArray<InstanceValues> Values);

/// <param name="Place">Of the instance in its data set, from 0.</param>
public sealed record InstanceValues(int Place, ImmutableArray<InstanceValue> Values);

/// <param name="Metric">Its name.</param>
/// <param name="Value">Null where the instance has none.</param>
/// <param name="Why">Why it has none, where that is known.</param>
public sealed record InstanceValue(string Metric, double? Value, string? Why = null);
