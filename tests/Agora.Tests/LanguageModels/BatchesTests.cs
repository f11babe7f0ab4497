using System.Collections.Concurrent;
using Agora.Experiments;
using Agora.LanguageModels;
using Agora.LanguageModels.Batches;
using Agora.Runs;
using Agora.Tests.Endpoints;
using Agora.Tests.Runs;
using Microsoft.Extensions.AI;

namespace Agora.Tests.LanguageModels;

/// <summary>OpenAI's and Anthropic's batch APIs against a real server on loopback that fails as told.</summary>
public sealed partial class BatchesTests : IDisposable
{
    private const string Variable = "AGORA_TEST_KEY";
    private const string Key = "sk-very-secret-4711";

    private readonly SocketsHttpHandler transport = new();
    private readonly TemporaryFolder folder = new();
    private readonly Budget budget = new();
    private readonly ConcurrentQueue<string> notices = [];
    private TimeSpan requestTimeout = TimeSpan.FromSeconds(20);
    private TimeSpan longestOutage = TimeSpan.FromMinutes(5);
    private BatchLimits? limits;

    public void Dispose()
    {
        transport.Dispose();
        folder.Dispose();
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public static TheoryData<string> Providers => [ModelSpec.OpenAI, ModelSpec.Anthropic];

    public static TheoryData<string, BatchFault> PassingFaults =>
    [
        .. from provider in new[] { ModelSpec.OpenAI, ModelSpec.Anthropic }
           from fault in new[] { BatchFault.AnswerLost, BatchFault.NotMade, BatchFault.Expires, BatchFault.ExpiresInSilence, BatchFault.ResultsCut, BatchFault.ResultsStall, BatchFault.ResultsWithoutEnd, BatchFault.OddStatus, BatchFault.FlakyStatus }
           select (provider, fault),
        (ModelSpec.OpenAI, BatchFault.QueueFull),
    ];

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task All_requests_that_wait_together_go_in_one_batch_at_the_batchs_price_and_are_read_as_online(string provider)
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = Sum, Key = Key });
        using var journal = Journal();
        var batched = await AskAsync(Spec(endpoint, provider), journal, 30);
        Assert.Equal((0, 1, 30), (endpoint.Requests, endpoint.Batches, endpoint.BatchSizes[0]));
        // A dollar a thousand tokens, and half of it in a batch.
        Assert.Equal((endpoint.BatchTokens.Input + endpoint.BatchTokens.Output) / 2000m, budget.State.Spent);
        Assert.Equal(0, budget.State.Reserved);
        var line = Assert.Single(Spending.Scan(JournalPath));
        Assert.Equal((true, 30, budget.State.Spent), (line.Batch, line.Requests, line.Dollars(Price)));

        using var other = Agora.Runs.Journal.Open(Path.Combine(folder.Path, "other"));
        Assert.Equal(await AskAsync(Spec(endpoint, provider) with { Mode = RequestMode.Online }, other, 30), batched);
        Assert.Equal(30, endpoint.Requests);
        // The mode is no part of a request: what came in a batch is read again online.
        Assert.Equal(batched, await AskAsync(Spec(endpoint, provider) with { Mode = RequestMode.Online }, journal, 30));
        Assert.Equal(30, endpoint.Requests);
    }

    [Theory]
    [MemberData(nameof(PassingFaults))]
    public async Task Whatever_passes_every_request_is_answered_and_none_charged_twice(string provider, BatchFault fault)
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = Sum, Key = Key, Batches = new() { Fault = number => number == 0 ? fault : null } });
        using var journal = Journal();
        if (fault == BatchFault.ResultsStall) requestTimeout = TimeSpan.FromSeconds(3);
        var answers = await AskAsync(Spec(endpoint, provider), journal, 20);
        Assert.Equal(20, answers.Length);
        Assert.All(answers, answer => Assert.StartsWith("the answer to question", answer, StringComparison.Ordinal));
        Assert.All(endpoint.Charged.Values, times => Assert.Equal(1, times));
        Assert.Equal(20, endpoint.Charged.Count);
        Assert.Equal(0, endpoint.Requests);
        Assert.Equal((endpoint.BatchTokens.Input + endpoint.BatchTokens.Output) / 2000m, budget.State.Spent);
        Assert.Equal(fault is BatchFault.Expires or BatchFault.ExpiresInSilence or BatchFault.QueueFull ? 2 : 1, endpoint.Batches);
        var expired = Spending.Scan(JournalPath).SingleOrDefault(line => line.Outcome == "failed:batch_expired");
        Assert.Equal(fault is BatchFault.Expires or BatchFault.ExpiresInSilence ? (10, 0m) : default, expired is null ? default : ((int)expired.Requests, expired.Dollars(Price)));
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task A_request_that_a_batch_could_not_answer_goes_into_the_next_and_then_online(string provider)
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour
        {
            Answer = Sum,
            Key = Key,
            Batches = new() { Item = request => request.LastMessage.EndsWith(" 3", StringComparison.Ordinal) ? BatchItemFault.Errored : null },
        });
        using var journal = Journal();
        Assert.Equal(10, (await AskAsync(Spec(endpoint, provider), journal, 10)).Length);
        Assert.Equal((1, 2, 1), (endpoint.Requests, endpoint.Batches, endpoint.BatchSizes[1]));
        Assert.Equal((endpoint.BatchTokens.Input + endpoint.BatchTokens.Output) / 2000m + (endpoint.Tokens.Input + endpoint.Tokens.Output) / 1000m, budget.State.Spent);
        Assert.Equal(2, Spending.Scan(JournalPath).Single(line => line.Outcome == "failed:server_error").Requests);
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task A_prompt_that_is_refused_in_a_batch_is_refused_as_online(string provider)
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = Sum, Key = Key, Batches = new() { Item = _ => BatchItemFault.PromptTooLong } });
        using var journal = Journal();
        await Assert.ThrowsAsync<PromptRefusedException>(() => AskAsync(Spec(endpoint, provider), journal, 2));
        Assert.Equal(0, endpoint.Requests);
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task An_unreadable_answer_is_billed_at_its_most_and_asked_again(string provider)
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour
        {
            Answer = Sum,
            Key = Key,
            Batches = new() { Item = request => request.Path.EndsWith("_0", StringComparison.Ordinal) && request.Number == 0 ? BatchItemFault.Unreadable : null },
        });
        using var journal = Journal();
        Assert.Equal(4, (await AskAsync(Spec(endpoint, provider), journal, 4)).Length);
        Assert.Equal(2, endpoint.Batches);
        Assert.Equal(1, Spending.Scan(JournalPath).Single(line => line.Outcome == "failed:unreadable").Requests);
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task A_batch_that_somebody_cancelled_is_not_sent_off_again_by_itself(string provider)
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = Sum, Key = Key, Batches = new() { Fault = number => number == 0 ? BatchFault.Cancelled : null } });
        var error = await Assert.ThrowsAnyAsync<AgoraException>(async () =>
        {
            using var journal = Journal();
            await AskAsync(Spec(endpoint, provider), journal, 20);
        });
        Assert.Contains("was cancelled at the provider; 10 of its requests are not answered", error.Message, StringComparison.Ordinal);
        Assert.Equal(1, endpoint.Batches);
        using var again = Journal();
        Assert.Equal(20, (await AskAsync(Spec(endpoint, provider), again, 20)).Length);
        // What came before the cancellation may have been on its way to the journal; the rest is a batch of its own.
        Assert.All(endpoint.Charged.Values, times => Assert.Equal(1, times));
        Assert.Equal(2, endpoint.Batches);
    }

    [Fact]
    public async Task A_batch_that_the_provider_will_not_take_ends_with_its_reason()
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = Sum, Key = Key, Batches = new() { Fault = _ => BatchFault.Invalid } });
        using var journal = Journal();
        var error = await Assert.ThrowsAnyAsync<AgoraException>(() => AskAsync(Spec(endpoint, ModelSpec.OpenAI), journal, 5));
        Assert.Contains("refused the batch batch_0: the batch cannot be begun", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Spending.Scan(JournalPath), line => line.Outcome == SpendingLine.InBatch);
    }

    public static TheoryData<string, int, int[]> Counts =>
    [
        .. from provider in new[] { ModelSpec.OpenAI, ModelSpec.Anthropic }
           from count in new[] { (Requests: 9, Sizes: new[] { 9 }), (10, [10]), (11, [1, 10]), (20, [10, 10]), (21, [1, 10, 10]) }
           select (provider, count.Requests, count.Sizes),
    ];

    [Theory]
    [MemberData(nameof(Counts))]
    public async Task At_the_limit_of_requests_a_batch_is_full_and_one_more_begins_another(string provider, int requests, int[] sizes)
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = Sum, Key = Key });
        using var journal = Journal();
        limits = new BatchLimits(10, 1_000_000);
        Assert.Equal(requests, (await AskAsync(Spec(endpoint, provider), journal, requests)).Length);
        Assert.Equal(sizes, endpoint.BatchSizes.Order());
        Assert.All(endpoint.Charged.Values, times => Assert.Equal(1, times));
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task At_the_limit_of_bytes_a_batch_is_full_and_a_byte_less_makes_two(string provider)
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = Sum, Key = Key });
        limits = new BatchLimits(1000, 1_000_000);
        using (var journal = Journal()) await AskAsync(Spec(endpoint, provider), journal, 10);
        // Ten requests of one length: what all of them take, counted as the product counts, is the limit.
        var upload = System.Text.Encoding.UTF8.GetString(endpoint.Uploads[0]);
        var (before, after) = provider == ModelSpec.OpenAI ? ("\"body\":", "}\n") : ("\"params\":", "},{\"custom_id\"");
        var start = upload.IndexOf(before, StringComparison.Ordinal) + before.Length;
        var body = upload.IndexOf(after, start, StringComparison.Ordinal) - start;
        var all = 10 * (body + (provider == ModelSpec.OpenAI ? 160 : 110));
        Assert.InRange(upload.Length, 10 * body, all);      // the count is never below what is sent

        foreach (var (bytes, sizes) in new[] { (all, new[] { 10 }), (all - 1, [1, 9]), (all / 10, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]) })
        {
            await using var limited = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = Sum, Key = Key });
            using var journal = Agora.Runs.Journal.Open(Path.Combine(folder.Path, $"limited {bytes}"));
            limits = new BatchLimits(1000, bytes);
            await AskAsync(Spec(limited, provider), journal, 10);
            Assert.Equal(sizes, limited.BatchSizes.Order());
            Assert.All(limited.Uploads, sent => Assert.InRange(sent.Length, 1, bytes));
            Assert.Equal(0, limited.Requests);
        }
        // One that fits no batch goes online.
        await using var small = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = Sum, Key = Key });
        using var alone = Agora.Runs.Journal.Open(Path.Combine(folder.Path, "alone"));
        limits = new BatchLimits(1000, all / 10 - 1);
        await AskAsync(Spec(small, provider), alone, 3);
        Assert.Equal((3, 0), (small.Requests, small.Batches));
    }

    [Fact]
    public void The_limits_are_the_documented_ones() =>
        Assert.Equal((new BatchLimits(50_000, 200_000_000), new BatchLimits(100_000, 256_000_000)), (OpenAIBatches.Documented, AnthropicBatches.Documented));

    [Fact]
    public async Task What_was_uploaded_is_removed_when_its_batch_has_ended()
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = Sum, Key = Key });
        using var journal = Journal();
        await AskAsync(Spec(endpoint, ModelSpec.OpenAI), journal, 5);
        Assert.Equal((1, 0), (endpoint.Uploads.Length, endpoint.FilesKept));
    }

    [Fact]
    public async Task Mode_auto_sends_few_requests_online_and_many_in_a_batch()
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = Sum, Key = Key });
        using var journal = Journal();
        var spec = Spec(endpoint, ModelSpec.OpenAI) with { Mode = RequestMode.Auto, Batch = Quick with { Fewest = 10 } };
        await AskAsync(spec, journal, 9);
        Assert.Equal((9, 0), (endpoint.Requests, endpoint.Batches));
        await AskAsync(spec, journal, 25);
        Assert.Equal((9, 1, 16), (endpoint.Requests, endpoint.Batches, endpoint.BatchSizes[0]));
        Assert.Equal((endpoint.BatchTokens.Input + endpoint.BatchTokens.Output) / 2000m + (endpoint.Tokens.Input + endpoint.Tokens.Output) / 1000m, budget.State.Spent);
    }

    [Fact]
    public async Task An_endpoint_without_batches_is_asked_online_in_mode_auto()
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = Sum, Key = Key });
        using var journal = Journal();
        await AskAsync(Spec(endpoint, ModelSpec.OpenAI) with { Mode = RequestMode.Auto, Batch = Quick with { Fewest = 1 }, Capabilities = null }, journal, 5);
        Assert.Equal((5, 0), (endpoint.Requests, endpoint.Batches));
    }

    [Fact]
    public async Task A_budget_counts_what_is_in_a_batch_at_its_most_and_is_never_passed()
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = Sum, Key = Key });
        using var journal = Journal();
        budget.Begin(0.5m, 0);
        var error = await Assert.ThrowsAnyAsync<AgoraException>(() => AskAsync(Spec(endpoint, ModelSpec.OpenAI), journal, 200));
        Assert.Equal(3, error.ExitCode);
        Assert.InRange((endpoint.BatchTokens.Input + endpoint.BatchTokens.Output) / 2000m, 0.01m, 0.5m);
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task The_key_is_in_nothing_that_is_written_or_said(string provider)
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = Sum, Key = "another" });
        var journal = Journal();
        var error = await Assert.ThrowsAnyAsync<AgoraException>(() => AskAsync(Spec(endpoint, provider), journal, 3));
        journal.Dispose();
        Assert.Contains("does not accept the key", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Key, error.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(notices, notice => notice.Contains(Key, StringComparison.Ordinal));
        Assert.All(Directory.GetFiles(folder.Path), file => Assert.DoesNotContain(Key, File.ReadAllText(file), StringComparison.Ordinal));
    }

    private static readonly Price Price = new() { Input = 1000, Output = 1000, Batch = 0.5m };
    private static readonly BatchSpec Quick = new() { GatherSeconds = 0.5, PollSeconds = 0.2 };

    private string JournalPath => Path.Combine(folder.Path, "journal");

    private Journal Journal() => Agora.Runs.Journal.Open(JournalPath);

    private static string Sum(ReceivedRequest request) => $"the answer to {request.LastMessage}";

    private static ModelSpec Spec(FaultyEndpoint endpoint, string provider) => new()
    {
        Provider = provider,
        Model = "test-model",
        Endpoint = (provider == ModelSpec.OpenAI ? endpoint.Address : endpoint.Root).ToString(),
        ApiKeyVariable = Variable,
        Price = Price,
        Mode = RequestMode.Batch,
        Batch = Quick,
        Capabilities = new CapabilitySpec { Batch = true },
    };

    private async Task<string[]> AskAsync(ModelSpec spec, IJournal journal, int requests, CancellationToken? cancellation = null, string question = "question")
    {
        var services = new EndpointServices
        {
            Transport = transport,
            ReadVariable = name => name == Variable ? Key : null,
            Budget = budget,
            BatchLimits = limits,
            Retries = new RetryPolicy { FirstWait = TimeSpan.FromMilliseconds(20), LongestWait = TimeSpan.FromMilliseconds(100), RequestTimeout = requestTimeout, LongestOutage = longestOutage },
        };
        ILanguageModels models = spec.Provider == ModelSpec.OpenAI ? new OpenAILanguageModels(services) : new AnthropicLanguageModels(services);
        using var chat = new JournaledChatClient(await models.OpenForStepAsync(spec, journal, notices.Enqueue, Stop), journal, await models.IdentifyAsync(spec, Stop));
        var responses = await Task.WhenAll(Enumerable.Range(0, requests).Select(async number => (await chat.GetResponseAsync(
            [new ChatMessage(ChatRole.User, $"{question} {number}")], new ChatOptions { Seed = number, MaxOutputTokens = 20, Temperature = 0.5f }, cancellation ?? Stop)).Text));
        return responses;
    }
}
