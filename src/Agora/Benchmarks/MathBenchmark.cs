using System.Collections.Immutable;
using System.Globalization;
using Agora.Experiments;

namespace Agora.Benchmarks;

/// <summary>Competition mathematics (MATH, arXiv:2103.03874), in the rows of MATH-500 or of the full set: <c>problem</c>, <c>solution</c>, and where given <c>answer</c> and <c>unique_id</c>.</summary>
/// <remarks>
/// Without <c>answer</c>, the reference is the solution's last box. As a base-model prompt, Minerva's form: <c>Problem:</c>, <c>Solution:</c>, and exemplars that end in
/// its closing sentence. The product ships no MATH data: its rights holder objects to copies, so the file is the user's.
/// </remarks>
internal static class MathBenchmark
{
    private static readonly ImmutableArray<string> Stop = ["Problem:"];

    public static IBenchmark Open(BenchmarkSpec spec, string rootFolder, BenchmarkOptions options)
    {
        options.Require(spec.Name, [PromptStyle.Chat, PromptStyle.Base], [AnswerGrader.Agora, AnswerGrader.LmEvalStrict], exemplars: true);
        var file = BenchmarkRows.Read(spec.File, rootFolder, spec.Limit);
        var rows = file.Rows.Select((row, place) =>
        {
            var id = row.Has("unique_id") ? row.Id("unique_id") : string.Create(CultureInfo.InvariantCulture, $"math/{place}");
            return (Id: id, Problem: row.Text("problem"), Solution: row.Text("solution"), Answer: Answer(row));
        }).ToArray();
        file.ThrowIfFaulty();

        var isStrict = options.Grader == AnswerGrader.LmEvalStrict;
        var isBase = options.Style == PromptStyle.Base;
        var exemplars = ExemplarDraw.Of(options, rootFolder,
            row => new Exemplar(row.Text("problem"), row.Text("solution") is var solution && isBase ? $"{solution}\n{MinervaMath.Ending(Answer(row))}" : solution),
            rows.Select(row => row.Problem));
        var shown = isBase ? string.Concat(exemplars.Select(exemplar => $"Problem:\n{exemplar.Question}\n\nSolution:\n{exemplar.Answer}\n\n")) : "";
        var asking = isBase ? new BenchmarkAsking { IsContinued = true, Stop = Stop } : new BenchmarkAsking { Exemplars = exemplars };
        var items = rows.Select(row => (
            new BenchmarkItem(row.Id, isBase ? $"{shown}Problem:\n{row.Problem}\n\nSolution:" : row.Problem) { Question = row.Problem },
            row.Answer,
            (string?)(isStrict ? $"{row.Solution}\n{MinervaMath.Ending(row.Answer)}" : row.Solution)));
        return isStrict
            ? new ItemwiseBenchmark<string>(spec.Name, Domain.Math, MinervaMath.Rules, $"{file.Hash}/{BenchmarkOptions.Name(options.Grader)}", [.. items], MinervaMath.Grade, asking)
            : new ItemwiseBenchmark<string>(spec.Name, Domain.Math, MathGrading.Rules, file.Hash, [.. items], MathGrading.Expression, asking);
    }

    private static string Answer(BenchmarkRow row)
    {
        if (row.Has("answer"))
            return row.Text("answer");
        var solution = row.OptionalText("solution");
        if (MathAnswer.Extract(solution, AnswerPolicy.Expression) is { Mark: AnswerMark.Box } boxed)
            return boxed.Text;
        if (solution.Length > 0)
            row.Fault("no \"answer\", and no \\boxed{} in \"solution\"");
        return "";
    }
}
