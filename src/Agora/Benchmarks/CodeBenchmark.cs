using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using Agora.Experiments;

namespace Agora.Benchmarks;

/// <summary>A programming task: what the model sees, and what its program must pass.</summary>
/// <param name="EntryPoint">The function that the tests call.</param>
/// <param name="Tests">Python that runs after the program and ends normally if it is right; null where <paramref name="Differential"/> are the tests.</param>
/// <param name="Continues">The code that a base model would write on, or null where the prompt is prose.</param>
/// <param name="Solution">A whole program that passes, where the benchmark has one.</param>
/// <param name="Differential">Inputs on which the program must do as the reference does.</param>
internal sealed record CodeTask(BenchmarkItem Item, string EntryPoint, string? Tests, string? Continues, string? Solution, DifferentialTests? Differential = null);

/// <summary>How the programs of a benchmark are found and run.</summary>
internal sealed record CodeGrading
{
    /// <summary>Wall clock of one program on the reference machine, see <see cref="MachinePace"/>; part of the grader's version.</summary>
    public required double SecondsPerProgram { get; init; }
    public required BenchmarkOptions Options { get; init; }
    public BenchmarkAsking Asking { get; init; } = BenchmarkAsking.Chat;
}

/// <summary>Programs that are graded by running them against hidden tests in a <see cref="CodeSandbox"/>.</summary>
internal sealed class CodeBenchmark : IBenchmark
{
    /// <summary>Raised with every change to extraction or running that may alter a grade.</summary>
    private const int Rules = 3;

    private readonly FrozenDictionary<string, CodeTask> tasks;
    /// <summary>Of an item and a program. Students of a small benchmark often write the very same one, which needs no second run.</summary>
    private readonly ConcurrentDictionary<(string ItemId, string Code), SandboxVerdict> verdicts = new();
    private readonly CodeGrading grading;

    public CodeBenchmark(string name, string fileHash, ImmutableArray<CodeTask> tasks, CodeGrading grading)
    {
        Name = name;
        Items = [.. tasks.Select(task => task.Item)];
        var options = grading.Options;
        GraderVersion = string.Create(CultureInfo.InvariantCulture, $"{name}/{Rules}/{fileHash}/{grading.SecondsPerProgram}s")
            + (options.Grader == AnswerGrader.EvalPlus ? "/evalplus/2" : "") + (options.PlusTests ? "/plus" : "") + (options.UnsafeNoSandbox ? "/unsafe-no-sandbox" : "");
        ReferenceAnswers =
        [
            .. from task in tasks
               where task.Solution is not null
               select new BenchmarkAnswer { ItemId = task.Item.Id, Prompt = task.Item.Prompt, Completion = $"```python\n{task.Solution}\n```", Finished = true },
        ];
        this.tasks = tasks.ToFrozenDictionary(task => task.Item.Id, StringComparer.Ordinal);
        this.grading = grading;
    }

    public string Name { get; }
    public Domain Domain => Domain.Code;
    public ImmutableArray<BenchmarkItem> Items { get; }
    public BenchmarkAsking Asking => grading.Asking;
    public string GraderVersion { get; }
    public bool NeedsJudge => false;
    public ImmutableArray<BenchmarkAnswer> ReferenceAnswers { get; }

    /// <exception cref="AgoraException">No sandbox can be had on this machine.</exception>
    public async Task<ImmutableArray<GradedAnswer>> GradeAsync(IReadOnlyList<BenchmarkAnswer> answers, GradingContext context, CancellationToken cancellationToken)
    {
        var asked = answers.Select(answer => TaskOf(answer.ItemId)).ToArray();
        if (answers.Count == 0)
            return [];
        await using var sandbox = await CodeSandbox.StartAsync(Math.Min(context.Parallel, answers.Count), grading.Options.UnsafeNoSandbox, cancellationToken);
        context.Ran?.Invoke(new SandboxFacts(sandbox.Kind, sandbox.PythonVersion, grading.SecondsPerProgram, sandbox.TimeScale));
        var graded = new GradedAnswer[answers.Count];
        var done = 0;
        var tests = new ConcurrentDictionary<string, Lazy<Task<PreparedTests>>>(StringComparer.Ordinal);
        var options = new ParallelOptions { MaxDegreeOfParallelism = context.Parallel, CancellationToken = cancellationToken };
        await Parallel.ForAsync(0, answers.Count, options, async (i, stop) =>
        {
            // Samples of one task share the run of its reference. The whole grading's token: the first to ask may not take the others along.
            var prepared = await tests.GetOrAdd(asked[i].Item.Id, _ => new Lazy<Task<PreparedTests>>(() => PrepareAsync(sandbox, asked[i], cancellationToken))).Value;
            graded[i] = await GradeAsync(sandbox, asked[i], prepared, answers[i], stop);
            context.Progress?.Report((Interlocked.Increment(ref done), answers.Count));
        });
        return ImmutableArray.Create(graded);
    }

    private Task<PreparedTests> PrepareAsync(CodeSandbox sandbox, CodeTask task, CancellationToken cancellationToken) => task.Differential is { } differential
        ? differential.PrepareAsync(sandbox, cancellationToken)
        : Task.FromResult(new PreparedTests(task.Tests, grading.SecondsPerProgram * sandbox.TimeScale, null));

    private async Task<GradedAnswer> GradeAsync(CodeSandbox sandbox, CodeTask task, PreparedTests tests, BenchmarkAnswer answer, CancellationToken cancellationToken)
    {
        var id = task.Item.Id;
        var found = await ProgramAsync(sandbox, task, answer, cancellationToken);
        if (found.Fault is { } reason)
            return new GradedAnswer(id, null, new Grade.Unscored(reason));
        if (found.Code is not { } code)
            return new GradedAnswer(id, null, new Grade.Scored(0), found.Unsearchable is { } why ? UnsearchablePrefix + why : "no program was found");
        if (tests.Text is not { } text)
            return new GradedAnswer(id, code, new Grade.Unscored(tests.Fault ?? "the task has no tests"));
        if (!verdicts.TryGetValue((id, code), out var verdict))
        {
            // EvalPlus allows four gigabytes, and its inputs are larger than the original ones.
            var limits = new SandboxLimits { Seconds = tests.Seconds };
            if (task.Differential is not null)
                limits = limits with { MemoryBytes = 4L << 30 };
            verdict = await sandbox.RunAsync(new SandboxProgram { Code = code, Tests = text, Tested = task.EntryPoint, Limits = limits }, cancellationToken);
            if (verdict.Outcome is SandboxOutcome.Passed or SandboxOutcome.Failed)
                verdicts.TryAdd((id, code), verdict);
        }
        var how = string.Create(CultureInfo.InvariantCulture, $"Python {sandbox.PythonVersion}, at most {tests.Seconds / sandbox.TimeScale:0.#} s{(grading.Options.UnsafeNoSandbox ? ", without a sandbox" : "")}");
        return verdict.Outcome switch
        {
            SandboxOutcome.Passed => new GradedAnswer(id, code, new Grade.Scored(1), $"passed; {how}"),
            SandboxOutcome.Failed => new GradedAnswer(id, code, new Grade.Scored(0), $"failed: {verdict.Detail}; {how}"),
            SandboxOutcome.TimedOut => new GradedAnswer(id, code, new Grade.Scored(0), $"timed out; {how}"),
            _ => new GradedAnswer(id, code, new Grade.Unscored($"the sandbox failed: {verdict.Detail}"), how),
        };
    }

    private async Task<FoundProgram> ProgramAsync(CodeSandbox sandbox, CodeTask task, BenchmarkAnswer answer, CancellationToken cancellationToken)
    {
        switch (answer.Form)
        {
            case AnswerForm.Program:
                return new FoundProgram(answer.Completion, null);
            case AnswerForm.Continuation:
                return new FoundProgram((task.Continues ?? task.Item.Prompt) + answer.Completion, null);
        }
        if (grading.Options.Grader != AnswerGrader.EvalPlus)
            return new FoundProgram(CodeAnswer.Extract(answer.Completion, task.EntryPoint, task.Continues), null);
        var written = Asking.IsContinued ? task.Continues + answer.Completion : answer.Completion;
        return string.IsNullOrWhiteSpace(answer.Completion)
            ? new FoundProgram(null, null)
            : await ProgramExtraction.RunAsync(sandbox, written.Replace("\t", "    ", StringComparison.Ordinal), task.EntryPoint, cancellationToken);
    }

    private const string UnsearchablePrefix = "counted as wrong: ";

    /// <summary>Why an answer was counted as wrong without a search for its program to the end; null where it was not.</summary>
    internal static string? Unsearchable(GradedAnswer graded) =>
        graded.Detail is { } detail && detail.StartsWith(UnsearchablePrefix, StringComparison.Ordinal) ? detail[UnsearchablePrefix.Length..] : null;

    private CodeTask TaskOf(string itemId) =>
        tasks.TryGetValue(itemId, out var task) ? task : throw new InvalidOperationException($"benchmark {Name} has no item \"{itemId}\"");
}

/// <param name="Code">Null where the answer holds none.</param>
/// <param name="Fault">Why it is not known whether there is one: nothing that the answer brought about.</param>
internal readonly record struct FoundProgram(string? Code, string? Fault)
{
    /// <summary>What about the answer kept a program from being looked for to the end.</summary>
    public string? Unsearchable { get; private init; }

    public static FoundProgram None(string unsearchable) => new(null, null) { Unsearchable = unsearchable };
}

/// <summary>Where a benchmark's programs ran.</summary>
/// <param name="Seconds">Wall clock that a program may take on the reference machine; EvalPlus's tests have limits of their own.</param>
/// <param name="TimeScale">What that was multiplied by on this one.</param>
public sealed record SandboxFacts(SandboxKind Sandbox, string Python, double Seconds, double TimeScale);
