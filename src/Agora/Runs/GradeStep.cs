using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Agora.Benchmarks;
using Agora.Experiments;
using Agora.LanguageModels;
using Agora.LanguageModels.Batches;
using Microsoft.Extensions.AI;

namespace Agora.Runs;

/// <summary>Grades the answers of a model to a benchmark.</summary>
public sealed class GradeStep : RunStep
{
    private readonly RunStep answers;
    private readonly IBenchmark benchmark;
    private readonly ImmutableArray<IdentifiedModel> judges;
    private readonly JudgingSpec judging;
    private readonly RandomStreams random;

    /// <param name="answers">A step that leaves <see cref="StepFiles.Answers"/> and is called "answer ...".</param>
    /// <param name="judges">The experiment's; asked only where the benchmark needs them.</param>
    internal GradeStep(RunStep answers, IBenchmark benchmark, ImmutableArray<IdentifiedModel> judges, JudgingSpec judging, RandomStreams random)
        : base($"grade {answers.Name["answer ".Length..]}{(benchmark.GraderVersion.EndsWith("/plus", StringComparison.Ordinal) ? " with the plus tests" : "")}", Identify(answers, benchmark, Asked(benchmark, judges), judging, random), [answers])
    {
        this.judging = judging;
        this.answers = answers;
        this.benchmark = benchmark;
        this.judges = Asked(benchmark, judges);
        this.random = random;
    }

    /// <summary>What is graded, and over how many items.</summary>
    internal BenchmarkSize Size => new(benchmark.Name, benchmark.Items.Length);

    public override ImmutableArray<ModelSpec> Models => [.. judges.Select(judge => judge.Spec)];

    public override ModelCapabilities Needs =>
        benchmark.Name == "alpaca_eval" && judging.Preference == PreferenceReading.LogProbabilities ? ModelCapabilities.LogProbabilities : ModelCapabilities.None;

    // A judge reads the question and two answers, and says little; some benchmarks show each pair in both orders.
    public override StepEstimate Estimate() => judges.Aggregate(StepEstimate.Nothing, (sum, judge) => sum + StepEstimate.Of(
        judge.Spec, 2L * benchmark.Items.Length, 2 * benchmark.Items.Sum(item => 5 * StepEstimate.Tokens(item.Prompt.Length) + 500), 2L * 100 * benchmark.Items.Length));

    public override async Task RunAsync(StepWorkspace workspace, StepContext context, CancellationToken cancellationToken)
    {
        var clients = ImmutableArray.CreateBuilder<IChatClient>();
        try
        {
            foreach (var judge in judges)
                clients.Add(await workspace.OpenChatAsync(judge.Spec, judge.Identity, context, cancellationToken));
            var given = StepFiles.ReadLines<BenchmarkAnswer>(context.Inputs[answers.Key], StepFiles.Answers);
            var grades = await benchmark.GradeAsync(given, new GradingContext
            {
                Random = random,
                Judges = clients.ToImmutable(),
                JudgeNames = [.. judges.Select(judge => judge.Identity)],
                Judging = judging,
                Judged = summary => workspace.Write(StepFiles.Judging, [StepFiles.Line(summary)]),
                Ran = facts => workspace.Write(StepFiles.Sandbox, [StepFiles.Line(facts)]),
                Keep = workspace.Write,
                Progress = new Relay<(int Done, int Total)>(now => context.Progress.Report(new StepProgress(now.Done, now.Total, Tokens: 0, Dollars: 0))),
                Parallel = judges.IsEmpty ? context.Cores : judges.Max(judge => Waiting.AtOnce(judge.Spec)),
            }, cancellationToken);
            if (!grades.Select(grade => grade.ItemId).SequenceEqual(given.Select(answer => answer.ItemId)))
                throw new InvalidOperationException($"{benchmark.Name} did not grade every answer once, in order");
            workspace.Write(StepFiles.Grades, StepFiles.Lines(grades));
        }
        finally
        {
            foreach (var client in clients)
                client.Dispose();
        }
    }

    private static ImmutableArray<IdentifiedModel> Asked(IBenchmark benchmark, ImmutableArray<IdentifiedModel> judges) => benchmark.NeedsJudge ? judges : [];

    private static StepIdentity Identify(RunStep answers, IBenchmark benchmark, ImmutableArray<IdentifiedModel> judges, JudgingSpec judging, RandomStreams random)
    {
        var parameters = new JsonObject
        {
            ["benchmark"] = benchmark.Name,
            ["judges"] = new JsonArray([.. judges.Select(judge => (JsonNode)judge.Identity)]),
            ["seed"] = random.Seed,
        };
        // Where nobody is asked, how to ask decides nothing.
        if (benchmark.NeedsJudge)
            parameters["judging"] = CanonicalJson.ToNode(judging);
        return new StepIdentity("grade", benchmark.GraderVersion, parameters, [answers.Key])
        { Asked = judges.IsEmpty ? null : string.Join('\n', judges.Select(judge => judge.Identity).Order(StringComparer.Ordinal)) };
    }
}
