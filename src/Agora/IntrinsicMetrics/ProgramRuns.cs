using System.Collections.Immutable;
using System.Text.Json;
using System.Text.RegularExpressions;
using Agora.Benchmarks;

namespace Agora.IntrinsicMetrics;

/// <summary>Runs the programs of code instances in the sandbox: whether they come to their end, and whether they pass the tests that the instance itself holds.</summary>
/// <param name="start">Starts a sandbox for so many programs at once.</param>
/// <param name="parallel">Programs at once.</param>
public sealed partial class ProgramRuns(Func<int, CancellationToken, Task<CodeSandbox>> start, int parallel)
{
    private const double Seconds = 3;

    private static readonly Lazy<string> Script = new(() => EmbeddedPython.Read("assertions.py"));

    /// <summary>One outcome per instance, in their order.</summary>
    /// <exception cref="Agora.Experiments.AgoraException">No sandbox can be had on this machine.</exception>
    public async Task<ImmutableArray<ProgramOutcome>> RunAsync(IReadOnlyList<MeasuredInstance> instances, CancellationToken cancellationToken)
    {
        if (instances.Count == 0)
            return [];
        await using var sandbox = await start(Math.Min(parallel, instances.Count), cancellationToken);
        var outcomes = new ProgramOutcome[instances.Count];
        await Parallel.ForAsync(0, instances.Count, new ParallelOptions { MaxDegreeOfParallelism = parallel, CancellationToken = cancellationToken }, async (place, stop) =>
            outcomes[place] = await RunAsync(sandbox, instances[place], stop));
        return [.. outcomes];
    }

    private static async Task<ProgramOutcome> RunAsync(CodeSandbox sandbox, MeasuredInstance instance, CancellationToken cancellationToken)
    {
        if (CodeAnswer.Python(instance.Response) is not { } code)
            return new ProgramOutcome(null, null, "the response holds no Python program");
        var limits = new SandboxLimits { Seconds = Seconds * sandbox.TimeScale };
        var alone = await sandbox.RunAsync(new SandboxProgram { Code = code, Tests = "pass", TestsApart = false, Limits = limits }, cancellationToken);
        if (alone.Outcome == SandboxOutcome.Broken)
            return new ProgramOutcome(null, null, $"the sandbox broke: {alone.Detail}");
        var runs = alone.Outcome == SandboxOutcome.Passed;
        // Those in the response run with it; those in the instruction, as MBPP's tasks have them, behind it.
        var (asked, fault) = await AssertionsAsync(sandbox, instance.Instruction, cancellationToken);
        if (fault is not null)
            return new ProgramOutcome(runs, null, fault);
        if (!runs || asked.Length == 0)
            return new ProgramOutcome(runs, runs ? Assertion().IsMatch(code) ? true : null : asked.Length > 0 || Assertion().IsMatch(code) ? false : null, runs ? null : alone.Detail);
        var tested = await sandbox.RunAsync(new SandboxProgram { Code = code, Tests = string.Join('\n', asked), TestsApart = false, Limits = limits }, cancellationToken);
        return tested.Outcome == SandboxOutcome.Broken
            ? new ProgramOutcome(true, null, $"the sandbox broke: {tested.Detail}")
            : new ProgramOutcome(true, tested.Outcome == SandboxOutcome.Passed, tested.Outcome == SandboxOutcome.Passed ? null : tested.Detail);
    }

    /// <summary>The assert statements in a task's text, each whole, by Python's own parser.</summary>
    private static async Task<(ImmutableArray<string> Found, string? Fault)> AssertionsAsync(CodeSandbox sandbox, string text, CancellationToken cancellationToken)
    {
        if (!Assertion().IsMatch(text))
            return ([], null);
        var files = ImmutableSortedDictionary<string, string>.Empty.Add("text.txt", text);
        var limits = new SandboxLimits { Seconds = Seconds * sandbox.TimeScale, OutputBytes = 4 << 20 };
        var verdict = await sandbox.RunAsync(new SandboxProgram { Code = Script.Value, Tests = "pass", TestsApart = false, Files = files, Limits = limits }, cancellationToken);
        return verdict.Outcome == SandboxOutcome.Passed
            ? ([.. JsonSerializer.Deserialize<string[]>(verdict.Output)!], null)
            : ([], $"the assertions in the instruction were not found: {verdict.Detail}");
    }

    [GeneratedRegex(@"^[ \t]*assert[ (].*$", RegexOptions.Multiline | RegexOptions.NonBacktracking)]
    private static partial Regex Assertion();
}

/// <param name="Runs">Whether the program comes to its end; null where there is none.</param>
/// <param name="PassesOwnTests">Whether it passes the assertions in instruction and response; null where there are none.</param>
/// <param name="Why">What it failed at, or why there is no outcome.</param>
public sealed record ProgramOutcome(bool? Runs, bool? PassesOwnTests, string? Why);
