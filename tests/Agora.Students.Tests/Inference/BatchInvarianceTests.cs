using System.Collections.Immutable;
using Agora.Students.Inference;
using CsCheck;

namespace Agora.Tests.Inference;

/// <summary>A request's answer is the same bits whatever else the engine does. Byte-identical resumes rest on this.</summary>
public sealed class BatchInvarianceTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public BatchInvarianceTests() => RandomModel.Write(folder.Path);

    public void Dispose() => folder.Dispose();

    private static int[] Prompt(int length, int salt) => [.. Enumerable.Range(0, length).Select(i => (i * 31 + salt * 17 + 3) % 260)];

    private static SamplingParameters Sampled(int seed) =>
        new() { Temperature = 1, TopP = 0.95, RepetitionPenalty = 1.03, MaxTokens = 40, Seed = seed, EndTokens = [7], LogProbabilities = true };

    // Tokens could agree by luck; log-probabilities to the last bit do not.
    private static void AssertSame(Completion expected, Completion actual)
    {
        Assert.Equal(expected.Tokens, actual.Tokens);
        Assert.Equal(expected.Text, actual.Text);
        Assert.Equal(expected.End, actual.End);
        Assert.Equal(expected.LogProbabilities.Select(token => token.LogProbability), actual.LogProbabilities.Select(token => token.LogProbability));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task An_answer_is_the_same_alone_and_among_64_others_on_any_number_of_threads(int threads)
    {
        var prompts = Enumerable.Range(0, 65).Select(i => Prompt(1 + i * 3 % 150, i)).ToArray();
        var alone = new List<Completion>();
        using (var engine = InferenceEngine.Load(folder.Path, threads: 1))
        {
            for (var i = 0; i < prompts.Length; i++)
                alone.Add(await engine.CompleteAsync(prompts[i], Sampled(i), TestContext.Current.CancellationToken));
        }
        using var busy = InferenceEngine.Load(folder.Path, threads);
        var together = await Task.WhenAll(prompts.Select((prompt, i) => busy.CompleteAsync(prompt, Sampled(i), TestContext.Current.CancellationToken)));
        for (var i = 0; i < prompts.Length; i++)
            AssertSame(alone[i], together[i]);
    }

    [Fact]
    public async Task An_answer_is_the_same_after_its_prefix_was_read_before()
    {
        using var engine = InferenceEngine.Load(folder.Path, threads: 1);
        var head = Prompt(50, 1);
        int[] first = [.. head, .. Prompt(20, 2)];
        int[] second = [.. head, .. Prompt(33, 3)];
        var fresh = await engine.CompleteAsync(second, Sampled(5), TestContext.Current.CancellationToken);
        using var other = InferenceEngine.Load(folder.Path, threads: 1);
        await other.CompleteAsync(first, Sampled(4), TestContext.Current.CancellationToken);
        var reused = await other.CompleteAsync(second, Sampled(5), TestContext.Current.CancellationToken);
        Assert.Equal(0, fresh.CachedPromptTokens);
        Assert.Equal(48, reused.CachedPromptTokens);
        AssertSame(fresh, reused);
    }

    [Fact]
    public async Task Memory_that_is_scarce_makes_requests_wait_and_changes_no_answer()
    {
        var prompts = Enumerable.Range(0, 40).Select(i => (int[])[.. Prompt(20, i % 3), .. Prompt(30 + i, i)]).ToArray();
        using var roomy = InferenceEngine.Load(folder.Path, threads: 2);
        using var tight = InferenceEngine.Load(folder.Path, threads: 2, cacheBytes: 1);
        var expected = await Task.WhenAll(prompts.Select((prompt, i) => roomy.CompleteAsync(prompt, Sampled(i), TestContext.Current.CancellationToken)));
        var actual = await Task.WhenAll(prompts.Select((prompt, i) => tight.CompleteAsync(prompt, Sampled(i), TestContext.Current.CancellationToken)));
        for (var i = 0; i < prompts.Length; i++)
            AssertSame(expected[i], actual[i]);
        Assert.True(tight.CachePages <= 256 / 16);
    }

    [Fact]
    public void Losses_do_not_depend_on_what_else_is_measured()
    {
        using var engine = InferenceEngine.Load(folder.Path, threads: 2);
        Gen.Select(Gen.Int[2, 200], Gen.Int[1, 100], Gen.Int[0, 9]).Where((length, from, _) => from < length).Array[1, 30].Sample(requests =>
        {
            var together = Task.WhenAll(requests.Select(r => engine.TokenLossesAsync(Prompt(r.Item1, r.Item3), r.Item2))).GetAwaiter().GetResult();
            foreach (var (request, losses) in requests.Zip(together))
            {
                var alone = engine.TokenLossesAsync(Prompt(request.Item1, request.Item3), 1).GetAwaiter().GetResult();
                Assert.Equal(alone[(request.Item2 - 1)..], losses);
            }
        }, iter: 20);
    }

    [Fact]
    public async Task Equal_seeds_give_equal_answers_and_other_seeds_others()
    {
        using var engine = InferenceEngine.Load(folder.Path, threads: 2);
        var answers = await Task.WhenAll(new[] { 1, 1, 2 }.Select(seed => engine.CompleteAsync(Prompt(9, 1), Sampled(seed), TestContext.Current.CancellationToken)));
        AssertSame(answers[0], answers[1]);
        Assert.NotEqual(answers[0].Tokens, answers[2].Tokens);
    }
}
