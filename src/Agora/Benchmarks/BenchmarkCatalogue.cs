using System.Collections.Immutable;
using Agora.Benchmarks.Judged;
using Agora.Experiments;

namespace Agora.Benchmarks;

/// <summary>The benchmarks that an experiment can name.</summary>
public static class BenchmarkCatalogue
{
    private static readonly ImmutableSortedDictionary<string, Func<BenchmarkSpec, string, BenchmarkOptions, IBenchmark>> Openers =
        new Dictionary<string, Func<BenchmarkSpec, string, BenchmarkOptions, IBenchmark>>
        {
            ["nano_math"] = Fixed(NanoMath.Open),
            ["nano_code"] = NanoCode.Open,
            ["nano_instruction_following"] = Fixed(NanoInstructionFollowing.Open),
            ["gsm8k"] = Gsm8k.Open,
            ["math"] = MathBenchmark.Open,
            ["humaneval"] = HumanEval.Open,
            ["mbpp"] = Mbpp.Open,
            ["alpaca_eval"] = Fixed(AlpacaEval.Open),
            ["arena_hard"] = Fixed(ArenaHard.Open),
        }.ToImmutableSortedDictionary(StringComparer.Ordinal);

    public static ImmutableArray<string> Names { get; } = [.. Openers.Keys];

    /// <param name="rootFolder">Where a relative file of the spec starts.</param>
    /// <param name="unsafeNoSandbox">Model-written code runs with resource limits alone; the grader's version and every grade say so.</param>
    /// <exception cref="AgoraException">No such benchmark, no such file, or faults in the file, with line numbers.</exception>
    public static IBenchmark Open(BenchmarkSpec spec, string rootFolder, bool unsafeNoSandbox = false) =>
        Open(spec, rootFolder, new BenchmarkOptions { UnsafeNoSandbox = unsafeNoSandbox });

    /// <inheritdoc cref="Open(BenchmarkSpec, string, bool)"/>
    /// <param name="options">How the items are asked and graded; refused where the benchmark knows no such way.</param>
    public static IBenchmark Open(BenchmarkSpec spec, string rootFolder, BenchmarkOptions options) =>
        Openers.TryGetValue(spec.Name, out var open)
            ? open(spec, rootFolder, options)
            : throw new AgoraException($"no benchmark is called \"{spec.Name}\"", spec.File, $"choose one of {string.Join(", ", Names)}") { ExitCode = 2 };

    /// <summary>Whether the file holds EvalPlus's tests, of which the additional ones count for a score of their own.</summary>
    public static bool HasPlusTests(BenchmarkSpec spec, string rootFolder) =>
        spec.Name is "humaneval" or "mbpp" && EvalPlusTask.IsIn(BenchmarkRows.Read(spec.File, rootFolder, limit: 1));

    // A benchmark that is asked and graded in one way only.
    private static Func<BenchmarkSpec, string, BenchmarkOptions, IBenchmark> Fixed(Func<BenchmarkSpec, string, IBenchmark> open) => (spec, root, options) =>
    {
        options.Require(spec.Name, [PromptStyle.Chat], [AnswerGrader.Agora], exemplars: false);
        return open(spec, root);
    };
}
