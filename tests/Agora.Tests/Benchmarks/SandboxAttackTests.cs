using System.Diagnostics;
using System.Text.Json;
using Agora.Benchmarks;

namespace Agora.Tests.Benchmarks;

/// <summary>About 170 programs of this project's own against the sandbox, besides the fixture's: forged verdicts, escapes, leftovers, bombs, odd sources; and right ones that only look odd.</summary>
[Collection("sandbox")]
public sealed class SandboxAttackTests
{
    [Fact]
    public async Task Each_attack_has_its_verdict_in_time_and_leaves_nothing()
    {
        await using var sandbox = await CodeSandbox.StartAsync(1, unsafeNoSandbox: false, TestContext.Current.CancellationToken);
        Assert.SkipUnless(sandbox.Kind == SandboxKind.Namespaces, "under bubblewrap the superuser's programs are bounded otherwise");
        await sandbox.RunAsync(new SandboxProgram { Code = "", Tests = "" }, TestContext.Current.CancellationToken);
        var processes = ChildProcesses.Now().All.Count;
        var wrong = new List<string>();
        using var stream = typeof(SandboxAttackTests).Assembly.GetManifestResourceStream("sandbox_attacks.jsonl")!;
        using var lines = new StreamReader(stream);
        while (await lines.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
        {
            var attack = JsonDocument.Parse(line).RootElement;
            string Text(string name) => attack.GetProperty(name).GetString()!;
            // What can only be stopped by the clock is stopped soon.
            var limits = new SandboxLimits { Seconds = Text("outcome").Contains("timed_out", StringComparison.Ordinal) ? 1 : 10 };
            var clock = Stopwatch.StartNew();
            var verdict = await sandbox.RunAsync(new SandboxProgram { Code = Text("code"), Tests = Text("tests"), TestsApart = !attack.TryGetProperty("together", out _), Limits = limits }, TestContext.Current.CancellationToken);
            var outcome = verdict.Outcome switch { SandboxOutcome.Passed => "passed", SandboxOutcome.Failed => "failed", SandboxOutcome.TimedOut => "timed_out", _ => "broken" };
            if (!Text("outcome").Split('|').Contains(outcome))
                wrong.Add($"{Text("tries")}: {verdict}");
            if (clock.Elapsed.TotalSeconds > limits.Seconds + 2)
                wrong.Add($"{Text("tries")}: the verdict took {clock.Elapsed}");
            if (ChildProcesses.Now().All.Count != processes)
                wrong.Add($"{Text("tries")}: left a process, or took one of the sandbox's own along");
            if (verdict.Output.Length > limits.OutputBytes + 4096)
                wrong.Add($"{Text("tries")}: said too much");
        }
        Assert.Empty(wrong);
    }
}
