using System.Collections.Immutable;
using System.Globalization;
using Agora.LanguageModels;
using Microsoft.Extensions.AI;

namespace Agora.IntrinsicMetrics;

/// <summary>A chat model that scores instances by a rubric.</summary>
/// <param name="parallel">Requests in flight.</param>
public sealed class RubricJudge(IChatClient model, JudgeFormat format, int parallel)
{
    private const int Likely = 10;

    /// <summary>One verdict per instance, in their order.</summary>
    public async Task<ImmutableArray<RubricVerdict>> JudgeAsync(Rubric rubric, IReadOnlyList<MeasuredInstance> instances, CancellationToken cancellationToken)
    {
        var verdicts = new RubricVerdict[instances.Count];
        var options = new ChatOptions { Temperature = 0, MaxOutputTokens = 512, AdditionalProperties = new() { [SamplingOptions.TopLogProbabilities] = Likely } };
        await Parallel.ForAsync(0, instances.Count, new ParallelOptions { MaxDegreeOfParallelism = parallel, CancellationToken = cancellationToken }, async (place, stop) =>
        {
            ChatResponse response;
            try
            {
                response = await model.GetResponseAsync(format.Ask(rubric, instances[place]), options, stop);
            }
            catch (PromptRefusedException refusal)
            {
                verdicts[place] = new RubricVerdict(null, null, refusal.Message);
                return;
            }
            var score = format.Read(response.Text);
            verdicts[place] = new RubricVerdict(score, score is { } written ? Expectation(TokenAlternatives.Of(response), written) : null, score is null ? "the answer holds no score that can be read" : null);
        });
        return [.. verdicts];
    }

    /// <summary>The mean score by the probabilities of 1 to 5 where the judge wrote its score.</summary>
    /// <returns>Null without log-probabilities there.</returns>
    internal static double? Expectation(ImmutableArray<TokenAlternatives> tokens, int score)
    {
        var written = score.ToString(CultureInfo.InvariantCulture);
        if (tokens.LastOrDefault(token => token.Token.Trim() == written) is not { Alternatives.IsDefaultOrEmpty: false } place)
            return null;
        var (mass, sum) = (0.0, 0.0);
        foreach (var likely in place.Alternatives)
        {
            if (likely.Token.Trim() is not [>= '1' and <= '5'] digit)
                continue;
            var probability = Math.Exp(likely.LogProbability);
            mass += probability;
            sum += probability * (digit[0] - '0');
        }
        return mass > 0 ? sum / mass : null;
    }
}

/// <param name="Score">1 to 5; null where it could not be read.</param>
/// <param name="Expected">From log-probabilities; null where the endpoint gives none.</param>
/// <param name="Unreadable">Why there is no score.</param>
public sealed record RubricVerdict(int? Score, double? Expected, string? Unreadable);
