using System.Collections.Immutable;
using System.Globalization;

namespace Agora.Benchmarks.Judged;

/// <summary>Warnings about outputs that were judged elsewhere.</summary>
public static class OutputWarnings
{
    /// <returns>A sentence per finding: empty, constant or adversarial outputs.</returns>
    public static ImmutableArray<string> Of(IReadOnlyCollection<(string Instruction, string Output)> outputs) =>
        [.. OutputFlags.Of(outputs).Select(flag => Sentence(flag, outputs.Count))];

    internal static string Sentence(OutputFlag flag, int outputs) => string.Create(CultureInfo.InvariantCulture, $"{flag.Outputs} of {outputs} outputs are {flag.Kind}: {flag.Evidence}");
}
