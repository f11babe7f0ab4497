using System.Text.Json;
using Agora.Benchmarks;

namespace Agora.Tests.Benchmarks;

public sealed class LmEvalConformanceTests
{
    private static readonly (string Column, AnswerGrader Grader)[] Filters =
    [
        ("gsm8k_strict", AnswerGrader.LmEvalStrict), ("gsm8k_cot_strict", AnswerGrader.LmEvalCotStrict),
        ("llama_strict", AnswerGrader.LmEvalLlamaStrict), ("flexible", AnswerGrader.LmEvalFlexible),
    ];

    [Fact]
    public void Every_filter_extracts_and_matches_as_recorded()
    {
        var cases = File.ReadLines(Fixtures.Part("math_grading", "cases.jsonl")).Select(Parsed).ToDictionary(json => Text(json, "id"));
        var wrong = new List<string>();
        foreach (var recorded in File.ReadLines(Fixtures.Part("math_grading", "lm_eval_gsm8k_filters.jsonl")).Select(Parsed))
        {
            var (id, given) = (Text(recorded, "id"), cases[Text(recorded, "id")]);
            foreach (var (column, grader) in Filters)
            {
                var extracted = LmEvalGsm8k.Extract(Text(given, "prediction"), grader);
                if (extracted != Text(recorded, column))
                    wrong.Add($"{id} {column}: extracted \"{extracted}\" instead of \"{Text(recorded, column)}\"");
                if (LmEvalGsm8k.Matches(extracted, Text(given, "gold")) != recorded.GetProperty($"{column}_match").GetBoolean())
                    wrong.Add($"{id} {column}: \"{extracted}\" against \"{Text(given, "gold")}\"");
            }
        }
        Assert.Empty(wrong);
    }

    private static JsonElement Parsed(string line) => JsonDocument.Parse(line).RootElement;

    private static string Text(JsonElement json, string name) => json.GetProperty(name).GetString()!;
}
