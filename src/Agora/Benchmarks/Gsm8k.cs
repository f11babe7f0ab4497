using System.Collections.Immutable;
using System.Globalization;
using Agora.Experiments;

namespace Agora.Benchmarks;

/// <summary>Grade-school word problems (arXiv:2110.14168). Rows: <c>question</c>, <c>answer</c>, a worked solution that ends in <c>#### number</c>.</summary>
/// <remarks>
/// In chat, the question alone, as the student's training data were, after the exemplars as earlier exchanges. As a base-model prompt, the form of
/// lm-evaluation-harness's task gsm8k: <c>Question: …</c>, <c>Answer: …</c>, blank lines between. The file has no ids; an item's is its place, <c>gsm8k/17</c>.
/// </remarks>
internal static class Gsm8k
{
    private static readonly ImmutableArray<string> Stop = ["Question:", "</s>", "<|im_end|>"];

    public static IBenchmark Open(BenchmarkSpec spec, string rootFolder, BenchmarkOptions options)
    {
        options.Require(spec.Name, [PromptStyle.Chat, PromptStyle.Base],
            [AnswerGrader.Agora, AnswerGrader.LmEvalStrict, AnswerGrader.LmEvalFlexible, AnswerGrader.LmEvalCotStrict, AnswerGrader.LmEvalLlamaStrict], exemplars: true);
        var file = BenchmarkRows.Read(spec.File, rootFolder, spec.Limit);
        var lines = new Dictionary<string, int>(StringComparer.Ordinal);
        var rows = file.Rows.Select((row, place) =>
        {
            var id = row.Has("id") ? row.Id("id") : string.Create(CultureInfo.InvariantCulture, $"gsm8k/{place}");
            var question = row.Text("question");
            // Without ids, a question that was pasted twice would count twice; the published file asks each once.
            if (question.Length > 0 && !lines.TryAdd(question, row.Line))
                row.Fault($"the question is already that of line {lines[question]}");
            var solution = row.Text("answer");
            var number = default(ExactNumber);
            var final = MathAnswer.Extract(solution, AnswerPolicy.Number);
            if (solution.Length > 0 && (final?.Mark != AnswerMark.Hashes || !MathGrading.TryReadNumber(final.Text, out number)))
                row.Fault("\"answer\" does not end in \"#### \" and a number");
            return (Id: id, Question: question, Solution: solution, Number: number);
        }).ToArray();
        file.ThrowIfFaulty();

        var exemplars = ExemplarDraw.Of(options, rootFolder, row => new Exemplar(row.Text("question"), row.Text("answer")), rows.Select(row => row.Question));
        var isBase = options.Style == PromptStyle.Base;
        var shown = isBase ? string.Concat(exemplars.Select(exemplar => $"Question: {exemplar.Question}\nAnswer: {exemplar.Answer}\n\n")) : "";
        var asking = isBase ? new BenchmarkAsking { IsContinued = true, Stop = Stop } : new BenchmarkAsking { Exemplars = exemplars };
        BenchmarkItem Item(string id, string question) => new(id, isBase ? $"{shown}Question: {question}\nAnswer:" : question);
        return options.Grader == AnswerGrader.Agora
            ? new ItemwiseBenchmark<ExactNumber>(spec.Name, Domain.Math, MathGrading.Rules, file.Hash,
                [.. rows.Select(row => (Item(row.Id, row.Question), row.Number, (string?)row.Solution))], MathGrading.Number, asking)
            : new ItemwiseBenchmark<string>(spec.Name, Domain.Math, LmEvalGsm8k.Rules, $"{file.Hash}/{BenchmarkOptions.Name(options.Grader)}",
                [.. rows.Select(row => (Item(row.Id, row.Question), row.Solution, LmEvalGsm8k.Reference(row.Solution, options.Grader)))],
                (completion, solution) => LmEvalGsm8k.Grade(completion, solution, options.Grader), asking);
    }
}
