using Agora.Experiments;
using Agora.Students.Inference;

namespace Agora.Tests.Inference;

public sealed class InferenceEngineTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public InferenceEngineTests() => RandomModel.Write(folder.Path);

    public void Dispose() => folder.Dispose();

    private static SamplingParameters Long => new() { Temperature = 1, EndTokens = [] };

    [Fact]
    public async Task An_answer_that_nobody_waits_for_gives_its_place_back()
    {
        using var engine = InferenceEngine.Load(folder.Path, threads: 1);
        using var stop = new CancellationTokenSource();
        var abandoned = Enumerable.Range(0, 80).Select(i => engine.CompleteAsync([i + 1], Long, stop.Token)).ToList();
        await stop.CancelAsync();
        foreach (var answer in abandoned)
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => answer);
        var wanted = await engine.CompleteAsync([1, 2], Long with { MaxTokens = 3 }, TestContext.Current.CancellationToken);
        Assert.Equal(3, wanted.Tokens.Length);
        Assert.Equal(0, engine.CachePages);
    }

    [Fact]
    public async Task A_reader_who_leaves_a_stream_early_stops_the_writing()
    {
        using var engine = InferenceEngine.Load(folder.Path, threads: 1);
        await foreach (var _ in engine.StreamAsync([1], Long, TestContext.Current.CancellationToken))
            break;
        await engine.CompleteAsync([1, 2], Long with { MaxTokens = 3 }, TestContext.Current.CancellationToken);
        Assert.Equal(0, engine.Pending);
    }

    [Fact]
    public async Task An_answer_ends_where_the_context_ends()
    {
        using var engine = InferenceEngine.Load(folder.Path, threads: 1);
        var answer = await engine.CompleteAsync([.. Enumerable.Repeat(3, 250)], Long, TestContext.Current.CancellationToken);
        Assert.Equal(6, answer.Tokens.Length);
        Assert.Equal(CompletionEnd.Length, answer.End);
    }

    [Fact]
    public async Task A_prompt_that_fills_the_context_is_an_error_with_both_lengths()
    {
        using var engine = InferenceEngine.Load(folder.Path, threads: 1);
        var fault = await Assert.ThrowsAsync<AgoraException>(() => engine.CompleteAsync([.. Enumerable.Repeat(3, 256)], Long, TestContext.Current.CancellationToken));
        Assert.Contains("256 tokens does not fit the model's context of 256 and leave room", fault.What, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_that_the_model_does_not_know_is_an_error_that_names_it()
    {
        using var engine = InferenceEngine.Load(folder.Path, threads: 1);
        var fault = await Assert.ThrowsAsync<AgoraException>(() => engine.CompleteAsync([100_000], Long, TestContext.Current.CancellationToken));
        Assert.Contains("token 100000 has no row", fault.What, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_empty_prompt_is_an_error_that_says_so()
    {
        using var engine = InferenceEngine.Load(folder.Path, threads: 1);
        foreach (var request in (Func<Task>[])[() => engine.CompleteAsync([], Long), () => engine.EmbedAsync([]), () => engine.TokenLossesAsync([], 1)])
            Assert.Contains("is empty", (await Assert.ThrowsAsync<AgoraException>(request)).What, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_but_special_tokens_can_be_continued_and_not_measured()
    {
        using var reward = new TemporaryFolder();
        RandomModel.Write(reward.Path, RandomModel.Reward);
        using var engine = InferenceEngine.Load(folder.Path, threads: 1);
        using var scorer = InferenceEngine.Load(reward.Path, threads: 1);
        var ids = engine.Tokenizer.Encode("<|begin_of_text|><|eot_id|><|eot_id|>", addSpecialTokens: false);
        Assert.Equal(3, ids.Length);
        Assert.Equal(2, (await engine.CompleteAsync(ids, Long with { MaxTokens = 2 }, TestContext.Current.CancellationToken)).Tokens.Length);
        Assert.Contains("nothing but special tokens", (await Assert.ThrowsAsync<AgoraException>(() => engine.EmbedAsync(ids, TestContext.Current.CancellationToken))).What, StringComparison.Ordinal);
        Assert.Contains("nothing but special tokens", (await Assert.ThrowsAsync<AgoraException>(() => scorer.ScoreAsync(ids, TestContext.Current.CancellationToken))).What, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_longer_than_the_context_is_not_promised()
    {
        using var engine = InferenceEngine.Load(folder.Path, threads: 1);
        var fault = await Assert.ThrowsAsync<AgoraException>(() => engine.CompleteAsync([1], Long with { MaxTokens = 257 }, TestContext.Current.CancellationToken));
        Assert.Contains("257 tokens is more than the model's context of 256", fault.What, StringComparison.Ordinal);
        Assert.Equal(255, (await engine.CompleteAsync([1], Long with { MaxTokens = 256 }, TestContext.Current.CancellationToken)).Tokens.Length);
    }

    [Fact]
    public async Task An_answer_of_no_tokens_is_refused()
    {
        using var engine = InferenceEngine.Load(folder.Path, threads: 1);
        var fault = await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => engine.CompleteAsync([1], Long with { MaxTokens = 0 }, TestContext.Current.CancellationToken));
        Assert.Contains("max tokens must be above 0", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-0.1, 1, 0, 0, 1)]
    [InlineData(1, 0, 0, 0, 1)]
    [InlineData(1, 1.1, 0, 0, 1)]
    [InlineData(1, 1, -1, 0, 1)]
    [InlineData(1, 1, 0, 2, 1)]
    [InlineData(1, 1, 0, 0, 0)]
    public async Task A_sampling_parameter_outside_its_range_is_refused(double temperature, double topP, int topK, double minP, double penalty)
    {
        using var engine = InferenceEngine.Load(folder.Path, threads: 1);
        var parameters = new SamplingParameters { Temperature = temperature, TopP = topP, TopK = topK, MinP = minP, RepetitionPenalty = penalty };
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => engine.CompleteAsync([1], parameters, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Requests_that_wait_when_the_engine_goes_fail_at_once()
    {
        var engine = InferenceEngine.Load(folder.Path, threads: 1);
        var answers = Enumerable.Range(0, 100).Select(i => engine.CompleteAsync([i + 1], Long, TestContext.Current.CancellationToken)).ToList();
        engine.Dispose();
        var outcomes = await Task.WhenAll(answers.Select(async answer =>
        {
            try
            {
                await answer;
                return true;
            }
            catch (ObjectDisposedException)
            {
                return false;
            }
        }));
        Assert.Contains(false, outcomes);
    }

    [Fact]
    public async Task Logits_that_overflow_fail_their_own_request_with_the_reason()
    {
        using var huge = new TemporaryFolder();
        RandomModel.Write(huge.Path, spread: 1e18);
        using var engine = InferenceEngine.Load(huge.Path, threads: 1);
        var fault = await Assert.ThrowsAsync<AgoraException>(() => engine.CompleteAsync([1], Long with { MaxTokens = 2 }, TestContext.Current.CancellationToken));
        Assert.Contains("not finite", fault.What, StringComparison.Ordinal);
        Assert.Equal(huge.Path, fault.Where);
    }

    [Fact]
    public async Task Many_answers_take_no_more_memory_than_a_few()
    {
        using var engine = InferenceEngine.Load(folder.Path, threads: 1);
        async Task Answer(int salt) =>
            await Task.WhenAll(Enumerable.Range(0, 16).Select(i => engine.CompleteAsync([.. Enumerable.Range(0, 40).Select(k => (k * 7 + i + salt * 16) % 250)], Long with { MaxTokens = 20 }, TestContext.Current.CancellationToken)));
        for (var salt = 0; salt < 10; salt++)
            await Answer(salt);
        var (pages, managed) = (engine.CachePages, GC.GetTotalMemory(forceFullCollection: true));
        for (var salt = 10; salt < 40; salt++)
            await Answer(salt);
        // The prefix cache has its bound, everything else is given back.
        Assert.True(engine.CachePages <= pages + 40 * 16 * 2, $"{engine.CachePages} pages after {pages}");
        Assert.True(GC.GetTotalMemory(forceFullCollection: true) - managed < 4 << 20);
    }

    [Fact]
    public async Task A_model_that_scores_does_not_write_and_one_that_writes_does_not_score()
    {
        using var reward = new TemporaryFolder();
        RandomModel.Write(reward.Path, RandomModel.Reward);
        using var scorer = InferenceEngine.Load(reward.Path, threads: 1);
        using var writer = InferenceEngine.Load(folder.Path, threads: 1);
        Assert.Contains("reward model", (await Assert.ThrowsAsync<AgoraException>(() => scorer.CompleteAsync([1], Long, TestContext.Current.CancellationToken))).What, StringComparison.Ordinal);
        Assert.Contains("no score head", (await Assert.ThrowsAsync<AgoraException>(() => writer.ScoreAsync([1], TestContext.Current.CancellationToken))).What, StringComparison.Ordinal);
    }
}
