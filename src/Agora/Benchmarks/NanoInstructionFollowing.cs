using System.Collections.Immutable;
using Agora.Experiments;

namespace Agora.Benchmarks;

/// <summary>Short texts under verifiable constraints, all of which must hold. Rows: <c>id</c>, <c>prompt</c>, <c>constraints</c>, and a <c>response</c> that meets them, where there is one.</summary>
internal static class NanoInstructionFollowing
{
    /// <summary>Raised with every change to the checkers that may alter a grade.</summary>
    private const int Rules = 1;

    public static IBenchmark Open(BenchmarkSpec spec, string rootFolder)
    {
        var file = BenchmarkRows.Read(spec.File, rootFolder, spec.Limit);
        var items = file.Rows.Select(row =>
        {
            var id = row.Id("id");
            var prompt = row.Text("prompt");
            ImmutableArray<VerifiableConstraint> constraints = [.. row.Objects("constraints").Select(json => VerifiableConstraint.Read(json, row.Fault)).OfType<VerifiableConstraint>()];
            var response = row.Has("response") ? row.Text("response") : null;
            return (new BenchmarkItem(id, prompt), constraints, response);
        }).ToArray();
        file.ThrowIfFaulty();
        return new ItemwiseBenchmark<ImmutableArray<VerifiableConstraint>>(spec.Name, Domain.InstructionFollowing, Rules, file.Hash, [.. items], Grade);
    }

    private static ItemGrade Grade(string completion, ImmutableArray<VerifiableConstraint> constraints)
    {
        var text = completion.Trim();
        var broken = constraints.Where(constraint => !constraint.IsMetBy(text)).ToArray();
        return ItemGrade.Of(
            text.Length == 0 ? null : text,
            right: broken.Length == 0,
            broken.Length == 0 ? $"holds: {string.Join("; ", constraints)}" : $"broken: {string.Join("; ", broken.Select(c => c.ToString()))}");
    }
}
