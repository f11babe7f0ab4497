using System.Collections.Immutable;
using Agora.Experiments;

namespace Agora.Benchmarks;

/// <summary>The benchmarks that an experiment can name.</summary>
public static class BenchmarkCatalogue
{
    private static readonly ImmutableSortedDictionary<string, Func<BenchmarkSpec, string, IBenchmark>> Openers =
        new Dictionary<string, Func<BenchmarkSpec, string, IBenchmark>>
        {
            ["nano_math"] = NanoMath.Open,
            ["nano_instruction_following"] = NanoInstructionFollowing.Open,
            ["gsm8k"] = Gsm8k.Open,
            ["math"] = MathBenchmark.Open,
        }.ToImmutableSortedDictionary(StringComparer.Ordinal);

    public static ImmutableArray<string> Names { get; } = [.. Openers.Keys];

    /// <param name="rootFolder">Where a relative file of the spec starts.</param>
    /// <exception cref="AgoraException">No such benchmark, no such file, or faults in the file: all of them, with line numbers.</exception>
    public static IBenchmark Open(BenchmarkSpec spec, string rootFolder) =>
        Openers.TryGetValue(spec.Name, out var open)
            ? open(spec, rootFolder)
            : throw new AgoraException($"no benchmark is called \"{spec.Name}\"", spec.File, $"choose one of {string.Join(", ", Names)}") { ExitCode = 2 };
}
