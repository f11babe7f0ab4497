using System.Collections.Immutable;
using Agora.Nano.Corpora;
using Agora.Students.Checkpoints;
using Agora.Students.Training;

namespace Agora.Nano.Models;

/// <summary>An embedded model: its size and what it is trained on, phase after phase.</summary>
internal sealed record NanoModel
{
    public required string Name { get; init; }
    /// <summary>What it is for and what sets it apart, for the model card.</summary>
    public required string Description { get; init; }
    public required NanoSize Size { get; init; }
    /// <summary>Another embedded model that it goes on from, grown first where its size differs; random weights where null.</summary>
    public string? StartsFrom { get; init; }
    public required ImmutableArray<NanoPhase> Phases { get; init; }
    /// <summary>Null for the student and its reference.</summary>
    public GeneratorCharacter? Character { get; init; }
}

internal sealed record NanoSize(int Hidden, int Layers, int Heads, int FeedForward)
{
    public const int Context = 1024;

    public TransformerConfig ToConfig(int vocabularySize, int beginOfText, int endOfText, int endOfTurn, int padding) => new()
    {
        VocabularySize = vocabularySize,
        HiddenSize = Hidden,
        IntermediateSize = FeedForward,
        Layers = Layers,
        Heads = Heads,
        KeyValueHeads = Heads,
        HeadSize = Hidden / Heads,
        MaxPositions = Context,
        TieEmbeddings = true,
        AttentionWindows = [.. Enumerable.Repeat((int?)null, Layers)],
        BeginOfSequenceId = beginOfText,
        EndOfSequenceIds = [endOfText, endOfTurn],
        PaddingId = padding,
    };
}

internal enum NanoCorpus { Raw, Pairs, Generator }

/// <summary>A stretch of training on one kind of documents.</summary>
/// <param name="Tokens">Fresh documents of this length in all; none is seen twice.</param>
/// <param name="PairShare">Of generator documents: the share that are pairs in the student's format.</param>
internal sealed record NanoPhase(NanoCorpus Corpus, long Tokens, double LearningRate, double PairShare = 0)
{
    public PretrainingRecipe Recipe { get; } = new()
    {
        LearningRate = LearningRate,
        WarmupSteps = 30,
        FinalLearningRateShare = 0.05,
        SequenceLength = NanoSize.Context,
        SequencesPerStep = 4,
        WeightDecay = 0.05,
    };
}
