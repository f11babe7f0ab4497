using Agora.DataGeneration.Filters;
using Agora.Experiments;
using Agora.IntrinsicMetrics;
using Agora.LanguageModels;

namespace Agora.Tests.IntrinsicMetrics;

public sealed class DataSetMeasurementTests
{
    private static readonly MeasuredInstance[] Instances =
    [
        new("Add 1 and 2.", "3", OutputTokens: 4, Theme: "sums"), new("add 1 and 2", "It is three.", OutputTokens: 6, Theme: "sums"),
        new("Name a colour.", "красный", Theme: "words"), new("How many legs has a spider, if it has lost none of them and grown none since last week?", "8"),
    ];

    [Fact]
    public async Task Texts_are_measured_without_any_model()
    {
        var profile = await MeasureAsync(new MetricInstruments(), against: ["How many legs has a spider, if it has lost none of them and grown none since last week?"]);
        double Value(string name) => profile.Metrics.Single(metric => metric.Name == name).Value!.Value;
        // The second repeats the first but for case; a full stop is a word of its own.
        Assert.Equal(0, Value("duplicate_instructions"));
        Assert.Equal(0.25, Value("contaminated"));
        Assert.Equal(5, Value("output_tokens"));
        // Two themes in the shares 2/3 and 1/3; entropy from three counts of two kinds is too low by (2 - 1) / (2 · 3).
        Assert.Equal(Math.Exp(-(2.0 / 3 * Math.Log(2.0 / 3) + 1.0 / 3 * Math.Log(1.0 / 3)) + 1.0 / 6), Value("effective_themes"), 1e-12);
        Assert.Equal(2, profile.Metrics.Single(metric => metric.Name == "output_tokens").Left);
        Assert.True(Value("letters_not_latin") > 0);
        Assert.DoesNotContain(profile.Metrics, metric => metric.Name is "perplexity" or "response_reward" or "instruction_diversity_cdist");
    }

    [Fact]
    public async Task Rewards_that_are_no_numbers_and_texts_that_do_not_fit_are_counted()
    {
        var profile = await MeasureAsync(new MetricInstruments { Reward = new Rewards(), Likelihood = new Likelihoods() });
        var reward = profile.Metrics.Single(metric => metric.Name == "response_reward");
        Assert.Equal((2.0, 3, 1), (reward.Value!.Value, reward.Count, reward.Left));
        // Losses ln 2 and ln 8 a token: perplexity 4 for each instance that fits; an empty one has none.
        var perplexity = profile.Metrics.Single(metric => metric.Name == "perplexity");
        Assert.Equal((4.0, 3, 1), (Math.Round(perplexity.Value!.Value, 5), perplexity.Count, perplexity.Left));
    }

    [Fact]
    public async Task Rewards_that_are_all_no_numbers_are_said_to_be_and_no_zero_stands_for_them()
    {
        var profile = (await new DataSetMeasurement(new MetricInstruments { Texts = false, Reward = new Rewards() }, new RandomStreams(1))
            .MeasureAsync("g", null, null, [new("a", "8"), new("b", "8")], null, null, TestContext.Current.CancellationToken)).Profile;
        var reward = profile.Metrics.Single();
        Assert.Equal((null, null, 0, 2, "none of 2 instances has a value: what was measured is no number (NaN or infinite)"), (reward.Value, reward.Low, reward.Count, reward.Left, reward.Missing));
    }

    [Fact]
    public async Task A_sample_is_measured_and_the_rest_is_counted()
    {
        var profile = (await new DataSetMeasurement(new MetricInstruments(), new RandomStreams(1)).MeasureAsync("g", null, null, Instances, sample: 2, against: null, TestContext.Current.CancellationToken)).Profile;
        Assert.Equal((4, 2), (profile.Instances, profile.Measured));
        Assert.Equal(2, profile.Metrics.Single(metric => metric.Name == "response_words").Count);
    }

    private static async Task<DataSetProfile> MeasureAsync(MetricInstruments instruments, string[]? against = null) =>
        (await new DataSetMeasurement(instruments, new RandomStreams(1)).MeasureAsync("g", null, null, Instances, sample: null,
            against is null ? null : new TestSetIndex(new DecontaminationSpec(), [new TestSet("test", [.. against.Select(text => ("1", text))])]), TestContext.Current.CancellationToken)).Profile;

    private sealed class Rewards : IRewardModel
    {
        public Task<IReadOnlyList<float>> ScoreAsync(IReadOnlyList<(string Instruction, string Response)> pairs, CancellationToken cancellationToken) =>
            Task.FromResult<IReadOnlyList<float>>([.. pairs.Select(pair => pair.Response == "8" ? float.NaN : 2)]);
    }

    private sealed class Likelihoods : ILikelihoodModel
    {
        public Task<IReadOnlyList<float[]>> TokenLossesAsync(IReadOnlyList<(string Instruction, string Response)> pairs, CancellationToken cancellationToken) =>
            pairs.Any(pair => pair.Instruction.Length > 50)
                ? throw new PromptRefusedException("too long")
                : Task.FromResult<IReadOnlyList<float[]>>([.. pairs.Select(_ => new[] { MathF.Log(2), MathF.Log(8) })]);
    }
}
