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

    /// <summary>What docs/evaluation.md says where published graders differ: the verdict on every case that such a question decides.</summary>
    private static readonly Dictionary<string, bool> Policies = new()
    {
        ["policy:percent-symbol-dropped"] = true,
        ["policy:percent-words"] = true,
        ["policy:percent-scale"] = false,
        ["policy:ordered-list"] = true,                    // lists without brackets are unordered
        ["policy:tuple-vs-list"] = true,
        ["policy:decimal-comma"] = false,
        ["policy:interval-vs-relation"] = true,
        ["policy:no-nontrivial-simplification"] = true,     // equal is equal, however much arithmetic it takes
        ["policy:units-dropped"] = true,
    };

    [Fact]
    public void Every_documented_policy_holds_on_the_cases_that_it_decides()
    {
        var wrong = new List<string>();
        foreach (var json in File.ReadLines(Fixtures.Part("math_grading", "cases.jsonl")).Select(line => JsonDocument.Parse(line).RootElement))
        {
            if (!json.TryGetProperty("tags", out var tags))
                continue;
            foreach (var tag in tags.EnumerateArray().Select(tag => tag.GetString()!).Where(Policies.ContainsKey))
                if (AcceptsExpression(json.GetProperty("gold").GetString()!, json.GetProperty("prediction").GetString()!, decimals: null) != Policies[tag])
                    wrong.Add($"{json.GetProperty("id")} {tag}");
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
