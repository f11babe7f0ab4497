using System.Collections.Immutable;
using Agora.Benchmarks.Judged;
using Agora.Experiments;

namespace Agora.Benchmarks;

/// <summary>The benchmarks that an experiment can name.</summary>
public static class BenchmarkCatalogue
{
    private static readonly ImmutableSortedDictionary<string, Func<BenchmarkSpec, string, bool, IBenchmark>> Openers =
        new Dictionary<string, Func<BenchmarkSpec, string, bool, IBenchmark>>
        {
            ["nano_math"] = (spec, root, _) => NanoMath.Open(spec, root),
            ["nano_code"] = NanoCode.Open,
            ["nano_instruction_following"] = (spec, root, _) => NanoInstructionFollowing.Open(spec, root),
            ["gsm8k"] = (spec, root, _) => Gsm8k.Open(spec, root),
            ["math"] = (spec, root, _) => MathBenchmark.Open(spec, root),
            ["humaneval"] = HumanEval.Open,
            ["mbpp"] = Mbpp.Open,
            ["alpaca_eval"] = (spec, root, _) => AlpacaEval.Open(spec, root),
            ["arena_hard"] = (spec, root, _) => ArenaHard.Open(spec, root),
        }.ToImmutableSortedDictionary(StringComparer.Ordinal);

    public static ImmutableArray<string> Names { get; } = [.. Openers.Keys];

    /// <param name="rootFolder">Where a relative file of the spec starts.</param>
    /// <param name="unsafeNoSandbox">Model-written code runs with resource limits alone; the grader's version and every grade say so.</param>
    /// <exception cref="AgoraException">No such benchmark, no such file, or faults in the file: all of them, with line numbers.</exception>
    public static IBenchmark Open(BenchmarkSpec spec, string rootFolder, bool unsafeNoSandbox = false) =>
        Openers.TryGetValue(spec.Name, out var open)
            ? open(spec, rootFolder, unsafeNoSandbox)
            : throw new AgoraException($"no benchmark is called \"{spec.Name}\"", spec.File, $"choose one of {string.Join(", ", Names)}") { ExitCode = 2 };
}
