using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using Agora.Experiments;

namespace Agora.Benchmarks;

/// <summary>A programming task: what the model sees, and what its program must pass.</summary>
/// <param name="EntryPoint">The function that the tests call.</param>
/// <param name="Tests">Python that runs after the program and ends normally if it is right.</param>
/// <param name="Continues">The code that a base model would write on, or null where the prompt is prose.</param>
/// <param name="Solution">A whole program that passes, where the benchmark has one.</param>
internal sealed record CodeTask(BenchmarkItem Item, string EntryPoint, string Tests, string? Continues, string? Solution);

/// <summary>Programs that are graded by running them against hidden tests in a <see cref="CodeSandbox"/>: one answer a task, so the score is pass@1.</summary>
internal sealed class CodeBenchmark : IBenchmark
{
    /// <summary>Raised with every change to extraction or running that may alter a grade.</summary>
    private const int Rules = 1;

    private readonly FrozenDictionary<string, CodeTask> tasks;
    /// <summary>Of an item and a program. Students of a small benchmark often write the very same one, which needs no second run.</summary>
    private readonly ConcurrentDictionary<(string ItemId, string Code), SandboxVerdict> verdicts = new();
    private readonly double secondsPerProgram;
    private readonly bool unsafeNoSandbox;

    /// <param name="secondsPerProgram">Wall clock; part of the grader's version, as slow machines lower the score.</param>
    public CodeBenchmark(string name, string fileHash, ImmutableArray<CodeTask> tasks, double secondsPerProgram, bool unsafeNoSandbox)
    {
        Name = name;
        Items = [.. tasks.Select(task => task.Item)];
        GraderVersion = string.Create(CultureInfo.InvariantCulture, $"{name}/{Rules}/{fileHash}/{secondsPerProgram}s{(unsafeNoSandbox ? "/unsafe-no-sandbox" : "")}");
        ReferenceAnswers =
        [
            .. from task in tasks
               where task.Solution is not null
               select new BenchmarkAnswer { ItemId = task.Item.Id, Prompt = task.Item.Prompt, Completion = $"```python\n{task.Solution}\n```", Finished = true },
        ];
        this.tasks = tasks.ToFrozenDictionary(task => task.Item.Id, StringComparer.Ordinal);
        this.secondsPerProgram = secondsPerProgram;
        this.unsafeNoSandbox = unsafeNoSandbox;
    }

    public string Name { get; }
    public Domain Domain => Domain.Code;
    public ImmutableArray<BenchmarkItem> Items { get; }
    public string GraderVersion { get; }
    public bool NeedsJudge => false;
    public ImmutableArray<BenchmarkAnswer> ReferenceAnswers { get; }

    /// <exception cref="AgoraException">No sandbox can be had on this machine.</exception>
    public async Task<ImmutableArray<GradedAnswer>> GradeAsync(IReadOnlyList<BenchmarkAnswer> answers, GradingContext context, CancellationToken cancellationToken)
    {
        var asked = answers.Select(answer => TaskOf(answer.ItemId)).ToArray();
        if (answers.Count == 0)
            return [];
        await using var sandbox = await CodeSandbox.StartAsync(context.Parallel, unsafeNoSandbox, cancellationToken);
        var graded = new GradedAnswer[answers.Count];
        var done = 0;
        var options = new ParallelOptions { MaxDegreeOfParallelism = context.Parallel, CancellationToken = cancellationToken };
        await Parallel.ForAsync(0, answers.Count, options, async (i, stop) =>
        {
            graded[i] = await GradeAsync(sandbox, asked[i], answers[i].Completion, stop);
            context.Progress?.Report((Interlocked.Increment(ref done), answers.Count));
        });
        return ImmutableArray.Create(graded);
    }

    private async Task<GradedAnswer> GradeAsync(CodeSandbox sandbox, CodeTask task, string completion, CancellationToken cancellationToken)
    {
        var id = task.Item.Id;
        if (CodeAnswer.Extract(completion, task.EntryPoint, task.Continues) is not { } code)
            return new GradedAnswer(id, null, new Grade.Scored(0), "no program was found");
        if (!verdicts.TryGetValue((id, code), out var verdict))
        {
            var program = new SandboxProgram { Code = code, Tests = task.Tests, Limits = new SandboxLimits { Seconds = secondsPerProgram } };
            verdict = await sandbox.RunAsync(program, cancellationToken);
            if (verdict.Outcome is SandboxOutcome.Passed or SandboxOutcome.Failed)
                verdicts.TryAdd((id, code), verdict);
        }
        var how = string.Create(CultureInfo.InvariantCulture, $"Python {sandbox.PythonVersion}, at most {secondsPerProgram} s{(unsafeNoSandbox ? ", without a sandbox" : "")}");
        return verdict.Outcome switch
        {
            SandboxOutcome.Passed => new GradedAnswer(id, code, new Grade.Scored(1), $"passed; {how}"),
            SandboxOutcome.Failed => new GradedAnswer(id, code, new Grade.Scored(0), $"failed: {verdict.Detail}; {how}"),
            SandboxOutcome.TimedOut => new GradedAnswer(id, code, new Grade.Scored(0), $"timed out; {how}"),
            _ => new GradedAnswer(id, code, new Grade.Unscored($"the sandbox failed: {verdict.Detail}"), how),
        };
    }

    private CodeTask TaskOf(string itemId) =>
        tasks.TryGetValue(itemId, out var task) ? task : throw new InvalidOperationException($"benchmark {Name} has no item \"{itemId}\"");
}
