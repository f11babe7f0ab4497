using System.Collections.Immutable;
using System.ComponentModel.DataAnnotations;

namespace Agora.Experiments;

/// <summary>Which intrinsic metrics of generated data are measured, and by whom. Those of the texts themselves always are.</summary>
public sealed record MetricsSpec
{
    /// <summary>Name of the model whose perplexity responses have, usually the untrained student: an embedded one, or one at an OpenAI-compatible endpoint that gives log-probabilities of prompts. Not measured where absent.</summary>
    public string? Perplexity { get; init; }
    /// <summary>With perplexity: name of the trained model, usually the reference, for the implicit reward: how much likelier it finds a response than the model of perplexity does.</summary>
    public string? Reference { get; init; }
    /// <summary>Name of an embedded reward model, such as Skywork-Reward-Llama-3.1-8B.</summary>
    public string? Reward { get; init; }
    /// <summary>Name of the model that makes embeddings for diversity.</summary>
    public string? Embeddings { get; init; }
    /// <summary>Names of models that score difficulty and quality by rubrics.</summary>
    public ImmutableArray<string> Judges { get; init; } = [];
    /// <summary>How judges are asked.</summary>
    public JudgeAsking JudgeFormat { get; init; } = JudgeAsking.Chat;
    /// <summary>Derives the answers of math instances anew; not done where absent.</summary>
    public VerificationSpec? Verification { get; init; }
    /// <summary>Also runs the programs of code instances in the sandbox.</summary>
    public bool RunCode { get; init; }
    /// <summary>At most this many instances of each data set, drawn at random; all where absent.</summary>
    [Range(2, int.MaxValue)]
    public int? Sample { get; init; }
    /// <summary>Also the share of instances that hold items of the experiment's benchmarks of their domain.</summary>
    public bool Contamination { get; init; } = true;
}

/// <summary>How the answers of math instances are derived anew: what more than half of a solver's solutions arrive at is held against the instance's answer (arXiv:2203.11171).</summary>
public sealed record VerificationSpec
{
    /// <summary>Name of the model that solves.</summary>
    public required string Solver { get; init; }
    /// <summary>Solutions for each instance.</summary>
    [Range(1, 100)]
    public int Samples { get; init; } = 5;
    [Range(0.0, 2.0)]
    public double Temperature { get; init; } = 0.7;
}

/// <summary><see cref="Chat"/>: in words that any chat model understands. <see cref="Prometheus"/>: Prometheus 2's own absolute grading.</summary>
public enum JudgeAsking { Chat, Prometheus }
