using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Agora.DataGeneration;
using Agora.Experiments;
using Agora.LanguageModels;
using Agora.SeedData;
using Agora.Tests.Endpoints;
using Microsoft.Extensions.AI;

namespace Agora.Tests.LanguageModels;

/// <summary>The client against a real server on loopback that fails as told.</summary>
public sealed class OpenAILanguageModelsTests : IDisposable
{
    private const string Variable = "AGORA_TEST_KEY";
    private const string Key = "sk-very-secret-4711";

    private readonly SocketsHttpHandler transport = new();
    private readonly ImpatientTime time = new();

    // Short only where a fault is that no answer comes: on a busy machine any answer may take seconds, and one that is given up is charged.
    private TimeSpan requestTimeout = TimeSpan.FromMinutes(1);

    public void Dispose() => transport.Dispose();

    [Fact]
    public async Task A_completion_arrives_with_its_finish_reason_and_tokens()
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = _ => "four words are here" });
        var response = await AskAsync(endpoint.Address);
        Assert.Equal(("four words are here", ChatFinishReason.Stop, 2L, 4L), (response.Text, response.FinishReason!.Value, response.Usage!.InputTokenCount!.Value, response.Usage.OutputTokenCount!.Value));
    }

    [Fact]
    public async Task Every_sampling_option_is_sent()
    {
        ReceivedRequest? received = null;
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour
        {
            Answer = request =>
            {
                received = request;
                return "x";
            },
        });
        await AskAsync(endpoint.Address, new ChatOptions
        {
            Temperature = 0.5f,
            TopP = 0.25f,
            MaxOutputTokens = 7,
            Seed = 11,
            StopSequences = ["[END]"],
            AdditionalProperties = new() { [SamplingOptions.RepetitionPenalty] = 1.5, [SamplingOptions.MinP] = 0.125 },
        });
        var body = received!.Body;
        Assert.Equal(7, (int)body["max_tokens"]!);
        Assert.Equal((0.5, 0.25, 7, 11L, "[END]", 1.5, 0.125), ((double)body["temperature"]!, (double)body["top_p"]!, (int)body["max_completion_tokens"]!,
            (long)body["seed"]!, (string)body["stop"]![0]!, (double)body["repetition_penalty"]!, (double)body["min_p"]!));
    }

    public static TheoryData<Fault> Faults => [.. Enum.GetValues<Fault>()];

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Exactly_as_many_instances_come_out_whatever_goes_wrong_at_the_endpoint(Fault fault)
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = Arithmetic.Answer, Fault = OfFirstRequests(_ => fault) });
        if (fault is Fault.Silent or Fault.Trickle) requestTimeout = TimeSpan.FromSeconds(1);
        var outcome = await GenerateAsync(endpoint.Address);
        Assert.Equal(30, outcome.Instances.Length);
        Assert.Null(outcome.Shortfall);
        Assert.Equal(endpoint.Tokens, (outcome.Bill.Total.InputTokens, outcome.Bill.Total.OutputTokens));
    }

    [Fact]
    public async Task All_faults_together_change_nothing_either()
    {
        requestTimeout = TimeSpan.FromSeconds(1);
        var all = Enum.GetValues<Fault>();
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour
        {
            Answer = Arithmetic.Answer,
            Fault = OfFirstRequests(request => all[request.Seed / 3 % all.Length]),
        });
        Assert.Equal(30, (await GenerateAsync(endpoint.Address)).Instances.Length);
    }

    [Fact]
    public async Task A_retried_request_is_the_same_request_so_passing_faults_leave_no_trace_in_the_data()
    {
        await using var well = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = Arithmetic.Answer });
        await using var ill = await FaultyEndpoint.StartAsync(new EndpointBehaviour
        {
            Answer = Arithmetic.Answer,
            Fault = OfFirstRequests(request => (request.Seed / 3 % 3) switch { 0 => Fault.TooManyRequests, 1 => Fault.CutInBody, _ => Fault.ServerError }),
        });
        var expected = await GenerateAsync(well.Address);
        var actual = await GenerateAsync(ill.Address);
        Assert.Equal(expected.Instances.Select(instance => (instance.Instruction, instance.Response)), actual.Instances.Select(instance => (instance.Instruction, instance.Response)));
        Assert.Empty(actual.Rejects);
    }

    [Fact]
    public async Task An_address_without_server_is_one_clear_error()
    {
        var error = await Assert.ThrowsAsync<AgoraException>(() => AskAsync(new Uri($"http://127.0.0.1:{UnusedPort()}/v1")));
        Assert.StartsWith("the endpoint cannot be reached: ", error.What, StringComparison.Ordinal);
        Assert.Contains("check the address", error.Fix, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_key_names_its_variable_and_never_itself()
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = _ => "x", Key = "another" });
        var error = await Assert.ThrowsAsync<AgoraException>(() => AskAsync(endpoint.Address, variable: Variable));
        Assert.Equal("the endpoint does not accept the key (HTTP 401: Incorrect API key provided: ***.)", error.What);
        Assert.Equal($"put a valid key into {Variable}", error.Fix);
        for (Exception? fault = error; fault is not null; fault = fault.InnerException)
            Assert.DoesNotContain(Key, fault.ToString(), StringComparison.Ordinal);
        Assert.Equal(1, endpoint.Requests);
    }

    [Fact]
    public async Task The_key_of_the_named_variable_is_sent()
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = _ => "x", Key = Key });
        Assert.Equal("x", (await AskAsync(endpoint.Address, variable: Variable)).Text);
    }

    [Fact]
    public async Task A_variable_that_is_not_set_is_told_before_anything_is_sent()
    {
        var error = await Assert.ThrowsAsync<AgoraException>(() => AskAsync(new Uri("http://127.0.0.1:9/v1"), variable: "AGORA_TEST_ABSENT"));
        Assert.Equal("the environment variable AGORA_TEST_ABSENT is not set", error.What);
        Assert.Equal(2, error.ExitCode);
    }

    [Fact]
    public async Task An_unknown_model_is_one_clear_error()
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = _ => "x", Model = "another" });
        var error = await Assert.ThrowsAsync<AgoraException>(() => AskAsync(endpoint.Address));
        Assert.Equal("the endpoint does not know the model or the path (HTTP 404: The model `test-model` does not exist.)", error.What);
    }

    [Theory]
    [InlineData("not an address")]
    [InlineData("ftp://host/v1")]
    public async Task An_endpoint_that_is_no_address_is_refused(string endpoint)
    {
        var error = await Assert.ThrowsAsync<AgoraException>(() => Models().OpenChatAsync(new ModelSpec { Provider = "openai", Model = "m", Endpoint = endpoint }, TestContext.Current.CancellationToken));
        Assert.Contains("is not the address of an endpoint", error.What, StringComparison.Ordinal);
    }

    // Some three hundred bytes with five milliseconds between them: slower than a second.
    [Theory]
    [InlineData(null, 2)]
    [InlineData(60.0, 1)]
    public async Task A_slow_answer_counts_if_it_is_whole_within_the_models_own_time_out(double? seconds, int requests)
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = _ => "slow and whole", Fault = request => request.Number == 0 ? Fault.Trickle : null, TricklePause = TimeSpan.FromMilliseconds(5) });
        requestTimeout = TimeSpan.FromSeconds(1);
        var client = await Models().OpenChatAsync(Spec(endpoint.Address) with { RequestTimeoutSeconds = seconds }, TestContext.Current.CancellationToken);
        var answer = await client.GetResponseAsync("hello there", cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(("slow and whole", requests), (answer.Text, endpoint.Requests));
    }

    [Fact]
    public async Task An_unknown_provider_lists_the_known_ones()
    {
        var models = new LanguageModelProviders(new Dictionary<string, ILanguageModels> { ["openai"] = Models() });
        var error = await Assert.ThrowsAsync<AgoraException>(() => models.OpenChatAsync(new ModelSpec { Provider = "carrier-pigeon", Model = "m" }, TestContext.Current.CancellationToken));
        Assert.Equal("name one of: openai", error.Fix);
    }

    /// <summary>A third of the requests fails when it comes for the first time.</summary>
    private static Func<ReceivedRequest, Fault?> OfFirstRequests(Func<ReceivedRequest, Fault> fault)
    {
        var seen = new ConcurrentDictionary<long, bool>();
        return request => request.Seed % 3 == 1 && seen.TryAdd(request.Seed, true) ? fault(request) : null;
    }

    private OpenAILanguageModels Models() => new(new EndpointServices
    {
        Transport = transport,
        Retries = new RetryPolicy { RequestTimeout = requestTimeout },
        Time = time,
        ReadVariable = name => name == Variable ? Key : null,
    });

    private static ModelSpec Spec(Uri endpoint, string? variable = null) =>
        new() { Provider = "openai", Model = "test-model", Endpoint = endpoint.ToString(), ApiKeyVariable = variable, MaxParallel = 8 };

    private async Task<ChatResponse> AskAsync(Uri endpoint, ChatOptions? options = null, string? variable = null)
    {
        var client = await Models().OpenChatAsync(Spec(endpoint, variable), TestContext.Current.CancellationToken);
        return await client.GetResponseAsync("hello there", options, TestContext.Current.CancellationToken);
    }

    private async Task<GenerationOutcome> GenerateAsync(Uri endpoint)
    {
        var models = Models();
        var client = await models.OpenChatAsync(Spec(endpoint), TestContext.Current.CancellationToken);
        var setting = new Setting(Domain.Math, GenerationMethod.InstanceGeneration);
        var plan = new GenerationPlan
        {
            Setting = setting,
            Spec = new GenerationSpec { Instances = 30, RoundLength = 10 },
            MetaPrompt = MetaPrompts.Load(Path.Combine(Fixtures.Checkout, "prompts"), MetaPromptVariant.Agorabench).For(setting),
            Seeds = new SeedSet([.. Enumerable.Range(0, 10).Select(i => new SeedInstance(new SeedId($"seeds:{i}"), $"question {i}", $"answer {i}"))]),
            Generator = "test-model",
            Random = new RandomStreams(1),
            CountTokens = text => text.Length,
            MaxParallel = 8,
        };
        return await DataGenerator.GenerateAsync(plan, client, null, TestContext.Current.CancellationToken);
    }

    private static int UnusedPort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
