using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Agora.Benchmarks;

namespace Agora.Tests.Benchmarks;

/// <summary>Tests that start sandboxes run one after the other: they watch this process's children, and the clock.</summary>
[CollectionDefinition("sandbox", DisableParallelization = true)]
public sealed class SandboxCollection;

[Collection("sandbox")]
public sealed class CodeSandboxTests
{
    private const string Secret = "SANDBOX_CANARY_SECRET";
    private static readonly SandboxProgram Good = new() { Code = "def add(a, b):\n    return a + b\n", Tests = "assert add(2, 3) == 5\n" };

    [Fact]
    public async Task Every_hostile_program_gets_its_verdict_and_breaks_no_invariant()
    {
        var problem = JsonDocument.Parse(File.ReadAllBytes(Fixtures.Part("sandbox", "problem.json"))).RootElement;
        var secret = Guid.NewGuid().ToString("N");
        Environment.SetEnvironmentVariable(Secret, secret);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
        var earlier = ChildProcesses.Now().Of(Environment.ProcessId);
        await using var sandbox = await Start();
        await sandbox.RunAsync(Good, TestContext.Current.CancellationToken);
        var processes = ChildProcesses.Now();
        var descendants = processes.All;
        // Process 1 of the programs is the first child of the process that forks them, that one the server's first; under bubblewrap they are others.
        int? init = sandbox.Kind == SandboxKind.Namespaces && processes.Of(Environment.ProcessId).Except(earlier).ToArray() is [var driver] ? processes.Of(processes.Of(processes.Of(driver)[0])[0])[0] : null;
        var wrong = new List<string>();
        var (mostMemory, mostScratch, mostProcesses) = (0L, 0L, 0);
        foreach (var line in File.ReadLines(Fixtures.Part("sandbox", "cases.jsonl")))
        {
            var json = JsonDocument.Parse(line).RootElement;
            var id = json.GetProperty("id").GetString();
            var program = new SandboxProgram
            {
                Code = json.GetProperty("code").GetString()!,
                Tests = problem.GetProperty("tests").GetString()!,
                Files = ImmutableSortedDictionary.CreateRange([KeyValuePair.Create("canary_port.txt", port), KeyValuePair.Create(".allow_signals", ""), KeyValuePair.Create("canary_x", "x")]),
                Limits = new SandboxLimits { Seconds = problem.GetProperty("timeout_s").GetDouble() },
            };
            var clock = Stopwatch.StartNew();
            SandboxVerdict verdict;
            ProcessTreePeaks peaks;
            using (peaks = new ProcessTreePeaks(descendants, init))
                verdict = await sandbox.RunAsync(program, TestContext.Current.CancellationToken);
            // The sandbox's own interpreters are below 64 MiB; a test of the limits themselves is Memory_is_bounded_over_all_processes.
            if (peaks.MemoryBytes > program.Limits.MemoryBytes + (128 << 20))
                wrong.Add($"{id}: {peaks.MemoryBytes >> 20} MiB of memory");
            if (peaks.ScratchBytes > program.Limits.DiskBytes)
                wrong.Add($"{id}: {peaks.ScratchBytes >> 20} MiB in its folder");
            if (peaks.Processes > program.Limits.Processes + 1)
                wrong.Add($"{id}: {peaks.Processes} processes");
            mostMemory = Math.Max(mostMemory, peaks.MemoryBytes);
            mostScratch = Math.Max(mostScratch, peaks.ScratchBytes);
            mostProcesses = Math.Max(mostProcesses, peaks.Processes);
            if (!json.GetProperty("expected_outcome").GetString()!.Split('|').Contains(Name(verdict.Outcome)))
                wrong.Add($"{id}: {verdict}");
            if (clock.Elapsed.TotalSeconds > program.Limits.Seconds + 2)
                wrong.Add($"{id}: the verdict took {clock.Elapsed}");
            if (!ChildProcesses.Now().All.SetEquals(descendants))
                wrong.Add($"{id}: left a process behind");
            if (verdict.Output.Length > program.Limits.OutputBytes + 4096 || verdict.Output.Contains(secret, StringComparison.Ordinal))
                wrong.Add($"{id}: said too much");
            if (File.Exists("/etc/sandbox_canary_write"))
                wrong.Add($"{id}: wrote into the system");
        }
        Assert.False(listener.Pending(), "a program reached this machine's network");
        // The looks saw something: one case fills its folder, one forks as often as it may.
        Assert.True(mostMemory > 32 << 20 && (init is null || mostScratch > 8 << 20) && mostProcesses > 4, $"{mostMemory} bytes, {mostScratch} bytes, {mostProcesses} processes");
        TestContext.Current.TestOutputHelper?.WriteLine($"at most {mostMemory >> 20} MiB of memory, {mostScratch >> 20} MiB in a folder, {mostProcesses} processes");
        Assert.Equal(SandboxOutcome.Passed, (await sandbox.RunAsync(Good, TestContext.Current.CancellationToken)).Outcome);
        Assert.Empty(wrong);
    }

    [Theory]
    [InlineData("one that looks for the secret in frames and in memory's objects, and writes whatever it finds to every descriptor", """
        import gc, os, sys
        found = []
        frame = sys._getframe()
        while frame:
            found += list(frame.f_locals.values()) + list(frame.f_globals.values())
            frame = frame.f_back
        for thing in gc.get_objects():
            found.append(thing)
            found += gc.get_referents(thing)
        for thing in list(found):
            if isinstance(thing, (list, tuple)):
                found += thing
        candidates = {t for t in found if isinstance(t, bytes) and len(t) == 16}
        for fd in range(3, 300):
            for candidate in candidates:
                try:
                    os.write(fd, candidate)
                except OSError:
                    pass
        def add(a, b):
            return 0
        """)]
    [InlineData("one that replaces what the tests call", """
        import builtins
        class Never(Exception):
            pass
        builtins.AssertionError = Never
        builtins.exec = builtins.compile = lambda *_: None
        builtins.__dict__['__build_class__'] = None
        def add(a, b):
            return 0
        """)]
    [InlineData("one that walks down its frames to put its own in place of what makes and runs the tests", """
        import sys
        frame = sys._getframe()
        while frame:
            for name, value in list(frame.f_globals.items()) + list(frame.f_locals.items()):
                if callable(value):
                    frame.f_globals[name] = lambda *arguments: compile('pass', 'tests.py', 'exec')
            frame = frame.f_back
        """)]
    [InlineData("one that replaces what compiles the tests", """
        import ast
        ast.parse = ast.fix_missing_locations = lambda *arguments: ast.Module([], [])
        def add(a, b):
            return 0
        """)]
    [InlineData("one that asks the collector for the functions that run it", """
        import gc
        gc.unfreeze()
        for thing in gc.get_objects():
            if type(thing).__name__ == 'function' and thing.__code__.co_filename == '<string>':
                thing.__code__ = (lambda *arguments: None).__code__
        """)]
    [InlineData("one that puts its own in the place of the comparison, by every name in the tests", """
        def add(a, b):
            import sys
            frame = sys._getframe(1)
            for name in list(frame.f_globals):
                if name not in ('add', '__builtins__'):
                    frame.f_globals[name] = lambda left, right: True
            class Any(int):
                def __eq__(self, other): return True
                __hash__ = int.__hash__
            return Any()
        """)]
    [InlineData("one whose asserts would be dropped", """
        import os, sys
        os.execv(sys.executable or '/usr/bin/python3', ['python3', '-O', '-c', 'pass'])
        """)]
    [InlineData("one that equals everything, and everything else too", """
        class Any(int):
            def __eq__(self, other): return True
            def __ne__(self, other): return False
            def __hash__(self): return 0
        def add(a, b):
            return Any()
        """)]
    [InlineData("one that ends itself as if all were well", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\ndef add(a, b):\n    return a + b\n")]
    public async Task A_program_cannot_forge_success(string what, string code)
    {
        await using var sandbox = await Start();
        var verdict = await sandbox.RunAsync(Good with { Code = code }, TestContext.Current.CancellationToken);
        Assert.True(verdict.Outcome == SandboxOutcome.Failed, $"{what}: {verdict}");
    }

    // Base models go on with a function's body; that such a program cannot start is seen without a process, in the interpreter's own words.
    [Theory]
    [InlineData("    return 1", "    return 1")]
    [InlineData("\n# as asked\n\tx = 1\n", "\n# as asked\nif True: pass\n\tx = 1\n")]
    public async Task A_program_that_begins_indented_fails_as_the_interpreter_would_say(string code, string seenByInterpreterOnly)
    {
        await using var sandbox = await Start();
        var verdict = await sandbox.RunAsync(Good with { Code = code }, TestContext.Current.CancellationToken);
        var interpreters = await sandbox.RunAsync(Good with { Code = "exec(compile(" + JsonSerializer.Serialize(seenByInterpreterOnly) + ", 'p', 'exec'))" }, TestContext.Current.CancellationToken);
        Assert.Equal((SandboxOutcome.Failed, "IndentationError: unexpected indent", 0), (verdict.Outcome, verdict.Detail, verdict.Seconds));
        Assert.Equal((interpreters.Outcome, interpreters.Detail), (verdict.Outcome, verdict.Detail));
    }

    [Theory]
    [InlineData("#  an indented comment\n    # and another\n")]
    [InlineData("   \n\f")]
    [InlineData("  \f")]
    [InlineData("\ufeff")]
    [InlineData("# a comment\u2028    that goes on\n")]
    public async Task What_only_looks_indented_runs(string before)
    {
        await using var sandbox = await Start();
        var verdict = await sandbox.RunAsync(Good with { Code = before + Good.Code }, TestContext.Current.CancellationToken);
        Assert.Equal((SandboxOutcome.Passed, ""), (verdict.Outcome, verdict.Detail));
    }

    [Fact]
    public async Task Programs_share_no_state()
    {
        await using var sandbox = await Start();
        var second = Good with
        {
            TestsApart = false,
            Code = "import fcntl, math, os, stat",
            Tests = """
                assert math.pi > 3.1 and 'LEFT' not in os.environ and os.umask(0) == 0o22
                assert os.listdir('.') == [] and os.listxattr('.') == [] and stat.S_IMODE(os.stat('.').st_mode) == 0o700 and os.getcwd() == '/tmp'
                assert not fcntl.fcntl(1, fcntl.F_GETFL) & os.O_NONBLOCK and len(os.listdir('/dev')) == 5
                """,
        };
        foreach (var left in (string[])[
            "import math\nmath.pi = 3", "import os\nos.environ['LEFT'] = '1'\nos.umask(0)", "open('left.txt', 'w').write('x')", "import os\nos.mkdir('left')\nos.chmod('left', 0)",
            "import os\nos.chmod('.', 0)", "import os\ntry: os.setxattr('.', 'user.left', b'x')\nexcept OSError: pass", "import fcntl, os\nfcntl.fcntl(1, fcntl.F_SETFL, os.O_NONBLOCK)",
            "import os\nif os.fork() == 0:\n    import time\n    while True:\n        open('left.txt', 'w').write('x')"])
        {
            Assert.Equal(SandboxOutcome.Passed, (await sandbox.RunAsync(Good with { Code = left, Tests = "" }, TestContext.Current.CancellationToken)).Outcome);
            Assert.Equal(new SandboxVerdict(SandboxOutcome.Passed, "", "", 0), await sandbox.RunAsync(second, TestContext.Current.CancellationToken) with { Seconds = 0 });
        }
    }

    [Theory]
    [InlineData("import os\nos.fork()", "assert True")]                                  // both halves pass
    [InlineData("\ufeffx = 1\r\ny = 2\r\n", "assert x + y == 3")]
    [InlineData("class P:\n    def __init__(self, x): self.x = x\n    def __eq__(self, other): return self.x == other.x", "assert P(1) == P(1)")]
    [InlineData("import __main__, pickle\nclass P: pass\np = pickle.loads(pickle.dumps(P()))", "assert type(p) is P and __main__.P is P")]
    [InlineData("from __future__ import annotations\nimport threading\nt = threading.Thread(target=print)\nt.start()\nt.join()", "assert not t.is_alive()")]
    public async Task An_unusual_program_that_is_right_passes(string code, string tests)
    {
        await using var sandbox = await Start();
        var verdict = await sandbox.RunAsync(new SandboxProgram { Code = code, Tests = tests, TestsApart = false }, TestContext.Current.CancellationToken);
        Assert.Equal(("", SandboxOutcome.Passed), (verdict.Detail, verdict.Outcome));
    }

    [Fact]
    public async Task A_program_sees_nobodys_files_and_has_no_rights()
    {
        await using var sandbox = await Start();
        var verdict = await sandbox.RunAsync(Good with
        {
            TestsApart = false,
            Code = "import ctypes, os\nlibc = ctypes.CDLL(None)\n",
            Tests = $"""
                assert not os.path.exists({JsonSerializer.Serialize(Fixtures.Checkout)})
                assert not os.path.exists('/proc/self') and not os.path.exists('/etc/passwd')
                assert libc.unshare(0x10000000) == -1 and libc.mount(b'x', b'/tmp', b'tmpfs', 0, 0) == -1
                assert libc.syscall(101 if os.uname().machine == 'x86_64' else 117, 16, 1, 0, 0) == -1
                """,
        }, TestContext.Current.CancellationToken);
        Assert.Equal(("", SandboxOutcome.Passed), (verdict.Detail, verdict.Outcome));
    }

    [Fact]
    public async Task A_source_that_is_no_text_fails()
    {
        await using var sandbox = await Start();
        foreach (var (code, reason) in ((string, string)[])[("x = '\ud800'", "unpaired surrogate"), ("x = '\0'", "null byte")])
        {
            var verdict = await sandbox.RunAsync(Good with { Code = code }, TestContext.Current.CancellationToken);
            Assert.Equal(SandboxOutcome.Failed, verdict.Outcome);
            Assert.Contains(reason, verdict.Detail);
        }
    }

    // EvalPlus's extraction and its samples have other limits each: the interpreter is neither started anew for them, nor are one program's limits another's.
    [Fact]
    public async Task Each_program_has_its_own_limits_in_the_same_worker()
    {
        await using var sandbox = await CodeSandbox.StartAsync(1, unsafeNoSandbox: false, TestContext.Current.CancellationToken);
        Assert.Equal(SandboxOutcome.Passed, (await sandbox.RunAsync(Good, TestContext.Current.CancellationToken)).Outcome);
        var workers = ChildProcesses.Now().All;
        var hoard = Good with { Code = "hoard = bytearray(600 << 20)", Tests = "" };
        var write = Good with { Code = "open('big', 'wb').write(b'x' * (20 << 20))", Tests = "" };
        var fork = Good with { Code = "import os, time\nfor _ in range(12):\n    if os.fork() == 0:\n        time.sleep(0.3)\n        os._exit(0)\nfor _ in range(12): os.wait()", Tests = "" };
        for (var round = 0; round < 3; round++)
        {
            foreach (var (program, small, large) in ((SandboxProgram, SandboxLimits, SandboxLimits)[])[
                (hoard, new SandboxLimits { MemoryBytes = 256L << 20 }, new SandboxLimits { MemoryBytes = 2L << 30 }),
                (write, new SandboxLimits { DiskBytes = 4 << 20 }, new SandboxLimits { DiskBytes = 64 << 20 }),
                (fork, new SandboxLimits { Processes = 4 }, new SandboxLimits { Processes = 32 })])
            {
                Assert.Equal(SandboxOutcome.Failed, (await sandbox.RunAsync(program with { Limits = small }, TestContext.Current.CancellationToken)).Outcome);
                Assert.Equal((SandboxOutcome.Passed, ""), (await sandbox.RunAsync(program with { Limits = large }, TestContext.Current.CancellationToken)) is var verdict ? (verdict.Outcome, verdict.Detail) : default);
            }
        }
        Assert.Equal(workers, ChildProcesses.Now().All);
    }

    [Fact]
    public async Task Memory_is_bounded_over_all_processes_and_no_control_group_is_left()
    {
        await using (var sandbox = await Start())
        {
            // Each child is within its own limit; together they are not.
            var verdict = await sandbox.RunAsync(Good with
            {
                Code = """
                    import os, time
                    children = []
                    for _ in range(6):
                        child = os.fork()
                        if child == 0:
                            hoard = bytearray(100 << 20)
                            for i in range(0, len(hoard), 4096): hoard[i] = 1
                            time.sleep(2)
                            os._exit(0)
                        children.append(child)
                    for child in children:
                        assert os.waitpid(child, 0)[1] == 0, 'a child was killed'
                    """,
                Limits = new SandboxLimits { Seconds = 10, MemoryBytes = 256 << 20 },
            }, TestContext.Current.CancellationToken);
            Assert.Equal(SandboxOutcome.Failed, verdict.Outcome);
            Assert.Equal(SandboxOutcome.Passed, (await sandbox.RunAsync(Good, TestContext.Current.CancellationToken)).Outcome);
        }
        Assert.Empty(Groups());
    }

    /// <summary>Control groups that this process's sandboxes made; others' are theirs.</summary>
    private static IEnumerable<string> Groups() => Directory.Exists("/sys/fs/cgroup")
        ? from line in File.ReadLines("/proc/self/cgroup")
          let parts = line.Split(':', 3)
          from root in (string[])["/sys/fs/cgroup/" + parts[1], "/sys/fs/cgroup"]
          let folder = root + parts[2]
          where Directory.Exists(folder)
          from made in Directory.EnumerateDirectories(folder, "agora-*")
          let owner = Path.GetFileName(made)["agora-".Length..]
          where !Directory.Exists($"/proc/{owner}")
          select made
        : [];

    // A worker's processes wait for each other many times a program; where each core has a worker, none is moved for it. With fewer workers they are not bound: another evaluation might use the same cores.
    [Fact]
    public async Task Workers_keep_to_a_core_each_where_there_are_as_many_also_after_one_broke()
    {
        await using var all = await CodeSandbox.StartAsync(Environment.ProcessorCount, unsafeNoSandbox: false, TestContext.Current.CancellationToken);
        var asking = Good with { TestsApart = false, Code = "import os, time\nprint(sorted(os.sched_getaffinity(0)))\ntime.sleep(0.5)", Tests = "", Limits = new SandboxLimits { Seconds = 20 } };
        async Task<string[]> Cores() => [.. (await Task.WhenAll(Enumerable.Range(0, Environment.ProcessorCount).Select(_ => all.RunAsync(asking, TestContext.Current.CancellationToken)))).Select(verdict => verdict.Output.Trim()).Order(StringComparer.Ordinal)];
        await using (var one = await CodeSandbox.StartAsync(1, unsafeNoSandbox: false, TestContext.Current.CancellationToken))
        {
            var usable = (await one.RunAsync(asking, TestContext.Current.CancellationToken)).Output.Trim();
            Assert.SkipUnless(usable.Split(',').Length == Environment.ProcessorCount && Environment.ProcessorCount > 1, $"this process may use {Environment.ProcessorCount} processors, of cores {usable}");
            Assert.Equal(usable.Trim('[', ']').Split(", ").Select(core => $"[{core}]").Order(StringComparer.Ordinal), await Cores());
        }
        var before = await Cores();
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => all.RunAsync(asking with { Code = "while True: pass" }, stop.Token));
        Assert.Equal(before, await Cores());
    }

    [Fact]
    public async Task Time_limits_follow_the_machines_pace()
    {
        Assert.Equal((1, 1, 1.5, 2, 3), (MachinePace.Scale(0.001), MachinePace.Scale(0.008), MachinePace.Scale(0.0101), MachinePace.Scale(0.014), MachinePace.Scale(1)));
        await using var sandbox = await Start();
        Assert.InRange(sandbox.TimeScale, 1, 3);
    }

    [Fact]
    public async Task A_cancelled_run_leaves_nothing_running()
    {
        var before = ChildProcesses.Now().All;
        await using (var sandbox = await Start())
        {
            using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sandbox.RunAsync(Good with { Code = "while True: pass", Limits = new SandboxLimits { Seconds = 20 } }, stop.Token));
        }
        Assert.Equal(before, ChildProcesses.Now().All);
    }

    [Fact]
    public async Task Without_a_sandbox_programs_run_only_where_that_was_asked_for()
    {
        await using var sandbox = await CodeSandbox.StartAsync(1, unsafeNoSandbox: true, TestContext.Current.CancellationToken);
        Assert.Equal(SandboxKind.Unsafe, sandbox.Kind);
        Assert.Equal(SandboxOutcome.Passed, (await sandbox.RunAsync(Good, TestContext.Current.CancellationToken)).Outcome);
        Assert.Equal(SandboxOutcome.TimedOut, (await sandbox.RunAsync(Good with { Code = "import os\nos.fork()\nwhile True: pass", Limits = new SandboxLimits { Seconds = 1 } }, TestContext.Current.CancellationToken)).Outcome);
    }

    /// <summary>A sandbox for one program at a time; skips, with the reason, where this machine has none.</summary>
    internal static async Task<CodeSandbox> Start()
    {
        var status = await CodeSandbox.ProbeAsync(TestContext.Current.CancellationToken);
        Assert.SkipUnless(status.Available, $"no sandbox here: {status.Detail}");
        return await CodeSandbox.StartAsync(1, unsafeNoSandbox: false, TestContext.Current.CancellationToken);
    }

    private static string Name(SandboxOutcome outcome) => outcome switch
    {
        SandboxOutcome.Passed => "passed",
        SandboxOutcome.Failed => "failed",
        SandboxOutcome.TimedOut => "timed_out",
        _ => "broken",
    };
}
