using System.Globalization;
using Agora.Experiments;

namespace Agora.Benchmarks;

/// <summary>How slow this machine runs Python, so that a program's time limit means the same everywhere: slow machines lower pass@k.</summary>
internal static class MachinePace
{
    /// <summary>Seconds that <see cref="Work"/> takes on an idle 2.8 GHz core with CPython 3.11.</summary>
    private const double Reference = 0.007;
    /// <summary>Beyond this the machine is overloaded rather than slow, and longer limits would let programs pass that only wait.</summary>
    private const double Slowest = 3;

    /// <summary>Integers, dictionaries and strings, as in solutions; in processor time, which other programs do not use up; the better of two runs, as the first finds nothing in the caches.</summary>
    private const string Work = """
        import time
        def work():
            total, words = 0, {}
            for i in range(30000):
                total += i * i % 7
                words[i % 97] = words.get(i % 97, 0) + len(str(i))
            return sorted(words.items()), total
        best = 9e9
        for _ in range(2):
            start = time.process_time()
            work()
            best = min(best, time.process_time() - start)
        print(best)
        """;

    /// <summary>What limits are multiplied by: 1 on the reference machine and on faster ones, else in steps of a half up to 3, from what is measured on all workers at once.</summary>
    /// <exception cref="AgoraException">A worker cannot run a program that every interpreter runs.</exception>
    public static async Task<double> MeasureAsync(IReadOnlyList<SandboxWorker> workers, CancellationToken cancellationToken)
    {
        var runs = await Task.WhenAll(workers.Select(worker => worker.RunAsync(new SandboxProgram { Code = Work, Tests = "", TestsApart = false, Limits = new SandboxLimits { Seconds = 30 } }, cancellationToken)));
        var slowest = 0.0;
        foreach (var run in runs)
        {
            if (!double.TryParse(run.Output, CultureInfo.InvariantCulture, out var seconds))
                throw new AgoraException($"the sandbox cannot run the program that measures the machine: {run.Detail}", "the code sandbox", "run \"agora doctor\"");
            slowest = Math.Max(slowest, seconds);
        }
        return Scale(slowest);
    }

    /// <param name="seconds">That the work took.</param>
    internal static double Scale(double seconds) => Math.Clamp(Math.Ceiling(2 * seconds / Reference - 0.5) / 2, 1, Slowest);
}
