using System.Collections.Immutable;

namespace Agora.Analysis;

/// <summary>A data set's mean reward, discounted by how unlikely the untrained student finds its responses: r / (1 + β · loss).</summary>
/// <remarks>
/// After Xu et al. 2024 (arXiv:2411.07133, "Stronger Models are NOT Stronger Teachers for Instruction Tuning"), where r is a reward model's mean and the loss that of the base model on the
/// responses. Here the loss is the logarithm of the mean perplexity. Without a reward model r is <see cref="ImplicitReward"/>.
/// </remarks>
/// <param name="Reward">Name of the feature that is the reward.</param>
internal sealed record CompatibilityAdjustedReward(string Reward)
{
    public const double Beta = 3;
    public const string Perplexity = "perplexity";
    /// <summary>How much likelier the reference finds a response's tokens than the base model does, in nats a token (after Rafailov et al. 2023, arXiv:2305.18290).</summary>
    public const string ImplicitReward = "implicit_reward";

    public ImmutableArray<string> Needs => [Reward, Perplexity];

    /// <returns>Null where the features hold no reward or no perplexity.</returns>
    public static CompatibilityAdjustedReward? Of(ImmutableArray<string> features) =>
        !features.Contains(Perplexity) ? null
        : features.FirstOrDefault(feature => feature is "response_reward" or "response_quality_skywork_rm") is { } reward ? new CompatibilityAdjustedReward(reward)
        : features.Contains(ImplicitReward) ? new CompatibilityAdjustedReward(ImplicitReward)
        : null;

    public double Value(Func<string, double> feature) => feature(Reward) / (1 + Beta * Math.Log(feature(Perplexity)));
}
