using System.Collections.Immutable;

namespace Agora.Runs;

/// <summary>How far a step has come before the run starts.</summary>
public enum StepState
{
    /// <summary>Its result is there.</summary>
    Done,
    /// <summary>It was interrupted; what it finished is kept.</summary>
    Interrupted,
    ToDo,
}

/// <param name="Estimate">Of the whole step; an interrupted one has done a part.</param>
public sealed record PlannedStep(string Name, string Kind, StepKey Key, StepState State, StepEstimate Estimate);

/// <summary>What a run will do, found out without asking any model.</summary>
/// <remarks>Tokens are estimated from the texts at hand with four characters a token, and one try per instance.</remarks>
public sealed record RunPlan
{
    /// <summary>Inputs before the steps that read them; steps whose results nobody will read are not listed.</summary>
    public required ImmutableArray<PlannedStep> Steps { get; init; }

    /// <summary>Of all steps that are not done.</summary>
    public StepEstimate Total => Steps.Where(step => step.State != StepState.Done).Aggregate(StepEstimate.Nothing, (sum, step) => sum + step.Estimate);

    internal static RunPlan Of(StepNeeds needs, StepStore store) => new()
    {
        Steps =
        [
            .. needs.Present.Select(step => Planned(step, StepState.Done)),
            .. needs.ToDo.Select(step => Planned(step, store.HasJournal(step.Key) ? StepState.Interrupted : StepState.ToDo)),
        ],
    };

    private static PlannedStep Planned(RunStep step, StepState state) => new(step.Name, step.Identity.Kind, step.Key, state, step.Estimate());
}
