using System.Collections.Immutable;

namespace Agora.Runs;

/// <summary>Which steps must be done so that the wanted results are there, and which results on the way are there already.</summary>
public sealed record StepNeeds
{
    /// <summary>Inputs before the steps that read them.</summary>
    public required ImmutableArray<RunStep> ToDo { get; init; }
    /// <summary>Wanted or needed, and whole.</summary>
    public required ImmutableArray<RunStep> Present { get; init; }
    public required ImmutableDictionary<StepKey, StepManifest> Manifests { get; init; }

    /// <param name="thoroughly">Whether present results are hashed, or only looked at.</param>
    public static StepNeeds Of(IEnumerable<RunStep> wanted, StepStore store, bool thoroughly)
    {
        var toDo = ImmutableArray.CreateBuilder<RunStep>();
        var present = ImmutableArray.CreateBuilder<RunStep>();
        var manifests = ImmutableDictionary.CreateBuilder<StepKey, StepManifest>();
        var seen = new HashSet<StepKey>();
        foreach (var step in wanted)
            Visit(step);
        return new StepNeeds { ToDo = toDo.ToImmutable(), Present = present.ToImmutable(), Manifests = manifests.ToImmutable() };

        void Visit(RunStep step)
        {
            if (!seen.Add(step.Key))
                return;
            if (store.Find(step.Key, thoroughly) is StepFinding.Whole(var result))
            {
                present.Add(step);
                manifests.Add(step.Key, result.Manifest);
                return;
            }
            foreach (var input in step.Inputs)
                Visit(input);
            toDo.Add(step);
        }
    }
}
