using Agora.Experiments;

namespace Agora.Cli;

/// <summary>Where a benchmark's file lies: the one that the user names, else the one that comes with Agora.</summary>
internal static class BenchmarkFiles
{
    /// <param name="given">By benchmark, from the command line.</param>
    /// <exception cref="AgoraException">There is no file.</exception>
    public static string Resolve(string benchmark, IReadOnlyDictionary<string, string> given)
    {
        if (given.TryGetValue(benchmark, out var file))
            return file;
        if (!BenchmarkNames.Domains.ContainsKey(benchmark))
            throw new AgoraException($"no benchmark is called \"{benchmark}\"", "--benchmarks", $"choose from {string.Join(", ", BenchmarkNames.Domains.Keys)}") { ExitCode = ExitCodes.Usage };
        if (benchmark.StartsWith("nano_", StringComparison.Ordinal))
            return ShippedFiles.PathOf("nano", "benchmarks", $"{benchmark["nano_".Length..]}.jsonl");
        throw new AgoraException($"there is no file for {benchmark}", "--data",
            $"give the benchmark's official file with --data {benchmark}=FILE; none of others' benchmarks is part of Agora")
        { ExitCode = ExitCodes.Usage };
    }
}
