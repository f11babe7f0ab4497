using System.Collections.Immutable;
using Agora.Experiments;
using Agora.IntrinsicMetrics;
using Agora.LanguageModels;
using Agora.Tests.LanguageModels;
using Microsoft.Extensions.AI;

namespace Agora.Tests.IntrinsicMetrics;

public sealed class RubricJudgeTests
{
    private static readonly MeasuredInstance[] Instances = [new("What is 2 + 2?", "4"), new("Prove it.", "No.")];

    public static TheoryData<string, int?> PrometheusAnswers => new()
    {
        { "Feedback: The response is right. [RESULT] 4", 4 },
        { "Feedback: ... [RESULT] (5)", 5 },
        { "[result]3", 3 },
        { "Feedback: so. [RESULT] 6", null },
        { "Feedback: so. [RESULT] 4.5", null },
        { "Feedback: the score is 4", null },
        // The forms that prometheus-eval's own parser takes, and those that it does not.
        { "Excellent. [RESULT] 5 out of 5", 5 },
        { "Poor performance. [RESULT] score of 1", 1 },
        { "Needs improvement. [Result] Score: 2", 2 },
        { "Well done. [Result] Result: 4", 4 },
        { "Average. [Result] 4/5", 4 },
        { "Good job. (Score 5)", 5 },
        { "Good job. [Score 4]", 4 },
        { "Good job. [SCORE] 4", 4 },
        { "Good job. score: 3", 3 },
        { "Good job. score of 1", 1 },
        { "The score is definitely not 3.", null },
        { "I rate this a perfect 10!", null },
        { "Score: 2.5", null },
        { "Result: A", null },
        { "[RESULT] 10", null },
        // There it would be 3.
        { "A score of 3 would be for less. [RESULT] 4", 4 },
        { "[RESULT] 2 ... on second thought [RESULT] 3", null },
        { "", null },
    };

    [Theory]
    [MemberData(nameof(PrometheusAnswers))]
    public void Prometheus_answers_end_in_a_result(string answer, int? score) => Assert.Equal(score, JudgeFormat.Prometheus.Read(answer));

    [Theory]
    [InlineData("It is fine.\nScore: 4", 4)]
    [InlineData("**Score:** 2/5", 2)]
    [InlineData("A score of 3 would do.", null)]
    [InlineData("Score: 1\nScore: 5", null)]
    [InlineData("Score: 9", null)]
    public void Chat_answers_end_in_a_line_with_the_score(string answer, int? score) => Assert.Equal(score, JudgeFormat.Chat.Read(answer));

    [Fact]
    public void Every_domain_has_two_rubrics_of_five_levels()
    {
        foreach (var rubric in Enum.GetValues<Domain>().SelectMany(domain => new[] { Rubric.Difficulty(domain), Rubric.Quality(domain) }))
            Assert.Equal(5, rubric.Levels.Distinct().Count());
        Assert.NotEqual(Rubric.Difficulty(Domain.Math).Question, Rubric.Difficulty(Domain.Code).Question);
    }

    [Fact]
    public void Difficulty_is_judged_without_the_response_and_quality_with_it()
    {
        foreach (var format in (JudgeFormat[])[JudgeFormat.Chat, JudgeFormat.Prometheus])
        {
            string Asked(Rubric rubric) => string.Concat(format.Ask(rubric, new MeasuredInstance("THE-INSTRUCTION", "THE-RESPONSE")).Select(message => message.Text));
            Assert.Contains("THE-INSTRUCTION", Asked(Rubric.Difficulty(Domain.Math)), StringComparison.Ordinal);
            Assert.DoesNotContain("THE-RESPONSE", Asked(Rubric.Difficulty(Domain.Math)), StringComparison.Ordinal);
            Assert.Contains("THE-RESPONSE", Asked(Rubric.Quality(Domain.Math)), StringComparison.Ordinal);
        }
    }

    // Probabilities 0.6 and 0.2 of the scores 4 and 2, the rest elsewhere: (4 · 0.6 + 2 · 0.2) / 0.8 = 3.5.
    [Fact]
    public async Task The_expectation_is_the_mean_of_the_scores_by_their_probabilities()
    {
        using var model = new FakeChatClient(_ => Answer("Score: 4", TokenAlternatives.Of(" 4", [(" 4", Math.Log(0.6)), ("2", Math.Log(0.2)), ("x", Math.Log(0.2))])));
        var verdicts = await new RubricJudge(model, JudgeFormat.Chat, 2).JudgeAsync(Rubric.Quality(Domain.Math), Instances, TestContext.Current.CancellationToken);
        Assert.All(verdicts, verdict => Assert.Equal((4, 3.5), (verdict.Score!.Value, Math.Round(verdict.Expected!.Value, 12))));
    }

    [Fact]
    public async Task A_judge_that_never_gives_a_score_leaves_the_metric_without_value_and_says_so()
    {
        using var model = new FakeChatClient(_ => Answer("I would rather not."));
        var measurement = new DataSetMeasurement(new MetricInstruments { Judge = new RubricJudge(model, JudgeFormat.Chat, 2) }, new RandomStreams(1));
        var profile = (await measurement.MeasureAsync("g", null, Domain.Math, Instances, sample: null, against: null, TestContext.Current.CancellationToken)).Profile;
        var metric = profile.Metrics.Single(metric => metric.Name == "response_quality_judge");
        Assert.Null(metric.Value);
        Assert.Equal((0, 2, "none of 2 instances has a value: the answer holds no score that can be read"), (metric.Count, metric.Left, metric.Missing));
    }

    private static ChatResponse Answer(string text, params TokenAlternatives[] tokens) =>
        new(new ChatMessage(ChatRole.Assistant, text)) { AdditionalProperties = new() { [TokenAlternatives.PropertyName] = ImmutableArray.Create(tokens) } };
}
