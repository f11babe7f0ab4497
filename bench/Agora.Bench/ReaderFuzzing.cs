using System.Diagnostics;
using Agora.Tests.Fuzzing;

namespace Agora.Bench;

/// <summary>Runs a fuzzer of the tests for a given time, and keeps what it finds.</summary>
internal static class ReaderFuzzing
{
    /// <returns>Whether nothing was found.</returns>
    public static bool Run(string name, int seconds, int seed)
    {
        var folder = Directory.CreateTempSubdirectory("agora-fuzz-").FullName;
        var findings = Path.Combine(Directory.GetCurrentDirectory(), "fuzz-findings");
        Directory.CreateDirectory(findings);
        // If the process dies of an input, this is it.
        var current = Path.Combine(folder, "current");
        Console.Error.WriteLine($"{name}: the input at work is {current}");
        var fuzzer = new ReaderFuzzer(FuzzTarget.Make(name, folder), seed);
        var clock = Stopwatch.StartNew();
        var next = TimeSpan.FromSeconds(30);
        var found = fuzzer.Run(() =>
        {
            if (clock.Elapsed > next)
            {
                next += TimeSpan.FromSeconds(30);
                Console.Error.WriteLine($"{name}: {clock.Elapsed.TotalSeconds:F0} s, {fuzzer.Executions} executions, {fuzzer.Outcomes} outcomes, {Process.GetCurrentProcess().WorkingSet64 >> 20} MB resident");
            }
            return clock.Elapsed.TotalSeconds < seconds;
        }, input => File.WriteAllBytes(current, input));
        Directory.Delete(folder, recursive: true);
        Console.WriteLine($"{name}: {clock.Elapsed.TotalSeconds:F0} s, seed {seed}, {fuzzer.Executions} executions, {fuzzer.Outcomes} outcomes, {found.Count} findings");
        foreach (var (finding, number) in found.Select((finding, number) => (finding, number)))
        {
            var path = Path.Combine(findings, $"{name}-{seed}-{number}");
            File.WriteAllBytes(path, finding.Input);
            Console.WriteLine($"  {finding.What}\n    {path}");
        }
        return found.Count == 0;
    }
}
