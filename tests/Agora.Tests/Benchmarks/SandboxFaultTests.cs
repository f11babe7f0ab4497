using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using Agora.Benchmarks;

namespace Agora.Tests.Benchmarks;

/// <summary>Processes of the sandbox that are killed or stopped, each at each step of a program: there is always a verdict, in bounded time, and nothing stays behind.</summary>
[Collection("sandbox")]
public sealed class SandboxFaultTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private static readonly SandboxProgram Sleeper = new() { Code = "import time\ntime.sleep(0.4)\nx = 1", Tests = "assert x == 1", Limits = new SandboxLimits { Seconds = 2 } };

    public enum Part
    {
        Driver,
        Server,
        Zygote,
        Init,
        Tester,
        Program,
    }

    [Theory]
    [CombinatorialSteps]
    [Trait("Category", "Nightly")]      // a minute and a half, most of it waiting for what was stopped
    public async Task A_part_that_dies_or_stops_ends_in_a_verdict(Part part, string signal, bool whileItRuns)
    {
        await Probe();
        var before = ChildProcesses.Now().All;
        await using (var sandbox = await CodeSandbox.StartAsync(1, unsafeNoSandbox: false, Patience, TestContext.Current.CancellationToken))
        {
            Assert.Equal(SandboxOutcome.Passed, (await sandbox.RunAsync(Sleeper, TestContext.Current.CancellationToken)).Outcome);
            var clock = Stopwatch.StartNew();
            SandboxVerdict verdict;
            if (whileItRuns)
            {
                var running = sandbox.RunAsync(Sleeper, TestContext.Current.CancellationToken);
                await Signal(signal, await Find(part, before));
                verdict = await running;
            }
            else
            {
                await Signal(signal, await Find(part, before));
                verdict = await sandbox.RunAsync(Sleeper, TestContext.Current.CancellationToken);
            }
            Assert.Equal((part, signal) switch { (Part.Program, "KILL") => SandboxOutcome.Failed, (Part.Program, _) or (Part.Tester, "STOP") => SandboxOutcome.TimedOut, _ => SandboxOutcome.Passed }, verdict.Outcome);
            Assert.True(clock.Elapsed < 2 * (Sleeper.Limits.Seconds * TimeSpan.FromSeconds(1) + Patience) + TimeSpan.FromSeconds(20), $"took {clock.Elapsed}");
            Assert.Equal(SandboxOutcome.Passed, (await sandbox.RunAsync(Sleeper, TestContext.Current.CancellationToken)).Outcome);
        }
        await Gone(before);
    }

    [Fact]
    public async Task Whoever_waits_for_a_worker_gets_one_though_the_one_before_broke_it_for_good()
    {
        await Probe();
        await using var sandbox = await CodeSandbox.StartAsync(1, unsafeNoSandbox: false, Patience, TestContext.Current.CancellationToken);
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        var first = sandbox.RunAsync(Sleeper, stop.Token);
        var second = sandbox.RunAsync(Sleeper, TestContext.Current.CancellationToken);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        Assert.Equal(SandboxOutcome.Passed, (await second.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken)).Outcome);
    }

    // Each change of limits starts the process that forks programs anew. What remained of the old ones was counted as processes of the program.
    [Fact]
    public async Task Limits_that_change_with_every_program_leave_no_process_that_would_be_counted()
    {
        await Probe();
        await using var sandbox = await CodeSandbox.StartAsync(1, unsafeNoSandbox: false, Patience, TestContext.Current.CancellationToken);
        for (var i = 0; i < 12; i++)
        {
            var program = new SandboxProgram { Code = "import time\ntime.sleep(0.12)", Tests = "", Limits = new SandboxLimits { MemoryBytes = (1L + i % 2) << 30, Processes = 8 } };
            Assert.Equal(("", SandboxOutcome.Passed), await sandbox.RunAsync(program, TestContext.Current.CancellationToken) is var verdict ? (verdict.Detail, verdict.Outcome) : default);
        }
    }

    [Fact]
    public async Task A_control_group_that_cannot_be_removed_keeps_nobody_from_another_and_goes_later()
    {
        await Probe();
        using var guest = Process.Start("sleep", "120");
        try
        {
            string[] groups;
            var before = ChildProcesses.Now();
            await using (var sandbox = await CodeSandbox.StartAsync(1, unsafeNoSandbox: false, Patience, TestContext.Current.CancellationToken))
            {
                await sandbox.RunAsync(Sleeper, TestContext.Current.CancellationToken);
                var driver = ChildProcesses.Now().Of(Environment.ProcessId).Except(before.Of(Environment.ProcessId)).Single();
                groups = Groups(driver);
                Assert.SkipWhen(groups.Length == 0, "no control group may be made here");
                foreach (var group in groups)
                    await File.WriteAllTextAsync(Path.Combine(group, "cgroup.procs"), guest.Id.ToString(CultureInfo.InvariantCulture), TestContext.Current.CancellationToken);
            }
            Assert.All(groups, group => Assert.True(Directory.Exists(group)));
            await using (var sandbox = await CodeSandbox.StartAsync(1, unsafeNoSandbox: false, Patience, TestContext.Current.CancellationToken))
            {
                Assert.Equal(SandboxOutcome.Passed, (await sandbox.RunAsync(Sleeper, TestContext.Current.CancellationToken)).Outcome);
                var driver = ChildProcesses.Now().Of(Environment.ProcessId).Except(before.Of(Environment.ProcessId)).Single();
                Assert.Equal(groups.Length, Groups(driver).Length);
            }
            guest.Kill();
            await guest.WaitForExitAsync(TestContext.Current.CancellationToken);
            await CodeSandbox.ProbeAsync(TestContext.Current.CancellationToken);
            Assert.All(groups, group => Assert.False(Directory.Exists(group)));
        }
        finally
        {
            guest.Kill();
        }
    }

    /// <summary>Every part, killed and stopped, between programs and during one.</summary>
    private sealed class CombinatorialStepsAttribute : Xunit.v3.DataAttribute
    {
        public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(System.Reflection.MethodInfo testMethod, Xunit.Sdk.DisposalTracker disposalTracker) => new(
            (from part in Enum.GetValues<Part>()
             from signal in (string[])["KILL", "STOP"]
             from whileItRuns in (bool[])[false, true]
             where part != Part.Program || whileItRuns
             select (ITheoryDataRow)new TheoryDataRow<Part, string, bool>(part, signal, whileItRuns)).ToImmutableArray());

        public override bool SupportsDiscoveryEnumeration() => true;
    }

    private static async Task Probe()
    {
        var status = await CodeSandbox.ProbeAsync(TestContext.Current.CancellationToken);
        Assert.SkipUnless(status.Kind == SandboxKind.Namespaces, $"no sandbox by namespaces here: {status.Detail}");
    }

    private static async Task<int> Find(Part part, HashSet<int> before)
    {
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < TimeSpan.FromSeconds(10); await Task.Delay(10, TestContext.Current.CancellationToken))
        {
            var processes = ChildProcesses.Now();
            if (processes.Of(Environment.ProcessId).Where(id => !before.Contains(id)).ToArray() is not [var driver] || processes.Of(driver) is not [var server] || processes.Of(server) is not [var zygote, var tests])
                continue;
            var below = processes.Of(zygote);
            var found = part switch { Part.Driver => driver, Part.Server => server, Part.Zygote => zygote, Part.Init => below.FirstOrDefault(), Part.Tester => processes.Of(tests).FirstOrDefault(), _ => below.ElementAtOrDefault(1) };
            if (found != 0)
                return found;
        }
        throw new InvalidOperationException($"no {part} was found");
    }

    private static async Task Signal(string signal, int process)
    {
        using var kill = Process.Start("kill", ["-" + signal, process.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, kill.ExitCode);
    }

    private static async Task Gone(HashSet<int> before)
    {
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < TimeSpan.FromSeconds(10) && !ChildProcesses.Now().All.SetEquals(before);)
            await Task.Delay(20, TestContext.Current.CancellationToken);
        Assert.Equal(before, ChildProcesses.Now().All);
    }

    private static string[] Groups(int driver) =>
    [
        .. from line in File.ReadLines("/proc/self/cgroup")
           let parts = line.Split(':', 3)
           from root in (string[])["/sys/fs/cgroup/" + parts[1], "/sys/fs/cgroup"]
           let folder = root + parts[2].TrimEnd('/') + "/agora-" + driver.ToString(CultureInfo.InvariantCulture)
           where Directory.Exists(folder)
           select folder,
    ];
}
