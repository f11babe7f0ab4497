using Agora.Benchmarks;

namespace Agora.Tests.Benchmarks;

/// <summary>The project's own pairs of answers by kind, <c>math_pairs.tsv</c>: for each spelling of an answer, what equals it and what nearly does.</summary>
public sealed class MathPairsTests
{
    private sealed record Pair(string Kind, int Line, string Reference, string Answer, bool Same, string Mode);

    private static readonly Pair[] Pairs = [.. Read()];

    private static IEnumerable<Pair> Read()
    {
        var kind = "";
        foreach (var (place, line) in File.ReadLines(Path.Combine(Fixtures.Checkout, "tests", "Agora.Tests", "Benchmarks", "math_pairs.tsv")).Index())
        {
            if (line.StartsWith("# ", StringComparison.Ordinal))
            {
                kind = line[2..];
                continue;
            }
            var fields = line.Split('\t');
            yield return new Pair(kind, place + 1, fields[0], fields[1].Replace('\u2424', '\n'), fields[2] == "1", fields.Length > 3 ? fields[3] : "");
        }
    }

    public static TheoryData<string> Kinds => [.. Pairs.Select(pair => pair.Kind).Distinct()];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Equal_answers_are_told_from_near_misses(string kind)
    {
        var wrong = new List<string>();
        foreach (var pair in Pairs.Where(pair => pair.Kind == kind))
        {
            var answer = pair.Answer;
            if (pair.Mode.Contains('x', StringComparison.Ordinal))
                answer = MathAnswer.Extract(answer, pair.Mode.Contains('n', StringComparison.Ordinal) ? AnswerPolicy.Number : AnswerPolicy.Expression)?.Text ?? "";
            var same = MathEquivalence.AreEquivalent(pair.Reference, answer);
            var turned = pair.Mode.Length > 0 ? same : MathEquivalence.AreEquivalent(answer, pair.Reference);
            if (same != pair.Same || turned != pair.Same)
                wrong.Add($"line {pair.Line}: {pair.Reference}  {(pair.Same ? "=" : "≠")}  {answer}");
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }
}
