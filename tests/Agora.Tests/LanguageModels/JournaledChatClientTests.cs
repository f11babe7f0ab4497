using Agora.LanguageModels;
using Microsoft.Extensions.AI;

namespace Agora.Tests.LanguageModels;

public sealed class JournaledChatClientTests
{
    private readonly DictionaryJournal journal = new();

    [Fact]
    public async Task What_the_journal_holds_is_not_asked_again()
    {
        var inner = new FakeChatClient(messages => Said("to " + messages[^1].Text));
        var first = await AskAsync(new JournaledChatClient(inner, journal, "model"), "hello");
        var second = await AskAsync(new JournaledChatClient(inner, journal, "model"), "hello");
        Assert.Equal(1, inner.Calls);
        Assert.Equal(Parts(first), Parts(second));
        Assert.Equal(("to hello", (ChatFinishReason?)ChatFinishReason.Stop, 3L, 2L, "said-model"), Parts(second));
    }

    [Fact]
    public async Task A_replayed_completion_without_usage_and_finish_reason_has_none_either()
    {
        var client = new JournaledChatClient(new FakeChatClient(_ => new ChatResponse(new ChatMessage(ChatRole.Assistant, "x"))), journal, "model");
        await AskAsync(client, "hello");
        var replayed = await AskAsync(client, "hello");
        Assert.Null(replayed.FinishReason);
        Assert.Null(replayed.Usage);
    }

    public static TheoryData<string, ChatOptions> Differences => new()
    {
        { "nothing", new ChatOptions() },
        { "temperature", new ChatOptions { Temperature = 0.5f } },
        { "top_p", new ChatOptions { TopP = 0.5f } },
        { "top_k", new ChatOptions { TopK = 5 } },
        { "length", new ChatOptions { MaxOutputTokens = 5 } },
        { "seed", new ChatOptions { Seed = 5 } },
        { "stop", new ChatOptions { StopSequences = ["5"] } },
        { "two stops", new ChatOptions { StopSequences = ["5", ""] } },
        { "penalty", new ChatOptions { AdditionalProperties = new() { [SamplingOptions.RepetitionPenalty] = 1.03 } } },
        { "other penalty", new ChatOptions { AdditionalProperties = new() { [SamplingOptions.RepetitionPenalty] = 1.04 } } },
        { "frequency", new ChatOptions { FrequencyPenalty = 1 } },
        { "presence", new ChatOptions { PresencePenalty = 1 } },
        { "json", new ChatOptions { ResponseFormat = ChatResponseFormat.Json } },
        { "text", new ChatOptions { ResponseFormat = ChatResponseFormat.Text } },
    };

    [Fact]
    public void Everything_that_changes_the_answer_is_part_of_the_key()
    {
        ChatMessage[] messages = [new(ChatRole.User, "hello")];
        var keys = Differences.Select(row => ChatRequestKey.Of("model", messages, row.Data.Item2)).ToList();
        keys.Add(ChatRequestKey.Of("other model", messages, null));
        keys.Add(ChatRequestKey.Of("model", [new(ChatRole.System, "hello")], null));
        keys.Add(ChatRequestKey.Of("model", [new(ChatRole.User, "hello "), .. messages], null));
        Assert.Equal(keys.Count, keys.Distinct().Count());
        Assert.Equal(keys[0], ChatRequestKey.Of("model", messages, null));
    }

    [Fact]
    public void Options_that_the_key_does_not_cover_are_refused() =>
        Assert.Throws<NotSupportedException>(() => ChatRequestKey.Of("model", [], new ChatOptions { RawRepresentationFactory = _ => null }));

    [Fact]
    public async Task Equal_requests_at_one_time_are_asked_once()
    {
        var gate = new TaskCompletionSource();
        var inner = new FakeChatClient(async (_, _, _) =>
        {
            await gate.Task;
            return Said("x");
        });
        var client = new JournaledChatClient(inner, journal, "model");
        var answers = Enumerable.Range(0, 20).Select(_ => AskAsync(client, "hello")).ToArray();
        gate.SetResult();
        await Task.WhenAll(answers);
        Assert.Equal(1, inner.Calls);
    }

    [Fact]
    public async Task A_request_that_failed_for_one_caller_is_asked_again_for_the_next()
    {
        var gate = new TaskCompletionSource();
        var calls = 0;
        var client = new JournaledChatClient(new FakeChatClient(async (_, _, _) =>
        {
            if (Interlocked.Increment(ref calls) > 1) return Said("x");
            await gate.Task;
            throw new TimeoutException();
        }), journal, "model");
        var first = AskAsync(client, "hello");
        var second = AskAsync(client, "hello");
        gate.SetResult();
        await Assert.ThrowsAsync<TimeoutException>(() => first);
        Assert.Equal("x", (await second).Text);
    }

    [Fact]
    public async Task A_refusal_is_kept_too()
    {
        var inner = new FakeChatClient(_ => throw new PromptRefusedException("too long"));
        var client = new JournaledChatClient(inner, journal, "model");
        for (var i = 0; i < 2; i++)
            Assert.Equal("too long", (await Assert.ThrowsAsync<PromptRefusedException>(() => AskAsync(client, "hello"))).Message);
        Assert.Equal(1, inner.Calls);
    }

    [Fact]
    public async Task A_failure_is_not_kept()
    {
        var client = new JournaledChatClient(new FakeChatClient(_ => throw new TimeoutException()), journal, "model");
        await Assert.ThrowsAsync<TimeoutException>(() => AskAsync(client, "hello"));
        Assert.Equal(0, journal.Count);
    }

    private static Task<ChatResponse> AskAsync(IChatClient client, string text) => client.GetResponseAsync(text, cancellationToken: TestContext.Current.CancellationToken);

    private static ChatResponse Said(string text) => new(new ChatMessage(ChatRole.Assistant, text))
    {
        FinishReason = ChatFinishReason.Stop,
        ModelId = "said-model",
        Usage = new UsageDetails { InputTokenCount = 3, OutputTokenCount = 2 },
    };

    private static (string, ChatFinishReason?, long?, long?, string?) Parts(ChatResponse response) =>
        (response.Text, response.FinishReason, response.Usage?.InputTokenCount, response.Usage?.OutputTokenCount, response.ModelId);
}
