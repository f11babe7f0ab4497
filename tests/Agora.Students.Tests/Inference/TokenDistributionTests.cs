using System.Text.Json;
using Agora.Students.Inference;
using CsCheck;

namespace Agora.Tests.Inference;

public sealed class TokenDistributionTests
{
    [Fact]
    public void Filtered_probabilities_are_those_of_the_reference()
    {
        foreach (var golden in GoldenCases.OfKind("logits_processing"))
        {
            foreach (var @case in golden.Cases)
            {
                var parameters = ParametersOf(@case.GetProperty("parameters"));
                var previous = GoldenCases.Matrix(@case.GetProperty("previous_ids"));
                var logits = golden.Tensor(@case.GetProperty("logits_tensor").GetString()!);
                var expected = golden.Tensor(@case.GetProperty("probabilities_tensor").GetString()!);
                var vocabulary = logits.Length / previous.Length;
                var distribution = new TokenDistribution(vocabulary);
                for (var row = 0; row < previous.Length; row++)
                {
                    var own = logits.AsSpan(row * vocabulary, vocabulary);
                    TokenDistribution.Penalize(own, previous[row].Distinct().ToArray(), parameters.RepetitionPenalty);
                    distribution.Filter(own, parameters);
                    Assert.Equal(@case.GetProperty("kept")[row].GetInt32(), distribution.Kept);
                    var actual = new float[vocabulary];
                    for (var i = 0; i < distribution.Kept; i++)
                        actual[distribution[i].Token] = (float)distribution[i].Probability;
                    for (var token = 0; token < vocabulary; token++)
                        Assert.Equal(expected[row * vocabulary + token], actual[token], 2e-6);
                }
            }
        }
    }

    // Candidates are gathered below a falling bound instead of sorting the vocabulary; that must never show.
    [Fact]
    public void Gathering_candidates_keeps_what_sorting_everything_would_keep() =>
        Gen.Select(Gen.Float[-15, 15].Array[1, 200], Gen.Double[0.01, 1], Gen.Int[0, 30], Gen.Double[0, 0.3], Gen.Double[0.1, 3]).Sample((logits, topP, topK, minP, temperature) =>
        {
            var parameters = new SamplingParameters { TopP = topP, TopK = topK, MinP = minP, Temperature = temperature };
            var distribution = new TokenDistribution(logits.Length);
            distribution.Filter(logits, parameters);
            var all = logits.Select((logit, token) => (token, weight: Math.Exp((logit - logits.Max()) / temperature))).OrderByDescending(t => t.weight).ToList();
            if (topK > 0)
                all = [.. all.Take(topK)];
            var total = all.Sum(t => t.weight);
            // The decision at a cut may fall either way within rounding.
            var before = 0.0;
            var (least, most) = (0, 0);
            foreach (var (_, weight) in all)
            {
                if (before < topP * total * (1 - 1e-5) && weight > minP * (1 + 1e-5))
                    least++;
                if ((before < topP * total * (1 + 1e-5) || topP == 1) && weight >= minP * (1 - 1e-5))
                    most++;
                before += weight;
            }
            return distribution.Kept >= Math.Max(1, least) && distribution.Kept <= Math.Max(1, most);
        });

    [Fact]
    public void Draws_follow_the_probabilities()
    {
        float[] logits = [0, MathF.Log(2), MathF.Log(5)];
        var distribution = new TokenDistribution(3);
        distribution.Filter(logits, new SamplingParameters());
        var counts = new int[3];
        for (var i = 0; i < 800; i++)
            counts[distribution.Draw((i + 0.5) / 800)]++;
        Assert.Equal([100, 200, 500], counts);
    }

    [Fact]
    public void Of_equally_likely_tokens_the_first_is_kept()
    {
        var distribution = new TokenDistribution(4);
        distribution.Filter([1, 3, 3, 3], new SamplingParameters { TopK = 2 });
        Assert.Equal([1, 2], Enumerable.Range(0, distribution.Kept).Select(i => distribution[i].Token));
    }

    private static SamplingParameters ParametersOf(JsonElement json)
    {
        double Number(string name, double absent) => json.TryGetProperty(name, out var value) ? value.GetDouble() : absent;
        return new SamplingParameters
        {
            Temperature = Number("temperature", 1),
            TopP = Number("top_p", 1),
            TopK = (int)Number("top_k", 0),
            MinP = Number("min_p", 0),
            RepetitionPenalty = Number("repetition_penalty", 1),
        };
    }
}
