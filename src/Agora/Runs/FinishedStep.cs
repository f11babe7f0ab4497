using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Agora.IntrinsicMetrics;

namespace Agora.Runs;

/// <summary>A step of an earlier run whose result is in the store.</summary>
public sealed class FinishedStep : RunStep
{
    internal FinishedStep(string name, StepResult result)
        : base(name, new StepIdentity(result.Manifest.Kind, result.Manifest.Version, result.Manifest.Parameters, [.. result.Manifest.Inputs.Select(input => new StepKey(input))]), [])
    {
    }

    public override StepEstimate Estimate() => StepEstimate.Nothing;

    public override Task RunAsync(StepWorkspace workspace, StepContext context, CancellationToken cancellationToken) =>
        throw new InvalidOperationException($"the result of {Name} was there a moment ago");
}

/// <summary>Takes instances of a file into the store, so that they can be measured like generated ones.</summary>
public sealed class GivenInstancesStep : RunStep
{
    private const string CodeVersion = "1";

    private readonly ImmutableArray<MeasuredInstance> instances;

    /// <param name="fileIdentity">The file's contents and how they are read.</param>
    internal GivenInstancesStep(string file, ImmutableArray<MeasuredInstance> instances, string fileIdentity)
        : base($"read {file}", new StepIdentity("instances", CodeVersion, new JsonObject { ["file"] = fileIdentity }, []), []) => this.instances = instances;

    public override StepEstimate Estimate() => StepEstimate.Nothing;

    public override Task RunAsync(StepWorkspace workspace, StepContext context, CancellationToken cancellationToken)
    {
        workspace.Write(StepFiles.GivenInstances, StepFiles.Lines(instances));
        return Task.CompletedTask;
    }
}
