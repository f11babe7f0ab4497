using Agora.LanguageModels;
using Microsoft.Extensions.AI;

namespace Agora.DataGeneration;

/// <summary>Whom a generation asks.</summary>
public sealed record GenerationModels(IChatClient Generator)
{
    /// <summary>For a method that has its candidates scored.</summary>
    public IChatClient? Judge { get; init; }
    /// <summary>For a method that has its candidates scored by a reward model.</summary>
    public IRewardModel? Reward { get; init; }
    /// <summary>For the filter by embeddings.</summary>
    public IEmbeddingGenerator<string, Embedding<float>>? Embeddings { get; init; }
}
