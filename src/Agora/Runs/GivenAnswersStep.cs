using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Agora.Benchmarks;

namespace Agora.Runs;

/// <summary>Takes answers that were collected elsewhere in the place of a model's.</summary>
public sealed class GivenAnswersStep : RunStep
{
    private const string CodeVersion = "1";

    private readonly ImmutableArray<BenchmarkAnswer> answers;

    internal GivenAnswersStep(ImmutableArray<BenchmarkAnswer> answers, IBenchmark benchmark)
        : base($"answer {benchmark.Name} by a file", Identify(answers, benchmark), []) => this.answers = answers;

    public override StepEstimate Estimate() => StepEstimate.Nothing;

    public override Task RunAsync(StepWorkspace workspace, StepContext context, CancellationToken cancellationToken)
    {
        workspace.Write(StepFiles.Answers, StepFiles.Lines(answers));
        return Task.CompletedTask;
    }

    private static StepIdentity Identify(ImmutableArray<BenchmarkAnswer> answers, IBenchmark benchmark) => new("answers", CodeVersion, new JsonObject
    {
        ["benchmark"] = benchmark.Name,
        ["given"] = Convert.ToHexStringLower(SHA256.HashData(CanonicalJson.Write(new JsonArray([.. answers.Select(answer => CanonicalJson.ToNode(answer))])))),
    }, []);
}
