using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Agora.Experiments;

namespace Agora.Benchmarks;

/// <summary>Runs untrusted Python programs and says whether they pass their tests.</summary>
/// <remarks>
/// Each program is alone in its PID, mount and IPC namespaces, has no network, no capability, a read-only system without anyone's files, an empty
/// working folder in memory, a cleared environment and limits on time, memory, processes, output and disk. When its verdict is known,
/// everything it started is killed by the kernel and its working folder is thrown away. Programs share no state: each is forked from a warm interpreter that runs nothing else.
/// </remarks>
public sealed class CodeSandbox : IAsyncDisposable
{
    private const string HowToGetOne =
        "install bubblewrap (apt install bubblewrap), or allow user namespaces (sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000, " +
        "and on Ubuntu kernel.apparmor_restrict_unprivileged_userns=0), or in a container add --cap-add SYS_ADMIN --security-opt seccomp=unconfined; " +
        "--unsafe-no-sandbox runs the programs unprotected and writes that into the result";
    private const int LongestSource = 1 << 20;

    private static volatile MeasuredPace? pace;
    /// <summary>Interpreters and sandboxes that have run a program as they should, in this process: not asked again at the start of every grading.</summary>
    private static readonly ConcurrentDictionary<(string Python, SandboxKind Kind), bool> proven = new();

    private readonly SandboxPython python;
    private readonly TimeSpan patience;
    private readonly ConcurrentBag<SandboxWorker> idle;
    /// <summary>Places of workers that broke.</summary>
    private readonly ConcurrentBag<int> vacant = [];
    private readonly int parallel;
    /// <summary>One for each program that may run; whoever holds one takes an idle worker or starts another, so that a worker which broke leaves nobody waiting for it.</summary>
    private readonly SemaphoreSlim turns;

    private CodeSandbox(SandboxPython python, SandboxKind kind, SandboxWorker[] workers, double timeScale, TimeSpan patience)
    {
        this.python = python;
        this.patience = patience;
        Kind = kind;
        TimeScale = timeScale;
        PythonVersion = workers[0].Ready.Python;
        idle = [.. workers];
        parallel = workers.Length;
        turns = new SemaphoreSlim(workers.Length);
    }

    public SandboxKind Kind { get; }

    /// <summary>Of the interpreter that programs run on, such as 3.11.2.</summary>
    public string PythonVersion { get; }

    /// <summary>What a benchmark's time limits are to be multiplied by on this machine, 1 to 3; measured once per process.</summary>
    public double TimeScale { get; }

    /// <summary>Tries what a benchmark would do, and says what came of it; never throws for want of a sandbox.</summary>
    public static async Task<SandboxStatus> ProbeAsync(CancellationToken cancellationToken)
    {
        var (status, _, workers) = await BeginAsync([SandboxKind.Namespaces, SandboxKind.Bubblewrap], 1, SandboxWorker.Patience, cancellationToken);
        foreach (var worker in workers)
            await worker.DisposeAsync();
        return status;
    }

    /// <param name="parallel">Programs at once.</param>
    /// <param name="unsafeNoSandbox">Run programs with resource limits alone, whether or not a sandbox can be had.</param>
    /// <exception cref="AgoraException">There is no sandbox here, and running without one was not asked for.</exception>
    public static Task<CodeSandbox> StartAsync(int parallel, bool unsafeNoSandbox, CancellationToken cancellationToken) =>
        StartAsync(parallel, unsafeNoSandbox, SandboxWorker.Patience, cancellationToken);

    /// <param name="patience">How long a worker may be silent beyond a program's own limit before it is given up.</param>
    internal static async Task<CodeSandbox> StartAsync(int parallel, bool unsafeNoSandbox, TimeSpan patience, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(parallel);
        var (status, python, workers) = await BeginAsync(
            unsafeNoSandbox ? [SandboxKind.Unsafe] : [SandboxKind.Namespaces, SandboxKind.Bubblewrap], parallel, patience, cancellationToken);
        if (status.Kind is not { } kind || python is null)
            throw new AgoraException($"model-written code cannot be run safely here: {status.Detail}", "the code sandbox", status.Fix ?? "run \"agora doctor\"");
        try
        {
            if (pace is not { } measured || measured.Python != python.Path)
                pace = measured = new MeasuredPace(python.Path, await MachinePace.MeasureAsync(workers, cancellationToken));
            return new CodeSandbox(python, kind, workers, measured.Scale, patience);
        }
        catch (Exception fault)
        {
            foreach (var worker in workers)
                await worker.DisposeAsync();
            if (fault is IOException)
                throw new AgoraException($"the code sandbox broke while it measured the machine: {fault.Message}", "the code sandbox", "give the same command again; run \"agora doctor\" if it happens again", fault);
            throw;
        }
    }

    /// <summary>This many workers, of the first of these kinds that runs a program as it should; none where no kind does.</summary>
    private static async Task<(SandboxStatus Status, SandboxPython? Python, SandboxWorker[] Workers)> BeginAsync(SandboxKind[] kinds, int count, TimeSpan patience, CancellationToken cancellationToken)
    {
        if (!OperatingSystem.IsLinux())
            return (new SandboxStatus(null, null, "code benchmarks run on Linux only", "use a Linux machine, virtual machine or container"), null, []);
        if (await SandboxPython.FindAsync(cancellationToken) is not { } python)
            return (new SandboxStatus(null, null, "no python3 of version 3.8 or later was found in PATH", "install python3 (apt install python3)"), null, []);
        var refusals = new List<string>();
        foreach (var kind in kinds)
        {
            var starts = Enumerable.Range(0, count).Select(place => SandboxWorker.StartAsync(python, kind, place, count, patience, cancellationToken)).ToArray();
            var passed = false;
            try
            {
                var workers = await Task.WhenAll(starts);
                if (!proven.ContainsKey((python.Path, kind)))
                {
                    var verdict = await workers[0].RunAsync(new SandboxProgram { Code = "x = 1", Tests = "assert x == 1" }, cancellationToken);
                    if (verdict.Outcome != "passed")
                    {
                        refusals.Add($"{kind}: {verdict.Detail}");
                        continue;
                    }
                    proven.TryAdd((python.Path, kind), true);
                }
                passed = true;
                return (new SandboxStatus(kind, python.Version, Describe(kind, workers[0].Ready), null), python, workers);
            }
            catch (Exception fault) when (fault is SandboxRefusedException or IOException)
            {
                refusals.Add($"{kind}: {fault.Message}");
            }
            finally
            {
                foreach (var start in starts.Where(start => !passed && start.IsCompletedSuccessfully))
                    await (await start).DisposeAsync();
            }
        }
        return (new SandboxStatus(null, python.Version, string.Join("; ", refusals), HowToGetOne), null, []);
    }

    /// <summary>Runs one program; as many run at once as the sandbox was started for, and further calls wait.</summary>
    public async Task<SandboxVerdict> RunAsync(SandboxProgram program, CancellationToken cancellationToken)
    {
        if ((Unrunnable(program.Code) ?? Unrunnable(program.Tests) ?? Misindented(program.Code)) is { } reason)
            return new SandboxVerdict(SandboxOutcome.Failed, reason, "", 0);
        await turns.WaitAsync(cancellationToken);
        try
        {
            var complaint = "";
            for (var attempt = 0; attempt < 2; attempt++)
            {
                var usable = false;
                int? place = null;
                if (!idle.TryTake(out var worker))
                    place = vacant.TryTake(out var left) ? left : throw new UnreachableException("more programs at once than workers");
                try
                {
                    worker ??= await SandboxWorker.StartAsync(python, Kind, place!.Value, parallel, patience, cancellationToken);
                    var reply = await worker.RunAsync(program, cancellationToken);
                    if (Outcome(reply.Outcome) is { } outcome)
                    {
                        usable = true;
                        return new SandboxVerdict(outcome, reply.Detail, reply.Output, reply.Seconds);
                    }
                    complaint = reply.Detail;
                }
                catch (Exception fault) when (fault is IOException or SandboxRefusedException)
                {
                    complaint = fault.Message;
                }
                finally
                {
                    if (usable)
                    {
                        idle.Add(worker!);
                    }
                    else
                    {
                        var vacated = worker?.Place ?? place!.Value;
                        if (worker is not null)
                            await worker.DisposeAsync();        // broken, or cancelled in the middle of a program
                        vacant.Add(vacated);
                    }
                }
            }
            return new SandboxVerdict(SandboxOutcome.Broken, complaint, "", 0);
        }
        finally
        {
            turns.Release();
        }
    }

    /// <summary>Ends the idle interpreters; no program may be running.</summary>
    public async ValueTask DisposeAsync()
    {
        var ending = new List<Task>();
        while (idle.TryTake(out var worker))
            ending.Add(worker.DisposeAsync().AsTask());
        await Task.WhenAll(ending);
        turns.Dispose();
    }

    private static SandboxOutcome? Outcome(string name) => name switch
    {
        "passed" => SandboxOutcome.Passed,
        "failed" => SandboxOutcome.Failed,
        "timed_out" => SandboxOutcome.TimedOut,
        _ => null,      // "broken": worth another try in a fresh interpreter
    };

    /// <summary>Sources that no interpreter can be given.</summary>
    private static string? Unrunnable(string source)
    {
        if (source.Length > LongestSource)
            return string.Create(CultureInfo.InvariantCulture, $"the source is longer than {LongestSource} characters");
        for (var i = 0; i < source.Length; i++)
        {
            if (!char.IsSurrogate(source[i]))
                continue;
            if (i + 1 == source.Length || !char.IsSurrogatePair(source[i], source[i + 1]))
                return "the source holds an unpaired surrogate";
            i++;
        }
        return null;
    }

    /// <summary>What the interpreter would say of a program whose first statement is indented: base models write function bodies, and need no process to hear it.</summary>
    private static string? Misindented(string code)
    {
        var text = code.AsSpan().TrimStart('\ufeff');
        foreach (var range in text.Split('\n'))
        {
            var statement = text[range].TrimStart(" \t");
            if (statement.Trim().IsEmpty || statement[0] == '#')
                continue;
            // A form feed starts the count of columns anew.
            return text[range][0] is ' ' or '\t' && statement[0] != '\f' ? "IndentationError: unexpected indent" : null;
        }
        return null;
    }

    private static string Describe(SandboxKind kind, SandboxWorker.Greeting ready) =>
        (kind switch { SandboxKind.Namespaces => "namespaces", SandboxKind.Bubblewrap => "namespaces by bubblewrap", _ => "no namespaces" })
        + (ready.FiltersCalls ? ", system calls filtered" : ", system calls not filtered on this processor")
        + (ready.Groups.IsEmpty ? "" : ", a control group")
        + (ready.WatchesMemory ? ", memory of all processes watched" : ", memory limited per process only");

    private sealed record MeasuredPace(string Python, double Scale);
}
