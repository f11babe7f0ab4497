using System.Collections.Immutable;
using System.ComponentModel.DataAnnotations;

namespace Agora.Experiments;

/// <summary>Which intrinsic metrics of generated data are measured, and by whom. Those of the texts themselves always are.</summary>
public sealed record MetricsSpec
{
    /// <summary>Name of the model whose perplexity responses have: an embedded one, usually the untrained student. Not measured where absent.</summary>
    public string? Perplexity { get; init; }
    /// <summary>Name of an embedded reward model, such as Skywork-Reward-Llama-3.1-8B.</summary>
    public string? Reward { get; init; }
    /// <summary>Name of the model that makes embeddings for diversity.</summary>
    public string? Embeddings { get; init; }
    /// <summary>Names of models that score difficulty and quality by rubrics.</summary>
    public ImmutableArray<string> Judges { get; init; } = [];
    /// <summary>How judges are asked.</summary>
    public JudgeAsking JudgeFormat { get; init; } = JudgeAsking.Chat;
    /// <summary>At most this many instances of each data set, drawn at random; all where absent.</summary>
    [Range(2, int.MaxValue)]
    public int? Sample { get; init; }
    /// <summary>Also the share of instances that hold items of the experiment's benchmarks of their domain.</summary>
    public bool Contamination { get; init; } = true;
}

/// <summary><see cref="Chat"/>: in words that any chat model understands. <see cref="Prometheus"/>: Prometheus 2's own absolute grading.</summary>
public enum JudgeAsking { Chat, Prometheus }
