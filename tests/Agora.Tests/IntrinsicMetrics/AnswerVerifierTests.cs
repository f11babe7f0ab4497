using Agora.Experiments;
using Agora.IntrinsicMetrics;
using Agora.LanguageModels;
using Agora.Tests.LanguageModels;
using Microsoft.Extensions.AI;

namespace Agora.Tests.IntrinsicMetrics;

public sealed class AnswerVerifierTests
{
    [Theory]
    [InlineData("[RESULT] 4 [/RESULT]", "4 4 4 5 6", true, 0.6)]
    [InlineData("[RESULT] 8/2 [/RESULT]", "4 4 \\frac{12}{3} 5 6", true, 0.6)]
    [InlineData("[RESULT] 5 [/RESULT]", "4 4 4 5 6", false, 0.2)]
    [InlineData("[RESULT] 5 [/RESULT]", "4 4 5 5 6", null, 0.4)]
    [InlineData("[RESULT] 5 [/RESULT]", "- - - 5 5", null, 0.4)]
    [InlineData("I do not know.", "4 4 4 4 4", null, null)]
    public async Task What_more_than_half_of_the_solutions_arrive_at_is_held_against_the_answer(string response, string answers, bool? confirmed, double? agreement)
    {
        var solutions = new Queue<string>(answers.Split(' '));
        var seeds = new HashSet<long?>();
        using var solver = new FakeChatClient((messages, options, _) =>
        {
            lock (solutions)
            {
                seeds.Add(options!.Seed);
                Assert.Equal((0.9f, AnswerVerifier.MostTokens), (options.Temperature, options.MaxOutputTokens));
                Assert.Contains("What is 2 + 2?", messages[^1].Text, StringComparison.Ordinal);
                var answer = solutions.Dequeue();
                return Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, answer == "-" ? "It is hard to say." : $"So [RESULT] {answer} [/RESULT]")) { FinishReason = ChatFinishReason.Stop });
            }
        });
        var verdict = (await new AnswerVerifier(solver, new VerificationSpec { Solver = "", Temperature = 0.9 }, 2, new RandomStreams(1)).VerifyAsync([new MeasuredInstance("What is 2 + 2?", response)], TestContext.Current.CancellationToken)).Single();
        Assert.Equal((confirmed, agreement), (verdict.Confirmed, verdict.Agreement));
        Assert.Equal(confirmed is null, verdict.Why is not null);
        // Each solution is another request, or the journal would answer all with the first.
        Assert.Equal(agreement is null ? 0 : 5, seeds.Count);
    }

    [Fact]
    public async Task Solutions_that_were_cut_off_and_prompts_that_were_refused_give_no_answer()
    {
        using var cut = new FakeChatClient(_ => new ChatResponse(new ChatMessage(ChatRole.Assistant, "First 4, then")) { FinishReason = ChatFinishReason.Length });
        using var refusing = new FakeChatClient((Func<ChatMessage[], ChatResponse>)(_ => throw new PromptRefusedException("too long")));
        foreach (var (solver, why) in new[] { (cut, "no answer has a majority of 3 solutions"), (refusing, "too long") })
        {
            var measurement = new DataSetMeasurement(new MetricInstruments { Texts = false, Verifier = new AnswerVerifier(solver, new VerificationSpec { Solver = "", Samples = 3 }, 2, new RandomStreams(1)) }, new RandomStreams(1));
            var profile = (await measurement.MeasureAsync("g", null, Domain.Math, [new("a", "[RESULT] 4 [/RESULT]"), new("b", "[RESULT] 4 [/RESULT]")], null, null, TestContext.Current.CancellationToken)).Profile;
            var verified = profile.Metrics.Single(metric => metric.Name == "answer_verified");
            Assert.Equal((null, 0, 2, $"none of 2 instances has a value: {why}"), (verified.Value, verified.Count, verified.Left, verified.Missing));
        }
    }
}
