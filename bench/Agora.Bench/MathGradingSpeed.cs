using System.Diagnostics;
using System.IO.Compression;
using System.Text.Json;
using Agora.Benchmarks;

namespace Agora.Bench;

/// <summary>Graded answers per second of one core: plain GSM8K answers, and MATH answers of all kinds with right and wrong references.</summary>
/// <remarks>Processor time of this process, so that what else the machine does counts little. The rows come from files of the user's: none is shipped.</remarks>
internal static class MathGradingSpeed
{
    private const double WantedGsm8k = 20_000, WantedMath = 2_000;

    /// <param name="gsm8k">GSM8K's test file, JSONL or .gz.</param>
    /// <param name="math">MATH-500's file, or the full test set with <c>answer</c>.</param>
    public static bool Measure(string gsm8k, string math)
    {
        var numbers = Rows(gsm8k).Select(row => row.GetProperty("answer").GetString()!).ToArray();
        var good = Report("GSM8K answers", WantedGsm8k, numbers.Length, place =>
        {
            var reference = MathAnswer.Extract(numbers[place], AnswerPolicy.Number)!;
            MathGrading.TryReadNumber(reference.Text, out var value);
            MathGrading.Number(numbers[(place + place % 2) % numbers.Length], value);
        });
        var problems = Rows(math).Select(row => (Solution: row.GetProperty("solution").GetString()!, Answer: row.GetProperty("answer").GetString()!)).ToArray();
        // Every other answer is another problem's, which takes longer to refuse than an equal text takes to accept.
        good &= Report("MATH answers", WantedMath, problems.Length, place => MathGrading.Expression(problems[place].Solution, problems[(place + place % 2) % problems.Length].Answer));
        return good;
    }

    private static bool Report(string name, double wanted, int count, Action<int> grade)
    {
        for (var place = 0; place < count; place++)
            grade(place);       // warm
        using var process = Process.GetCurrentProcess();
        var best = 0.0;
        var slowest = TimeSpan.Zero;
        for (var round = 0; round < 5; round++)
        {
            process.Refresh();
            var started = process.TotalProcessorTime;
            var graded = 0;
            for (var pass = 0; pass < Math.Max(1, 5000 / count); pass++)
            {
                for (var place = 0; place < count; place++)
                {
                    var clock = Stopwatch.GetTimestamp();
                    grade(place);
                    if (Stopwatch.GetElapsedTime(clock) is var took && took > slowest)
                        slowest = took;
                    graded++;
                }
            }
            process.Refresh();
            best = Math.Max(best, graded / (process.TotalProcessorTime - started).TotalSeconds);
        }
        Console.WriteLine(FormattableString.Invariant($"{name,-14} {best,12:N0}/s a core   goal >= {wanted:N0}/s   {(best >= wanted ? "within" : "UNDER")} ({best / wanted:0.0} of the goal)   slowest {slowest.TotalMilliseconds:0.0} ms of wall time"));
        return best >= wanted;
    }

    private static IEnumerable<JsonElement> Rows(string file)
    {
        using var raw = File.OpenRead(file);
        using Stream plain = file.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(raw, CompressionMode.Decompress) : raw;
        using var reader = new StreamReader(plain);
        while (reader.ReadLine() is { } line)
            if (line.Length > 0)
                yield return JsonDocument.Parse(line).RootElement;
    }
}
