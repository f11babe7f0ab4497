using System.Collections.Immutable;
using System.ComponentModel.DataAnnotations;

namespace Agora.Experiments;

/// <summary>SFT of the student (table 6 of the paper; the defaults are the paper's).</summary>
public sealed record StudentRecipe
{
    [Range(1, 1000)]
    public int Epochs { get; init; } = 5;
    [Range(0.0, 1.0, MinimumIsExclusive = true, MaximumIsExclusive = true)]
    public double LearningRate { get; init; } = 1e-5;
    /// <summary>How the learning rate moves after warm-up: multiplied by epochDecay after each epoch (the paper's code), constant, or falling to finalLearningRateShare along a straight line or half a cosine.</summary>
    public Schedule Schedule { get; init; }
    /// <summary>schedule epoch_decay: the learning rate is multiplied by this after each epoch.</summary>
    [Range(0.0, 1.0, MinimumIsExclusive = true)]
    public double EpochDecay { get; init; } = 0.85;
    /// <summary>schedule linear and cosine: the share of the learning rate that the last step has.</summary>
    [Range(0.0, 1.0)]
    public double FinalLearningRateShare { get; init; } = 0.1;
    /// <summary>Steps over which the learning rate rises linearly from 0.</summary>
    [Range(0, 1_000_000)]
    public int WarmupSteps { get; init; }
    [Range(0.0, 1.0)]
    public double WeightDecay { get; init; } = 0.01;
    /// <summary>Packed sequences per micro-batch.</summary>
    [Range(1, 65_536)]
    public int BatchSize { get; init; } = 4;
    [Range(1, 65_536)]
    public int GradientAccumulation { get; init; } = 8;
    /// <summary>Tokens per packed sequence, and the longest row that is trained on.</summary>
    [Range(2, 1_000_000)]
    public int MaxLength { get; init; } = 4096;
    public Packing Packing { get; init; } = Packing.Isolated;
    /// <summary>Gradients are scaled down to this L2 norm; 0 turns clipping off.</summary>
    [Range(0.0, 1e6)]
    public double ClipNorm { get; init; }
    public string SystemMessage { get; init; } = "You are a helpful AI assistant.";
    /// <summary>Share of the rows that is held out of training: the loss on them is measured before the first step and after each epoch.</summary>
    [Range(0.0, 0.5)]
    public double EvaluationShare { get; init; }
    /// <summary>Trains low-rank changes of linear layers in the weights' stead, and merges them when the student is saved; all weights are trained where absent.</summary>
    public LoraSpec? Lora { get; init; }
    /// <summary>Type of the weights while they are trained; the optimiser's state is float32 always. Students are stored in their base's type.</summary>
    public Precision Precision { get; init; }
    /// <summary>Keeps only each layer's input from the forward pass and computes the rest again: less memory, about a third more time.</summary>
    public bool ActivationCheckpointing { get; init; }
    /// <summary>Where students are trained: auto takes the first CUDA device where there is one, and the CPU elsewhere.</summary>
    [RegularExpression("auto|cpu|cuda(:[0-9]{1,3})?")]
    public string Device { get; init; } = "auto";
    /// <summary>Seconds between checkpoints of a training that goes on; an interrupted one continues from the last. They change no result.</summary>
    [Range(0.0, 86_400.0)]
    public double CheckpointSeconds { get; init; } = 60;
    /// <summary>Steps between checkpoints, besides those by time; only by time where absent.</summary>
    [Range(1, int.MaxValue)]
    public int? CheckpointSteps { get; init; }
}

/// <summary>LoRA (arXiv:2106.09685): a layer's matrix W becomes W + alpha / rank · B A, and only A and B are trained. No dropout.</summary>
public sealed record LoraSpec
{
    [Range(1, 4096)]
    public int Rank { get; init; } = 16;
    [Range(0.0, 1e6, MinimumIsExclusive = true)]
    public double Alpha { get; init; } = 32;
    /// <summary>Which matrices of each layer are changed.</summary>
    [MinLength(1)]
    public ImmutableArray<LoraTarget> Targets { get; init; } = [LoraTarget.QProj, LoraTarget.KProj, LoraTarget.VProj, LoraTarget.OProj, LoraTarget.GateProj, LoraTarget.UpProj, LoraTarget.DownProj];
}

/// <summary>Linear layers by their names in Hugging Face's files.</summary>
public enum LoraTarget { QProj, KProj, VProj, OProj, GateProj, UpProj, DownProj }

/// <summary><see cref="Bf16"/> (bfloat16): half the memory for weights and gradients; updates are rounded stochastically, so that small ones are not lost.</summary>
public enum Precision { F32, Bf16 }

/// <summary>How the learning rate moves after warm-up.</summary>
public enum Schedule { EpochDecay, Constant, Linear, Cosine }

/// <summary><see cref="Isolated"/>: documents of a packed sequence do not see each other. <see cref="Plain"/>: they do, as in the paper's code.</summary>
public enum Packing { Isolated, Plain }
