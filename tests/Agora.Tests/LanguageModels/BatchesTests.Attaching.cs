using System.Collections.Concurrent;
using Agora.Experiments;
using Agora.LanguageModels;
using Agora.Runs;
using Agora.Tests.Endpoints;

namespace Agora.Tests.LanguageModels;

/// <summary>What a process makes of the batches that an earlier one sent off, or meant to.</summary>
public sealed partial class BatchesTests
{
    [Theory]
    [MemberData(nameof(Providers))]
    public async Task A_process_that_ends_meanwhile_finds_its_batch_again_and_its_most_is_set_aside(string provider)
    {
        var providers = new ImpatientTime();
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = Sum, Key = Key, Time = providers, Batches = new() { Duration = TimeSpan.FromSeconds(2) } });
        using (var first = Journal())
        using (var ending = CancellationTokenSource.CreateLinkedTokenSource(Stop))
        {
            var asking = AskAsync(Spec(endpoint, provider), first, 12, ending.Token);
            while (!notices.Any(notice => notice.Contains("was sent off", StringComparison.Ordinal)))
            {
                Assert.False(asking.IsCompleted);
                await Task.Delay(20, Stop);
            }
            await ending.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);
        }
        var pending = Assert.Single(Spending.Scan(JournalPath));
        Assert.Equal((SpendingLine.InBatch, 12L), (pending.Outcome, pending.Requests));
        Assert.True(pending.Dollars(Price) > 0);
        budget.Begin(null, 0, pending.Dollars(Price));

        // Until then the batch could not end.
        providers.Advance(TimeSpan.FromSeconds(2));
        using var second = Journal();
        Assert.Equal(12, (await AskAsync(Spec(endpoint, provider), second, 12)).Length);
        Assert.Equal((1, 0), (endpoint.Batches, endpoint.Requests));
        Assert.Equal(((endpoint.BatchTokens.Input + endpoint.BatchTokens.Output) / 2000m, 0m), (budget.State.Spent, budget.State.Reserved));
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task A_process_that_ended_between_intent_and_id_finds_the_batch_at_the_provider(string provider)
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = Sum, Key = Key });
        // Others' batches around it, as large as ours and of the same account.
        using (var stranger = Agora.Runs.Journal.Open(Path.Combine(folder.Path, "stranger")))
            await AskAsync(Spec(endpoint, provider), stranger, 8, question: "another");
        var ours = new Forgetful();
        await AskAsync(Spec(endpoint, provider), ours, 8);
        using (var stranger = Agora.Runs.Journal.Open(Path.Combine(folder.Path, "stranger2")))
            await AskAsync(Spec(endpoint, provider), stranger, 8, question: "a third");
        Assert.Equal(3, endpoint.Batches);
        ours.Forget();

        Assert.Equal(8, (await AskAsync(Spec(endpoint, provider), ours, 8)).Length);
        Assert.Equal((3, 0), (endpoint.Batches, endpoint.Requests));
        Assert.All(endpoint.Charged.Values, times => Assert.Equal(1, times));
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task A_batch_whose_making_was_not_confirmed_is_found_by_the_next_process_where_this_one_could_not_look_for_it(string provider)
    {
        var away = false;
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour
        {
            Answer = Sum,
            Key = Key,
            Batches = new() { Fault = number => { away = number == 0; return away ? BatchFault.AnswerLost : null; }, ListFails = () => away },
        });
        longestOutage = TimeSpan.Zero;
        using (var first = Journal())
            await Assert.ThrowsAnyAsync<AgoraException>(() => AskAsync(Spec(endpoint, provider), first, 8));
        away = false;
        using var second = Journal();
        Assert.Equal(8, (await AskAsync(Spec(endpoint, provider), second, 8)).Length);
        Assert.Equal((1, 0), (endpoint.Batches, endpoint.Requests));
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task What_was_set_aside_for_a_batch_that_was_never_made_is_there_for_asking_again(string provider)
    {
        var away = false;
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour
        {
            Answer = Sum,
            Key = Key,
            Batches = new() { Fault = number => { away = number == 0; return away ? BatchFault.NotMade : null; }, ListFails = () => away },
        });
        longestOutage = TimeSpan.Zero;
        using (var first = Journal())
            await Assert.ThrowsAnyAsync<AgoraException>(() => AskAsync(Spec(endpoint, provider), first, 8));
        away = false;
        var pending = Assert.Single(Spending.Scan(JournalPath)).Dollars(Price);
        budget.Begin(1.1m * pending, 0, pending);
        using var second = Journal();
        Assert.Equal(8, (await AskAsync(Spec(endpoint, provider), second, 8)).Length);
        Assert.Equal((1, 0m), (endpoint.Batches, budget.State.Reserved));
    }

    [Fact]
    public async Task A_batch_that_was_sent_off_is_waited_for_even_when_the_mode_is_online_by_now()
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = Sum, Key = Key });
        var journal = new Forgetful();
        await AskAsync(Spec(endpoint, ModelSpec.OpenAI), journal, 6);
        journal.Forget();
        await AskAsync(Spec(endpoint, ModelSpec.OpenAI) with { Mode = RequestMode.Online }, journal, 7);
        Assert.Equal((1, 1), (endpoint.Requests, endpoint.Batches));
    }

    /// <summary>A journal that loses all but the intents of batches, as a process loses that was killed while it sent one off.</summary>
    private sealed class Forgetful : IJournal
    {
        private readonly ConcurrentDictionary<string, string> records = [];

        public bool TryGet(string key, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out string? record) => records.TryGetValue(key, out record);

        public void Append(string key, string record) => Assert.True(records.TryAdd(key, record));

        public ValueTask FlushAsync(CancellationToken cancellationToken = default) => ValueTask.CompletedTask;

        public void Forget()
        {
            foreach (var key in records.Keys.Where(key => !key.EndsWith(":intent", StringComparison.Ordinal))) records.TryRemove(key, out _);
        }
    }
}
