using System.Collections.Immutable;
using Agora.DataGeneration.Filters;
using Agora.Experiments;
using Agora.SeedData;

namespace Agora.DataGeneration;

/// <summary>One data set to be made: a generator in a setting.</summary>
public sealed record GenerationPlan
{
    public required Setting Setting { get; init; }
    public required GenerationSpec Spec { get; init; }
    public required MetaPrompt MetaPrompt { get; init; }
    public required SeedSet Seeds { get; init; }
    /// <summary>The generator's name in the experiment.</summary>
    public required string Generator { get; init; }
    public Price? Price { get; init; }
    /// <summary>Of the model that scores candidates.</summary>
    public Price? JudgePrice { get; init; }
    /// <summary>The generator's chat template up to where a user's words begin; null where the client knows it.</summary>
    public string? UserTurn { get; init; }
    public required RandomStreams Random { get; init; }
    /// <summary>Places in work at once; the result does not depend on it.</summary>
    public int MaxParallel { get; init; } = 64;
    /// <summary>Counts the tokens of a text in which the special tokens of the Llama-3 chat format are spelled out, without adding any.</summary>
    public required Func<string, int> CountTokens { get; init; }
    /// <summary>A number of tokens that a text cannot have more of, quicker than counting; <see cref="int.MaxValue"/> where it is not known.</summary>
    public Func<string, int> MostTokens { get; init; } = static _ => int.MaxValue;
    /// <summary>The student's system message, which counts against the token limit.</summary>
    public string StudentSystemMessage { get; init; } = new StudentRecipe().SystemMessage;
    /// <summary>What no instance may stand in; null where the experiment does not ask for it.</summary>
    public TestSetIndex? TestSets { get; init; }
    /// <summary>Seeds that stand in a test set; <see cref="Seeds"/> is without them.</summary>
    public ImmutableArray<DroppedSeed> DroppedSeeds { get; init; } = [];
}

/// <summary>How far a data set is; sums over what was asked so far, replayed completions included.</summary>
/// <param name="Dollars">Null where no price is known.</param>
public sealed record GenerationProgress(int Valid, int Wanted, long Completions, long Rejected, long InputTokens, long OutputTokens, decimal? Dollars);

/// <summary>A completion that did not become an instance.</summary>
public sealed record RejectedCompletion
{
    public required int Place { get; init; }
    /// <summary>From 1.</summary>
    public required int Try { get; init; }
    public required RejectReason Reason { get; init; }
    /// <summary>What was seen, e.g. how many tokens.</summary>
    public required string Detail { get; init; }
    public required string Completion { get; init; }
    public required string PromptHash { get; init; }
    public SeedId? Seed { get; init; }
    public required long InputTokens { get; init; }
    public required long OutputTokens { get; init; }
}

/// <summary>A data set that lies in a store: its rows are read as they are enumerated, each time anew.</summary>
public sealed record StoredGeneration
{
    public required int Valid { get; init; }
    /// <summary>Under which round and place each instance is in the store, in the order of <see cref="GenerationOutcome.Instances"/>.</summary>
    public required IEnumerable<(int Round, int Place)> Places { get; init; }
    /// <inheritdoc cref="GenerationOutcome.Rejects"/>
    public required IEnumerable<RejectedCompletion> Rejects { get; init; }
    public required GenerationBill Bill { get; init; }
    /// <inheritdoc cref="GenerationOutcome.Shortfall"/>
    public required string? Shortfall { get; init; }
}

/// <summary>A data set, with all that did not make it.</summary>
public sealed record GenerationOutcome
{
    /// <summary>By place. A place that could not be filled is missing, which only happens where <see cref="Complete"/> is false.</summary>
    public required ImmutableArray<SyntheticInstance> Instances { get; init; }
    /// <summary>By place and try.</summary>
    public required ImmutableArray<RejectedCompletion> Rejects { get; init; }
    public required GenerationBill Bill { get; init; }
    /// <summary>Whether there are exactly as many instances as the experiment asks for.</summary>
    public bool Complete => Shortfall is null;
    /// <summary>Why there are fewer; null where there are not.</summary>
    public required string? Shortfall { get; init; }
}
