using Agora.Experiments;
using Agora.LanguageModels;
using Agora.Runs;
using Agora.Tests.Endpoints;
using Agora.Tests.Runs;

namespace Agora.Tests.LanguageModels;

/// <summary>Embeddings are paced, repeated, budgeted, journalled and billed as chat requests are.</summary>
public sealed class EmbeddingsTests : IAsyncDisposable
{
    private readonly SocketsHttpHandler transport = new();
    private readonly TemporaryFolder folder = new();
    private readonly Budget budget = new();
    private readonly Price price = new() { Input = 1000, Output = 0 };
    private FaultyEndpoint endpoint = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        if (endpoint is not null) await endpoint.DisposeAsync();
        transport.Dispose();
        folder.Dispose();
    }

    [Fact]
    public async Task They_go_in_requests_of_bounded_size_and_the_bill_is_the_servers_own()
    {
        await ServeAsync();
        var vectors = await EmbedAsync(300);
        Assert.Equal((300, 300), (vectors.Length, vectors.Select(vector => string.Join(' ', vector)).Distinct().Count()));
        Assert.Equal((3, 300), (endpoint.Requests, endpoint.Embedded));
        var line = Assert.Single(Spending.Scan(folder["journal"]));
        Assert.Equal((SpendingLine.Answered, 3L, endpoint.Tokens.Input, 0L), (line.Outcome, line.Requests, line.InputTokens, line.OutputTokens));
        Assert.Equal((line.Dollars(price), 0m), (budget.State.Spent, budget.State.Reserved));
    }

    [Fact]
    public async Task What_is_in_the_journal_is_not_paid_for_again()
    {
        await ServeAsync();
        var first = await EmbedAsync(200);
        Assert.Equal(2, endpoint.Requests);
        var second = await EmbedAsync(210);
        Assert.Equal((3, 210), (endpoint.Requests, endpoint.Embedded));
        Assert.Equal(first[7], second[7]);
    }

    [Fact]
    public async Task Faults_are_repeated_and_stand_on_the_bill_by_reason()
    {
        Fault?[] faults = [Fault.TooManyRequests, Fault.ServerError, Fault.ConnectionRefusedLate, Fault.MalformedJson, Fault.HtmlBody];
        await ServeAsync(request => request.Number < faults.Length ? faults[request.Number] : null);
        await EmbedAsync(10);
        Assert.Equal(["answered", "failed:connection_broke", "failed:rate_limited", "failed:server_error", "failed:unreadable"], Spending.Scan(folder["journal"]).Select(line => line.Outcome));
        Assert.Equal(6, endpoint.Requests);
    }

    [Fact]
    public async Task A_budget_holds_for_them_too()
    {
        await ServeAsync();
        budget.Begin(limitDollars: 6, spentDollars: 0);
        var stopped = await Assert.ThrowsAsync<AgoraException>(() => EmbedAsync(1000));
        Assert.Equal(3, stopped.ExitCode);
        Assert.InRange(price.Of(endpoint.Tokens.Input, 0, 0), 0.1m, 6m);
    }

    [Fact]
    public async Task A_provider_without_embeddings_says_so()
    {
        await ServeAsync();
        var models = new AnthropicLanguageModels(new EndpointServices { Transport = transport });
        var refused = await Assert.ThrowsAsync<AgoraException>(() => models.OpenEmbeddingsAsync(new ModelSpec { Provider = ModelSpec.Anthropic, Model = "test-model", Endpoint = endpoint.Root.ToString() }, Stop));
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("makes no embeddings", refused.Message, StringComparison.Ordinal);
    }

    private async Task ServeAsync(Func<ReceivedRequest, Fault?>? fault = null) =>
        endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = _ => "", Fault = fault ?? (_ => null) });

    private async Task<float[][]> EmbedAsync(int texts)
    {
        var services = new EndpointServices { Transport = transport, Budget = budget, Retries = new RetryPolicy { FirstWait = TimeSpan.FromMilliseconds(5), LongestWait = TimeSpan.FromMilliseconds(20), LongestRetryAfter = TimeSpan.FromMilliseconds(20) } };
        var models = new OpenAILanguageModels(services);
        var spec = new ModelSpec { Provider = ModelSpec.OpenAI, Model = "test-model", Endpoint = endpoint.Address.ToString(), Price = price };
        using var journal = Journal.Open(folder["journal"]);
        using var vectors = new JournaledEmbeddings(await models.OpenEmbeddingsAsync(spec, Stop), journal, await models.IdentifyAsync(spec, Stop), maxParallel: 4);
        return [.. (await vectors.GenerateAsync(Enumerable.Range(0, texts).Select(i => $"text number {i}"), cancellationToken: Stop)).Select(one => one.Vector.ToArray())];
    }
}
