using Agora.Experiments;
using Agora.LanguageModels;
using Agora.Students.Inference;
using Agora.Students.Tokenization;
using Microsoft.Extensions.AI;

namespace Agora.Tests.Inference;

public sealed class EmbeddedChatClientTests : IDisposable
{
    private static readonly ChatMessage[] Question = [new(ChatRole.System, "Be brief."), new(ChatRole.User, "the cat sat on")];

    private readonly TemporaryFolder folder = new();
    private readonly InferenceEngine engine;
    private readonly EmbeddedChatClient chat;

    public EmbeddedChatClientTests()
    {
        RandomModel.Write(folder.Path);
        engine = InferenceEngine.Load(folder.Path, threads: 1);
        chat = new EmbeddedChatClient(engine);
    }

    public void Dispose()
    {
        chat.Dispose();
        engine.Dispose();
        folder.Dispose();
    }

    private static ChatOptions Options(Action<ChatOptions>? change = null)
    {
        var options = new ChatOptions { Temperature = 1, TopP = 0.9f, MaxOutputTokens = 30, Seed = 7 };
        change?.Invoke(options);
        return options;
    }

    [Fact]
    public async Task A_conversation_reaches_the_model_in_its_own_chat_format()
    {
        const string Rendered = "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nthe cat sat on<|eot_id|>"
            + "<|start_header_id|>assistant<|end_header_id|>\n\n";
        var response = await chat.GetResponseAsync(Question, Options(), TestContext.Current.CancellationToken);
        var prompt = engine.Tokenizer.Encode(Rendered, addSpecialTokens: false);
        var expected = await engine.CompleteAsync(prompt, new SamplingParameters { Temperature = 1, TopP = 0.9, MaxTokens = 30, Seed = 7 }, TestContext.Current.CancellationToken);
        Assert.Equal(expected.Text, response.Text);
        Assert.Equal(prompt.Length, response.Usage!.InputTokenCount);
        Assert.Equal(expected.Tokens.Length, response.Usage.OutputTokenCount);
    }

    // Magpie's request: nothing but the template up to where a user's words begin.
    [Fact]
    public async Task The_model_can_write_what_a_user_would_say()
    {
        var asUser = Options(o => o.AdditionalProperties = new AdditionalPropertiesDictionary { [SamplingOptions.AsUser] = true });
        var response = await chat.GetResponseAsync([], asUser, TestContext.Current.CancellationToken);
        var prompt = engine.Tokenizer.Encode("<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n", addSpecialTokens: false);
        var expected = await engine.CompleteAsync(prompt, new SamplingParameters { Temperature = 1, TopP = 0.9, MaxTokens = 30, Seed = 7 }, TestContext.Current.CancellationToken);
        Assert.Equal((expected.Text, prompt.Length), (response.Text, response.Usage!.InputTokenCount));
    }

    [Fact]
    public async Task Streamed_pieces_join_to_the_whole_answer()
    {
        var whole = await chat.GetResponseAsync(Question, Options(), TestContext.Current.CancellationToken);
        var updates = new List<ChatResponseUpdate>();
        await foreach (var update in chat.GetStreamingResponseAsync(Question, Options(), TestContext.Current.CancellationToken))
            updates.Add(update);
        Assert.True(updates.Count > 3);
        Assert.Equal(whole.Text, string.Concat(updates.Select(update => update.Text)));
        Assert.Equal(whole.FinishReason, updates[^1].FinishReason);
        Assert.Equal(whole.Usage!.OutputTokenCount, updates.ToChatResponse().Usage!.OutputTokenCount);
    }

    [Fact]
    public async Task An_answer_cut_off_at_the_limit_says_so() =>
        Assert.Equal(ChatFinishReason.Length, (await chat.GetResponseAsync(Question, Options(o => o.MaxOutputTokens = 1), TestContext.Current.CancellationToken)).FinishReason);

    [Fact]
    public async Task The_models_end_token_ends_the_answer_and_is_not_part_of_its_text()
    {
        var end = engine.Tokenizer.TokenId(TrainedTokenizer.EndOfTurn)!.Value;
        var prompt = new[] { 5 };
        for (var seed = 0; ; seed++)
        {
            var completion = await engine.CompleteAsync(prompt, new SamplingParameters { Seed = seed, Temperature = 3, MaxTokens = 200 }, TestContext.Current.CancellationToken);
            if (completion.End != CompletionEnd.Stop)
                continue;
            Assert.Equal(end, completion.Tokens[^1]);
            Assert.DoesNotContain(TrainedTokenizer.EndOfTurn, completion.Text, StringComparison.Ordinal);
            return;
        }
    }

    [Fact]
    public async Task A_stop_text_ends_the_answer_wherever_token_borders_fall()
    {
        var whole = (await chat.GetResponseAsync(Question, Options(), TestContext.Current.CancellationToken)).Text;
        for (var start = 0; start + 3 <= whole.Length; start++)
        {
            var stop = whole.Substring(start, 3);
            var stopped = await chat.GetResponseAsync(Question, Options(o => o.StopSequences = [stop]), TestContext.Current.CancellationToken);
            Assert.Equal(whole[..whole.IndexOf(stop, StringComparison.Ordinal)], stopped.Text);
            Assert.Equal(ChatFinishReason.Stop, stopped.FinishReason);
        }
    }

    [Fact]
    public async Task No_streamed_piece_holds_part_of_the_stop_text()
    {
        var whole = (await chat.GetResponseAsync(Question, Options(), TestContext.Current.CancellationToken)).Text;
        var stop = whole[^6..^1];
        var streamed = "";
        await foreach (var update in chat.GetStreamingResponseAsync(Question, Options(o => o.StopSequences = [stop]), TestContext.Current.CancellationToken))
        {
            streamed += update.Text;
            Assert.StartsWith(streamed, whole[..whole.IndexOf(stop, StringComparison.Ordinal)], StringComparison.Ordinal);
        }
        Assert.Equal(whole[..whole.IndexOf(stop, StringComparison.Ordinal)], streamed);
    }

    [Fact]
    public async Task The_repetition_penalty_is_read_from_the_additional_options()
    {
        var plain = await chat.GetResponseAsync(Question, Options(), TestContext.Current.CancellationToken);
        var off = Options(o => o.AdditionalProperties = new() { [SamplingOptions.RepetitionPenalty] = 1.0 });
        var on = Options(o => o.AdditionalProperties = new() { [SamplingOptions.RepetitionPenalty] = 3.0 });
        Assert.Equal(plain.Text, (await chat.GetResponseAsync(Question, off, TestContext.Current.CancellationToken)).Text);
        Assert.NotEqual(plain.Text, (await chat.GetResponseAsync(Question, on, TestContext.Current.CancellationToken)).Text);
    }

    public static TheoryData<string> Samplings => ["temperature", "top_p", "top_k", "min_p", "repetition_penalty", "stop", "max_tokens", "seed"];

    // No option may be lost on its way from a caller to the sampler.
    [Theory]
    [MemberData(nameof(Samplings))]
    public async Task Every_sampling_option_changes_the_answer_as_the_engines_own_parameter_does(string option)
    {
        static ChatOptions Plain() => new() { Temperature = 1.5f, MaxOutputTokens = 30, Seed = 7 };
        var plain = new SamplingParameters { Temperature = 1.5, MaxTokens = 30, Seed = 7 };
        var free = await chat.GetResponseAsync(Question, Plain(), TestContext.Current.CancellationToken);
        var changed = Plain();
        SamplingParameters expected;
        switch (option)
        {
            case "temperature":
                (changed.Temperature, expected) = (0.3f, plain with { Temperature = 0.3 });
                break;
            case "top_p":
                (changed.TopP, expected) = (0.2f, plain with { TopP = 0.2 });
                break;
            case "top_k":
                (changed.TopK, expected) = (2, plain with { TopK = 2 });
                break;
            case "min_p":
                (changed.AdditionalProperties, expected) = (new() { [SamplingOptions.MinP] = 0.5 }, plain with { MinP = 0.5 });
                break;
            case "repetition_penalty":
                (changed.AdditionalProperties, expected) = (new() { [SamplingOptions.RepetitionPenalty] = 4.0 }, plain with { RepetitionPenalty = 4 });
                break;
            case "stop":
                var stop = free.Text.Substring(2, 2);
                (changed.StopSequences, expected) = ([stop], plain with { Stop = [stop] });
                break;
            case "max_tokens":
                (changed.MaxOutputTokens, expected) = (9, plain with { MaxTokens = 9 });
                break;
            default:
                (changed.Seed, expected) = (8, plain with { Seed = 8 });
                break;
        }
        var answer = await chat.GetResponseAsync(Question, changed, TestContext.Current.CancellationToken);
        Assert.NotEqual(free.Text, answer.Text);
        var prompt = engine.Tokenizer.Encode(
            "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nthe cat sat on<|eot_id|>"
            + "<|start_header_id|>assistant<|end_header_id|>\n\n", addSpecialTokens: false);
        Assert.Equal((await engine.CompleteAsync(prompt, expected, TestContext.Current.CancellationToken)).Text, answer.Text);
    }

    [Fact]
    public async Task A_response_of_nothing_but_special_tokens_has_no_likelihood()
    {
        var model = new EmbeddedLikelihoodModel(engine, systemMessage: null);
        var refused = await Assert.ThrowsAsync<PromptRefusedException>(() => model.TokenLossesAsync([("the cat", "<|eot_id|>")], TestContext.Current.CancellationToken));
        Assert.Contains("nothing but special tokens", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_text_that_cannot_be_embedded_is_named_by_its_place()
    {
        var embeddings = new EmbeddedEmbeddings(engine);
        var fault = await Assert.ThrowsAsync<AgoraException>(() => embeddings.GenerateAsync(["the cat", "<|eot_id|>"], cancellationToken: TestContext.Current.CancellationToken));
        Assert.StartsWith("text 2 of 2", fault.Where, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Log_probabilities_come_with_the_answer_where_asked_for()
    {
        var options = Options(o =>
        {
            o.Temperature = 0;
            o.AdditionalProperties = new() { [EmbeddedChatClient.TopLogProbabilitiesOption] = 3 };
        });
        var response = await chat.GetResponseAsync(Question, options, TestContext.Current.CancellationToken);
        var tokens = Assert.IsType<System.Collections.Immutable.ImmutableArray<TokenLogProbability>>(response.AdditionalProperties![EmbeddedChatClient.LogProbabilitiesKey]);
        Assert.Equal(response.Usage!.OutputTokenCount, tokens.Length);
        Assert.All(tokens, token =>
        {
            Assert.Equal(3, token.Alternatives.Length);
            Assert.Equal((token.Token, token.LogProbability), token.Alternatives[0]);       // greedy takes the best
            Assert.True(token.Alternatives[0].LogProbability >= token.Alternatives[1].LogProbability);
        });
    }

    [Fact]
    public async Task A_conversation_longer_than_the_context_is_refused_as_one_prompt()
    {
        var endless = new ChatMessage(ChatRole.User, string.Join(' ', Enumerable.Repeat("cat", 400)));
        var refused = await Assert.ThrowsAsync<PromptRefusedException>(() => chat.GetResponseAsync([endless], Options(), TestContext.Current.CancellationToken));
        Assert.Contains("the model's context is 256", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_engine_cannot_do_is_refused() =>
        await Assert.ThrowsAsync<NotSupportedException>(() =>
            chat.GetResponseAsync(Question, Options(o => o.ResponseFormat = ChatResponseFormat.Json), TestContext.Current.CancellationToken));

    [Fact]
    public async Task Losses_of_a_response_are_those_of_its_own_tokens()
    {
        var model = new EmbeddedLikelihoodModel(engine, "Be brief.");
        var losses = await model.TokenLossesAsync([("the cat sat on", "the mat"), ("the dog", "")], TestContext.Current.CancellationToken);
        var prompt = engine.Tokenizer.Encode(
            "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nthe cat sat on<|eot_id|>"
            + "<|start_header_id|>assistant<|end_header_id|>\n\n", addSpecialTokens: false);
        int[] text = [.. prompt, .. engine.Tokenizer.Encode("the mat", addSpecialTokens: false)];
        Assert.Equal(await engine.TokenLossesAsync(text, prompt.Length, TestContext.Current.CancellationToken), losses[0]);
        Assert.Empty(losses[1]);
    }

    [Fact]
    public async Task An_embedding_is_the_same_alone_and_among_others()
    {
        var embeddings = new EmbeddedEmbeddings(engine);
        string[] texts = ["the cat", "the dog sat on the mat", string.Join(' ', Enumerable.Repeat("log", 60))];
        var together = await embeddings.GenerateAsync(texts, cancellationToken: TestContext.Current.CancellationToken);
        foreach (var (text, expected) in texts.Zip(together))
        {
            var alone = await embeddings.GenerateAsync([text], cancellationToken: TestContext.Current.CancellationToken);
            Assert.Equal(expected.Vector.ToArray(), alone[0].Vector.ToArray());
        }
    }
}
