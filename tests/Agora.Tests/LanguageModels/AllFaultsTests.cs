using Agora.DataGeneration;
using Agora.Experiments;
using Agora.LanguageModels;
using Agora.Runs;
using Agora.SeedData;
using Agora.Tests.Endpoints;
using Agora.Tests.Runs;
using Microsoft.Extensions.AI;

namespace Agora.Tests.LanguageModels;

/// <summary>Everything that can go wrong at an endpoint, all at once, for 20,000 requests.</summary>
public sealed class AllFaultsTests
{
    private const string Variable = "AGORA_TEST_KEY";
    private const int Wanted = 17_500;

    [Theory, Trait("Category", "Nightly")]
    [InlineData(ModelSpec.OpenAI)]
    [InlineData(ModelSpec.Anthropic)]
    public async Task Twenty_thousand_requests_with_all_faults_at_random_give_exactly_n_instances_and_the_servers_own_bill(string provider)
    {
        var stop = TestContext.Current.CancellationToken;
        var random = new Random(20261128);
        // By the number of the request: one in eight fails by itself, and two storms let nobody in.
        var faults = Enumerable.Range(0, 1_000_000).Select(_ => random.Next(8) == 0 ? (Fault?)random.Next(Enum.GetValues<Fault>().Length) : null).ToArray();
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour
        {
            Answer = Arithmetic.Answer,
            Key = "the key",
            Latency = TimeSpan.FromMilliseconds(2),
            Jitter = TimeSpan.FromMilliseconds(20),
            RequestsPerMinute = 120_000,
            Fault = request => request.Number is (> 5_000 and < 5_200) or (> 12_000 and < 12_400) ? Fault.TooManyRequests : faults[request.Number],
        });
        using var transport = new SocketsHttpHandler();
        using var folder = new TemporaryFolder();
        var budget = new Budget();
        var price = new Price { Input = 3, Output = 15 };
        var services = new EndpointServices
        {
            Transport = transport,
            ReadVariable = _ => "the key",
            Budget = budget,
            Retries = new RetryPolicy
            {
                FirstWait = TimeSpan.FromMilliseconds(5),
                LongestWait = TimeSpan.FromMilliseconds(100),
                LongestRetryAfter = TimeSpan.FromMilliseconds(100),
                RequestTimeout = TimeSpan.FromSeconds(5),
            },
        };
        ILanguageModels models = provider == ModelSpec.OpenAI ? new OpenAILanguageModels(services) : new AnthropicLanguageModels(services);
        var spec = new ModelSpec { Provider = provider, Model = "test-model", Endpoint = (provider == ModelSpec.OpenAI ? endpoint.Address : endpoint.Root).ToString(), ApiKeyVariable = Variable, Price = price, MaxParallel = 64 };
        var setting = new Setting(Domain.Math, GenerationMethod.InstanceGeneration);
        var path = folder["journal"];
        GenerationOutcome outcome;
        using (var journal = Journal.Open(path))
        using (var chat = new JournaledChatClient(await models.OpenForStepAsync(spec, journal, _ => { }, stop), journal, await models.IdentifyAsync(spec, stop)))
        {
            outcome = await DataGenerator.GenerateAsync(new GenerationPlan
            {
                Setting = setting,
                Spec = new GenerationSpec { Instances = Wanted, RoundLength = 5_000 },
                MetaPrompt = MetaPrompts.Load(Path.Combine(Fixtures.Checkout, "prompts"), MetaPromptVariant.Agorabench).For(setting),
                Seeds = new SeedSet([.. Enumerable.Range(0, 10).Select(i => new SeedInstance(new SeedId($"seeds:{i}"), $"question {i}", $"answer {i}"))]),
                Generator = "test-model",
                Random = new RandomStreams(1),
                CountTokens = text => text.Length,
                MaxParallel = 64,
            }, chat, null, stop);
        }
        Assert.Equal((Wanted, null), (outcome.Instances.Length, outcome.Shortfall));
        Assert.True(endpoint.Requests >= 20_000, $"only {endpoint.Requests} requests");

        var bill = Spending.Scan(path);
        var answered = bill.Single(line => line.Outcome == SpendingLine.Answered);
        // The server counts what it sent whole and with token counts: neither more nor less is on the bill as certain.
        Assert.Equal(endpoint.Tokens, (answered.InputTokens, answered.OutputTokens));
        Assert.Equal(price.Of(endpoint.Tokens.Input, 0, endpoint.Tokens.Output), answered.Dollars(price));
        // With the most that failed requests may cost it is what the budget counted.
        Assert.Equal(bill.Sum(line => line.Dollars(price)), budget.State.Spent);
        Assert.Equal(0, budget.State.Reserved);
        // Every request that reached the server is on the bill once: answered, refused or failed. Those that it let stand in the queue of connections may have failed before they reached it.
        Assert.Equal(endpoint.Requests, bill.Sum(line => line.Requests));
        TestContext.Current.TestOutputHelper?.WriteLine($"{provider}: {endpoint.Requests} requests, {outcome.Instances.Length} instances, {string.Join(", ", bill.Select(line => $"{line.Outcome} {line.Requests}"))}, ${answered.Dollars(price)}");
    }
}
