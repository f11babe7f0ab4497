using System.Text.Json;
using Agora.Benchmarks;

namespace Agora.Tests.Benchmarks;

public sealed class MathGradingConformanceTests
{
    /// <summary>Sources whose answers are numbers by construction.</summary>
    private static bool IsNumeric(string source) => source.Contains("gsm8k", StringComparison.Ordinal) || source == "ToRA-recorded";

    // What the data ask for: published graders contradict each other on more than one case in a hundred.
    [Fact]
    public void Ninety_nine_in_a_hundred_core_cases_get_their_verdict()
    {
        var wrong = new List<string>();
        var cases = 0;
        foreach (var line in File.ReadLines(Fixtures.Part("math_grading", "cases.jsonl")))
        {
            var json = JsonDocument.Parse(line).RootElement;
            if (!IsCore(json))
                continue;
            cases++;
            var (gold, prediction) = (json.GetProperty("gold").GetString()!, json.GetProperty("prediction").GetString()!);
            var reference = gold.Contains("boxed", StringComparison.Ordinal) ? MathAnswer.Extract(gold, AnswerPolicy.Expression)?.Text ?? gold : gold;
            var accepted = IsNumeric(json.GetProperty("source").GetString()!) ? AcceptsNumber(reference, prediction) : AcceptsExpression(reference, prediction, Decimals(json));
            if (accepted != json.GetProperty("expected").GetBoolean())
                wrong.Add($"{json.GetProperty("id")}: reference {reference}, expected {json.GetProperty("expected")}");
        }
        Assert.NotEqual(0, cases);
        Assert.True(wrong.Count <= cases / 100, $"{wrong.Count} of {cases}:\n{string.Join('\n', wrong)}");
    }

    /// <summary>What docs/evaluation.md says where published graders differ: the verdict on the cases that such a question decides.</summary>
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
    public void Every_documented_policy_holds_on_the_cases_whose_source_follows_it()
    {
        var wrong = new List<string>();
        foreach (var json in File.ReadLines(Fixtures.Part("math_grading", "cases.jsonl")).Select(line => JsonDocument.Parse(line).RootElement))
        {
            if (!json.TryGetProperty("tags", out var tags))
                continue;
            // A case with two such questions, or with another fault besides, may be decided by the other one.
            var expected = json.GetProperty("expected").GetBoolean();
            if (tags.EnumerateArray().Select(tag => tag.GetString()!).ToArray() is not [var tag] || !Policies.TryGetValue(tag, out var policy) || policy != expected)
                continue;
            if (AcceptsExpression(json.GetProperty("gold").GetString()!, json.GetProperty("prediction").GetString()!, decimals: null) != policy)
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
