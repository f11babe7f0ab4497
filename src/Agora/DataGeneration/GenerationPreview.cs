using System.Collections.Immutable;
using Agora.Experiments;

namespace Agora.DataGeneration;

/// <summary>A look at a setting before anything is spent at scale: one prompt in full, and what came of a few completions.</summary>
public sealed record GenerationPreview
{
    public required string Generator { get; init; }
    public required Setting Setting { get; init; }
    /// <summary>Empty where there is none.</summary>
    public required string SystemMessage { get; init; }
    /// <summary>The first request of place 0; empty where the model writes the user's words.</summary>
    public required string Prompt { get; init; }
    public required ImmutableArray<SyntheticInstance> Kept { get; init; }
    public required ImmutableArray<RejectedCompletion> Rejected { get; init; }
    public required GenerationBill Bill { get; init; }
    public required int DroppedSeeds { get; init; }
    /// <summary>Whether the data set is done and nobody was asked: these are its own first tries, at most as many as its first round has places.</summary>
    public bool OfFinished { get; init; }

    /// <summary>Asks for as many tries as wanted, one a place, all in one round: a top-up would hide how often the generator fails.</summary>
    /// <param name="tries">At least 1.</param>
    /// <inheritdoc cref="DataGenerator.GenerateAsync(GenerationPlan, GenerationModels, IProgress{GenerationProgress}?, CancellationToken)"/>
    public static async Task<GenerationPreview> AskAsync(GenerationPlan plan, int tries, GenerationModels models, CancellationToken cancellationToken)
    {
        plan = plan with { Spec = plan.Spec with { Instances = tries, RoundLength = tries, TriesPerInstance = 1, MaxCompletionsPerInstance = 1 } };
        DataGenerator.RefuseTooFewSeeds(plan, GenerationMethods.For(plan.Setting.Method));
        var first = FirstRequest(plan, place: 0);
        var outcome = await DataGenerator.GenerateAsync(plan, models, null, cancellationToken);
        return new GenerationPreview
        {
            Generator = plan.Generator,
            Setting = plan.Setting,
            SystemMessage = first.AsUser ? "" : first.SystemMessage ?? plan.Spec.SystemMessage,
            Prompt = first.AsUser ? plan.UserTurn ?? "" : first.Prompt,
            Kept = outcome.Instances,
            Rejected = outcome.Rejects,
            Bill = outcome.Bill,
            DroppedSeeds = plan.DroppedSeeds.Length,
        };
    }

    /// <summary>The first request of a place, while no instance was made.</summary>
    internal static MethodRequest FirstRequest(GenerationPlan plan, int place)
    {
        var method = GenerationMethods.For(plan.Setting.Method);
        var draft = method.Ask(new PromptSources
        {
            MetaPrompt = plan.MetaPrompt,
            Spec = plan.Spec,
            Seeds = plan.Seeds,
            Generated = [],
            Seed = method.OneSeedPerPlace ? plan.Seeds.Instances[place] : null,
            Random = plan.Random,
            Place = place,
            Try = 1,
        });
        return draft.Request ?? new MethodRequest("sampling", plan.MetaPrompt.Render(draft.Content));
    }
}
