using System.Collections.Immutable;

namespace Agora.Experiments;

/// <summary>The benchmarks that an experiment may name; their code is in the Benchmarks stage.</summary>
public static class BenchmarkNames
{
    public static ImmutableSortedDictionary<string, Domain> Domains { get; } = new Dictionary<string, Domain>
    {
        ["nano_math"] = Domain.Math,
        ["gsm8k"] = Domain.Math,
        ["math"] = Domain.Math,
        ["nano_code"] = Domain.Code,
        ["humaneval"] = Domain.Code,
        ["mbpp"] = Domain.Code,
        ["nano_instruction_following"] = Domain.InstructionFollowing,
        ["alpaca_eval"] = Domain.InstructionFollowing,
        ["arena_hard"] = Domain.InstructionFollowing,
    }.ToImmutableSortedDictionary(StringComparer.Ordinal);

    /// <summary>Those whose answers are compared by the experiment's judges.</summary>
    public static ImmutableHashSet<string> Judged { get; } = ["alpaca_eval", "arena_hard"];
}
