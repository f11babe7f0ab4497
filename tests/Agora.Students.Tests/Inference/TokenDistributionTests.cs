using System.Text.Json;
using Agora.Students.Inference;

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
