using System.Collections.Immutable;
using Agora.Experiments;
using Agora.LanguageModels;
using Agora.Training;

namespace Agora.Runs;

/// <summary>A node of a run's graph: what is to be done, and the key under which its result stands.</summary>
public abstract class RunStep
{
    /// <param name="name">For people, and unique in its run: <c>train nano on gen-a math/response_generation seed 42</c>.</param>
    protected RunStep(string name, StepIdentity identity, ImmutableArray<RunStep> inputs)
    {
        if (!identity.Inputs.SequenceEqual(inputs.Select(input => input.Key)))
            throw new ArgumentException($"the identity of {name} does not name its inputs", nameof(identity));
        Name = name;
        Identity = identity;
        Inputs = inputs;
    }

    public string Name { get; }
    public StepIdentity Identity { get; }
    public StepKey Key => Identity.Key;
    /// <summary>Steps whose results this one reads.</summary>
    public ImmutableArray<RunStep> Inputs { get; }
    /// <summary>The models that the step asks; their memory is let go of once no step of the run will ask them.</summary>
    public virtual ImmutableArray<ModelSpec> Models => [];

    /// <summary>All who may charge for what the step asks: those and whoever makes its embeddings.</summary>
    public virtual ImmutableArray<ModelSpec> Charged => Models;

    /// <summary>What the <see cref="Models"/> must be able to do.</summary>
    public virtual ModelCapabilities Needs => ModelCapabilities.None;

    /// <summary>What one of them must be able to do.</summary>
    public virtual ModelCapabilities NeedsOf(ModelSpec model) => Needs;

    /// <summary>What the step will ask for, as far as it can be known before.</summary>
    public abstract StepEstimate Estimate();

    /// <summary>Fills the workspace's folder. Called again from the start after an interruption, with the journal of what was finished.</summary>
    public abstract Task RunAsync(StepWorkspace workspace, StepContext context, CancellationToken cancellationToken);

    public override string ToString() => Name;
}

/// <summary>What a step works with besides its own parameters.</summary>
public sealed record StepContext
{
    public required ILanguageModels Models { get; init; }
    public required IStudentTrainer Trainer { get; init; }
    /// <summary>Whole results of the step's inputs.</summary>
    public required IReadOnlyDictionary<StepKey, StepResult> Inputs { get; init; }
    /// <summary>May be told from any thread.</summary>
    public required IProgress<StepProgress> Progress { get; init; }
    /// <summary>Told what the user might wonder about; from any thread.</summary>
    public required Action<string> Notice { get; init; }
    /// <summary>Processor cores that the step may keep busy.</summary>
    public required int Cores { get; init; }
}

/// <param name="Done">Instances, optimiser steps, answers or grades.</param>
/// <param name="Tokens">Of all requests so far, replayed ones included.</param>
/// <param name="Dollars">Null where no price is known.</param>
public readonly record struct StepProgress(int Done, int Total, long Tokens, decimal? Dollars);

/// <summary>Requests and tokens that a step will need.</summary>
/// <param name="Dollars">Null where a request has no known price.</param>
public readonly record struct StepEstimate(long Requests, long InputTokens, long OutputTokens, decimal? Dollars)
{
    /// <summary>A step that asks no model.</summary>
    public static StepEstimate Nothing { get; } = new(0, 0, 0, 0);

    public static StepEstimate Of(ModelSpec model, long requests, long inputTokens, long outputTokens) => new(requests, inputTokens, outputTokens,
        model.Price?.Of(inputTokens, cachedInputTokens: 0, outputTokens) * (GoesInBatches(model, requests) ? model.Price?.Batch ?? 1 : 1));

    /// <summary>Whether so many requests of a step go through the provider's batch API.</summary>
    public static bool GoesInBatches(ModelSpec model, long requests) => ProviderCapabilities.Of(model).HasFlag(ModelCapabilities.Batch)
        && (model.Mode == RequestMode.Batch || (model.Mode == RequestMode.Auto && requests >= (model.Batch ?? new BatchSpec()).Fewest));

    public static StepEstimate operator +(StepEstimate left, StepEstimate right) => new(
        left.Requests + right.Requests, left.InputTokens + right.InputTokens, left.OutputTokens + right.OutputTokens, left.Dollars + right.Dollars);

    /// <summary>Tokens of a text before a tokenizer has seen it: four characters each, as in English prose.</summary>
    public static long Tokens(long characters) => (characters + 3) / 4;
}
