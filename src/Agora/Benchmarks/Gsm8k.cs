using System.Globalization;
using Agora.Experiments;

namespace Agora.Benchmarks;

/// <summary>Grade-school word problems (arXiv:2110.14168). Rows: <c>question</c>, <c>answer</c>, a worked solution that ends in <c>#### number</c>.</summary>
/// <remarks>Zero-shot: the question alone, in the student's chat format, as its training data were. The file has no ids; an item's is its place, <c>gsm8k/17</c>.</remarks>
internal static class Gsm8k
{
    public static IBenchmark Open(BenchmarkSpec spec, string rootFolder)
    {
        var file = BenchmarkRows.Read(spec.File, rootFolder, spec.Limit);
        var items = file.Rows.Select((row, place) =>
        {
            var id = row.Has("id") ? row.Id("id") : string.Create(CultureInfo.InvariantCulture, $"gsm8k/{place}");
            var question = row.Text("question");
            var solution = row.Text("answer");
            var number = default(ExactNumber);
            var final = MathAnswer.Extract(solution, AnswerPolicy.Number);
            if (solution.Length > 0 && (final?.Mark != AnswerMark.Hashes || !MathGrading.TryReadNumber(final.Text, out number)))
                row.Fault("\"answer\" does not end in \"#### \" and a number");
            return (new BenchmarkItem(id, question), number, (string?)solution);
        }).ToArray();
        file.ThrowIfFaulty();
        return new ItemwiseBenchmark<ExactNumber>(spec.Name, Domain.Math, MathGrading.Rules, file.Hash, [.. items], MathGrading.Number);
    }
}
