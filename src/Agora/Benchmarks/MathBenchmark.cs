using System.Globalization;
using Agora.Experiments;

namespace Agora.Benchmarks;

/// <summary>Competition mathematics (MATH, arXiv:2103.03874), in the rows of MATH-500 or of the full set: <c>problem</c>, <c>solution</c>, and where given <c>answer</c> and <c>unique_id</c>.</summary>
/// <remarks>Without <c>answer</c>, the reference is the solution's last box. The product ships no MATH data: its rights holder objects to copies, so the file is the user's.</remarks>
internal static class MathBenchmark
{
    public static IBenchmark Open(BenchmarkSpec spec, string rootFolder)
    {
        var file = BenchmarkRows.Read(spec.File, rootFolder, spec.Limit);
        var items = file.Rows.Select((row, place) =>
        {
            var id = row.Has("unique_id") ? row.Id("unique_id") : string.Create(CultureInfo.InvariantCulture, $"math/{place}");
            var problem = row.Text("problem");
            var solution = row.Text("solution");
            var boxed = MathAnswer.Extract(solution, AnswerPolicy.Expression);
            var reference = row.Has("answer") ? row.Text("answer") : boxed?.Mark == AnswerMark.Box ? boxed.Text : "";
            if (reference.Length == 0 && solution.Length > 0)
                row.Fault("no \"answer\", and no \\boxed{} in \"solution\"");
            return (new BenchmarkItem(id, problem), reference, (string?)solution);
        }).ToArray();
        file.ThrowIfFaulty();
        return new ItemwiseBenchmark<string>(spec.Name, Domain.Math, MathGrading.Rules, file.Hash, [.. items], MathGrading.Expression);
    }
}
