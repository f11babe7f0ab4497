using Agora.Experiments;

namespace Agora.Benchmarks;

/// <summary>Word problems of one to four arithmetic steps. Rows: <c>id</c>, <c>question</c>, <c>answer</c> (a number, or a solution that ends in one).</summary>
internal static class NanoMath
{
    public static IBenchmark Open(BenchmarkSpec spec, string rootFolder)
    {
        var file = BenchmarkRows.Read(spec.File, rootFolder, spec.Limit);
        var items = file.Rows.Select(row =>
        {
            var id = row.Id("id");
            var question = row.Text("question");
            var answer = row.Text("answer");
            var value = MathAnswer.Extract(answer, AnswerPolicy.Number) is { } stated && MathGrading.TryReadNumber(stated.Text, out var number) ? number : default(ExactNumber?);
            if (answer.Length > 0 && value is null)
                row.Fault("\"answer\" holds no number");
            return (new BenchmarkItem(id, question), value ?? default, (string?)$"[RESULT] {value} [/RESULT]");
        }).ToArray();
        file.ThrowIfFaulty();
        return new ItemwiseBenchmark<ExactNumber>(spec.Name, Domain.Math, MathGrading.Rules, file.Hash, [.. items], MathGrading.Number);
    }
}
