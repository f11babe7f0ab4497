using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Agora.Benchmarks;
using Agora.Benchmarks.Judged;
using Agora.Experiments;
using Agora.LanguageModels;
using Agora.Recovery;
using Agora.Reports;

namespace Agora.Runs;

/// <summary>What is to be evaluated: a model, or answers that somebody collected, on some benchmarks.</summary>
public sealed record EvaluationRequest
{
    /// <summary>For people: what stands in tables and in the folder's name.</summary>
    public required string Name { get; init; }
    /// <summary>Null where <see cref="GivenSamples"/> are graded.</summary>
    public ModelSpec? Model { get; init; }
    /// <summary>A file of EvalPlus's format or one with <c>id</c> and <c>completion</c>; see <see cref="SampleFile"/>.</summary>
    public string? GivenSamples { get; init; }
    public required ImmutableArray<EvaluatedBenchmark> Benchmarks { get; init; }
    public string SystemMessage { get; init; } = "You are a helpful AI assistant.";
    /// <summary>Answers to each item.</summary>
    public int Samples { get; init; } = 1;
    public long Seed { get; init; } = 42;
    public ImmutableArray<ModelSpec> Judges { get; init; } = [];
    public JudgingSpec Judging { get; init; } = new();
    /// <summary>k of the pass@k that are reported for code.</summary>
    public ImmutableArray<int> PassAt { get; init; } = [1];
    public ConfidenceSpec Confidence { get; init; } = new();
    /// <summary>US dollars that everything may cost, judging included; null: no limit.</summary>
    public decimal? LimitDollars { get; init; }
}

/// <summary>A benchmark as it is to be asked.</summary>
/// <param name="Benchmark">Decides the questions.</param>
/// <param name="Plus">The same questions with EvalPlus's additional tests, for a score of their own; null where there are none.</param>
public sealed record EvaluatedBenchmark(IBenchmark Benchmark, AnsweringSpec Answering, IBenchmark? Plus = null)
{
    /// <summary>As the benchmark was opened, for the reader of the score.</summary>
    public PromptStyle Style { get; init; }
    /// <summary>Exemplars before every item, as the benchmark was opened.</summary>
    public int Shots { get; init; }
}

/// <summary>Scores a model on benchmarks, outside any experiment: the same steps as a run's, in the same store.</summary>
/// <remarks>Resumable and cached as a run is: answers that are there are not asked for again, and another grader asks no model.</remarks>
public sealed class Evaluation(PipelineServices services, RunArchive archive)
{
    /// <summary>What an evaluation would do. Asks no model, writes nothing.</summary>
    public async Task<RunPlan> PlanAsync(EvaluationRequest request, CancellationToken cancellationToken)
    {
        request = Priced(request);
        var steps = (await StepsAsync(request, cancellationToken)).SelectMany(step => step.Steps).ToArray();
        return await RunPlan.OfAsync(StepNeeds.Of(steps, archive.Store, thoroughly: false), archive.Store, new RunBills(steps, archive.Store, services.Models), cancellationToken);
    }

    /// <param name="jobs">Steps at once.</param>
    /// <exception cref="AgoraException">It cannot be started. What goes wrong in a step is in the outcome instead.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the same call again goes on from there.</exception>
    public async Task<EvaluationOutcome> RunAsync(EvaluationRequest request, int jobs, IRunObserver observer, CancellationToken cancellationToken)
    {
        request = Priced(request);
        var steps = await StepsAsync(request, cancellationToken);
        var keys = steps.SelectMany(step => step.Steps).Select(step => step.Key.Value).Distinct().ToImmutableArray();
        var folder = await archive.BeginEvaluationAsync(IdOf(request, keys), keys, cancellationToken);
        var all = steps.SelectMany(step => step.Steps).DistinctBy(step => step.Key).ToArray();
        var bills = new RunBills(all, archive.Store, services.Models);
        using var alone = request.LimitDollars is null ? null : folder.HoldBudget();
        await bills.BeginAsync(services.Budget, request.LimitDollars, "--budget", "give --price or --judge-price, in dollars per million tokens", cancellationToken);
        var executor = new LocalExecutor(archive.Store, services.Models, services.Trainer, bills, jobs, observer);
        var execution = await executor.RunAsync(all, cancellationToken);

        var isItself = await AreItselfAsync(request, cancellationToken);
        var scores = ImmutableArray.CreateBuilder<EvaluationScore>();
        foreach (var step in steps)
        {
            if (!execution.Results.TryGetValue(step.Answer.Key, out var answered) || !execution.Results.TryGetValue(step.Grade.Key, out var graded))
                continue;
            var answers = StepFiles.ReadLines<BenchmarkAnswer>(answered, StepFiles.Answers);
            var grades = StepFiles.ReadLines<GradedAnswer>(graded, StepFiles.Grades);
            var judging = Kept<JudgingSummary>(graded, StepFiles.Judging) is { } summary ? new JudgedAnswers(request.Name, summary.Naming([.. request.Judges.Select(NameOf)])) : null;
            scores.Add(Score(step, answers, grades, request) with
            {
                Judging = judging is null ? null : Entry(judging, isItself),
                Sandbox = Kept<SandboxFacts>(graded, StepFiles.Sandbox),
            });
            folder.WriteSamples(step.Title, answers, grades, step.Benchmark.Domain == Domain.Code);
            if (judging is not null)
                folder.WriteJudgments(step.Benchmark, request.Name, answers, graded);
        }
        var record = new EvaluationRecord
        {
            Name = request.Name,
            Model = request.Model,
            GivenSamples = request.GivenSamples,
            SystemMessage = request.SystemMessage,
            Samples = request.Samples,
            Seed = request.Seed,
            ConfidenceLevel = request.Confidence.Level,
            Scores = scores.ToImmutable(),
            Failures = [.. execution.Failures.Select(failure => new MissingResult(failure.Step.Name, failure.Fault.Message))],
        };
        folder.Keep(record);
        return new EvaluationOutcome(folder, record, execution.Failures, await bills.ReadAsync(cancellationToken));
    }

    /// <summary>Of each judge, whether it is the model whose answers are judged.</summary>
    private async Task<ImmutableArray<bool>> AreItselfAsync(EvaluationRequest request, CancellationToken cancellationToken)
    {
        var model = request.Model is null ? null : await services.Models.IdentifyAsync(request.Model, cancellationToken);
        var are = ImmutableArray.CreateBuilder<bool>();
        foreach (var judge in request.Judges)
            are.Add(model is not null && await services.Models.IdentifyAsync(judge, cancellationToken) == model);
        return are.ToImmutable();
    }

    private static JudgingEntry Entry(JudgedAnswers judged, ImmutableArray<bool> isItself)
    {
        var entry = JudgingEntry.Of(judged);
        var others = entry.Judges.Where((_, place) => !isItself[place]).Select(judge => judge.Score).Average();
        return entry with
        {
            Warnings =
            [
                .. entry.Warnings,
                .. from judge in entry.Judges.Where((_, place) => isItself[place])
                   select judge.Score - others is { } gain
                       ? string.Create(CultureInfo.InvariantCulture, $"{judge.Judge} judges its own answers, and gives them {gain:+0.0;-0.0;0.0} points against the other judges")
                       : $"{judge.Judge} judges its own answers: another judge beside it would show whether it favours them",
            ],
        };
    }

    private static EvaluationRequest Priced(EvaluationRequest request) =>
        request with { Model = request.Model is { } model ? PriceTable.Shipped.Complete(model) : null, Judges = [.. request.Judges.Select(PriceTable.Shipped.Complete)] };

    private async Task<ImmutableArray<BenchmarkSteps>> StepsAsync(EvaluationRequest request, CancellationToken cancellationToken)
    {
        var random = new RandomStreams(request.Seed);
        var judges = ImmutableArray.CreateBuilder<IdentifiedModel>();
        foreach (var judge in request.Judges)
            judges.Add(new IdentifiedModel(NameOf(judge), judge, await services.Models.IdentifyAsync(judge, cancellationToken)));
        var steps = ImmutableArray.CreateBuilder<BenchmarkSteps>();
        foreach (var evaluated in request.Benchmarks)
        {
            var benchmark = evaluated.Benchmark;
            if (benchmark.NeedsJudge && judges.Count == 0)
                throw new AgoraException($"{benchmark.Name} is scored by a judge, and none is named", "--judge", "add --judge MODEL_DIR, or --judge http://host/v1 --judge-model NAME") { ExitCode = 2 };
            RunStep answer;
            if (request.Model is { } model)
            {
                var identified = new IdentifiedModel(request.Name, model, await services.Models.IdentifyAsync(model, cancellationToken));
                answer = new AnswerStep(AnsweringModel.Of(identified), benchmark, evaluated.Answering, request.SystemMessage, random, request.Samples);
            }
            else
            {
                var file = request.GivenSamples ?? throw new InvalidOperationException("neither a model nor samples");
                var given = SampleFile.Read(file, benchmark);
                if (benchmark.Domain == Domain.Code && given.CountBy(sample => sample.ItemId).FirstOrDefault(item => item.Value < request.PassAt.Max()) is { Key: { } scarce } few)
                    throw new AgoraException($"pass@{request.PassAt.Max()} needs as many samples of each item, and {scarce} has {few.Value}", file, "add samples, or give a smaller k to --pass-at") { ExitCode = 2 };
                answer = new GivenAnswersStep(given, benchmark);
            }
            steps.Add(new BenchmarkSteps(benchmark.Name, benchmark, evaluated, answer, new GradeStep(answer, benchmark, judges.ToImmutable(), request.Judging, random)));
            if (evaluated.Plus is { } plus)
                steps.Add(new BenchmarkSteps($"{benchmark.Name}_plus", plus, evaluated, answer, new GradeStep(answer, plus, judges.ToImmutable(), request.Judging, random)));
        }
        StepDemands.Check(steps.SelectMany(step => step.Steps));
        return steps.ToImmutable();
    }

    private static EvaluationScore Score(BenchmarkSteps step, ImmutableArray<BenchmarkAnswer> answers, ImmutableArray<GradedAnswer> grades, EvaluationRequest request) => new()
    {
        Benchmark = step.Title,
        Grader = step.Benchmark.GraderVersion,
        Answering = request.Model is null ? null : step.Evaluated.Answering,
        PromptStyle = request.Model is null ? null : BenchmarkOptions.Name(step.Evaluated.Style),
        FewShot = request.Model is null ? null : step.Evaluated.Shots,
        Answers = answers.Length,
        CutOff = answers.Count(answer => !answer.Finished),
        Empty = answers.Count(answer => string.IsNullOrWhiteSpace(answer.Completion)),
        Items = step.Benchmark.Items.Length,
        Estimate = ClusteredScore.Of(grades, request.Confidence.Level),
        PassAt = step.Benchmark.Domain == Domain.Code
            ?
            [
                .. from k in request.PassAt
                   where k > 1
                   let estimate = PassAtKEstimate.Of(grades, k, request.Confidence.Level)
                   select new PassAtKScore(k, estimate),
            ]
            : [],
        Unscored = Counted(grades.Select(grade => (grade.Grade as Grade.Unscored)?.Reason)),
        Unsearchable = Counted(grades.Select(CodeBenchmark.Unsearchable)),
    };

    private static ImmutableArray<UnscoredCount> Counted(IEnumerable<string?> reasons) =>
    [
        .. reasons.OfType<string>().GroupBy(reason => reason)
            .OrderByDescending(group => group.Count()).ThenBy(group => group.Key, StringComparer.Ordinal).Select(group => new UnscoredCount(group.Key, group.Count())),
    ];

    private static string NameOf(ModelSpec judge) => judge.Model ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(judge.Path ?? "judge")));

    private static T? Kept<T>(StepResult step, string file) where T : class => File.Exists(step.PathOf(file)) ? StepFiles.Read<T>(step, file) : null;

    private static string IdOf(EvaluationRequest request, ImmutableArray<string> keys)
    {
        var asked = new JsonObject
        {
            ["steps"] = new JsonArray([.. keys.Select(key => (JsonNode)key)]),
            ["confidence"] = CanonicalJson.ToNode(request.Confidence),
            ["passAt"] = CanonicalJson.ToNode(request.PassAt),
        };
        var name = string.Concat(request.Name.Select(letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '-' or '_' ? letter : '_'));
        return $"{name[..Math.Min(name.Length, 80)]}-{Convert.ToHexStringLower(SHA256.HashData(CanonicalJson.Write(asked)))[..8]}";
    }

    private sealed record BenchmarkSteps(string Title, IBenchmark Benchmark, EvaluatedBenchmark Evaluated, RunStep Answer, GradeStep Grade)
    {
        public IEnumerable<RunStep> Steps => [Answer, Grade];
    }
}

/// <param name="Failures">Steps that failed; their benchmarks have no score.</param>
/// <param name="Bill">Of everything that the steps asked for, in this process and before.</param>
public sealed record EvaluationOutcome(EvaluationFolder Folder, EvaluationRecord Record, ImmutableArray<StepFailure> Failures, RunBill Bill)
{
    /// <summary>0 done · 1 a step failed · 3 done, but some answers could not be graded, or the budget was used up.</summary>
    public int ExitCode => Failures.Any(failure => !failure.IsBudget) ? 1 : !Failures.IsEmpty || Record.Scores.Any(score => !score.Unscored.IsEmpty) ? 3 : 0;
}
