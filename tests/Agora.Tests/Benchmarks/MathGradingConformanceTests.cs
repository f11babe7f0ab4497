using System.Text.Json;
using Agora.Benchmarks;

namespace Agora.Tests.Benchmarks;

public sealed class MathGradingConformanceTests
{
    /// <summary>Sources whose answers are numbers by construction.</summary>
    private static bool IsNumeric(string source) => source.Contains("gsm8k", StringComparison.Ordinal) || source == "ToRA-recorded";

    [Fact]
    public void Every_core_case_gets_its_verdict()
    {
        var wrong = new List<string>();
        foreach (var line in File.ReadLines(Fixtures.Part("math_grading", "cases.jsonl")))
        {
            var json = JsonDocument.Parse(line).RootElement;
            if (!IsCore(json))
                continue;
            var (gold, prediction) = (json.GetProperty("gold").GetString()!, json.GetProperty("prediction").GetString()!);
            var reference = gold.Contains("boxed", StringComparison.Ordinal) ? MathAnswer.Extract(gold, AnswerPolicy.Expression)!.Text : gold;
            var accepted = IsNumeric(json.GetProperty("source").GetString()!) ? AcceptsNumber(reference, prediction) : AcceptsExpression(reference, prediction, Decimals(json));
            if (accepted != json.GetProperty("expected").GetBoolean())
                wrong.Add($"{json.GetProperty("id")}: reference {reference}, expected {json.GetProperty("expected")}");
        }
        Assert.Empty(wrong);
    }

    private static bool AcceptsNumber(string reference, string prediction) =>
        MathGrading.TryReadNumber(reference, out var value) && MathGrading.Number(prediction, value).Grade is Grade.Scored(1);

    private static bool AcceptsExpression(string reference, string prediction, int? decimals) =>
        MathAnswer.Extract(prediction, AnswerPolicy.Expression) is { } answer && MathEquivalence.AreEquivalent(reference, answer.Text, decimals);

    private static bool IsCore(JsonElement json) =>
        !json.TryGetProperty("tags", out var tags)
        || !tags.EnumerateArray().Select(tag => tag.GetString()!).Any(tag => tag.StartsWith("policy:", StringComparison.Ordinal) || tag is "label-mathematically-wrong" or "source-escape-slip");

    private static int? Decimals(JsonElement json) =>
        json.TryGetProperty("options", out var options) && options.ValueKind == JsonValueKind.Object && options.TryGetProperty("float_rounding", out var places) ? places.GetInt32() : null;
}
