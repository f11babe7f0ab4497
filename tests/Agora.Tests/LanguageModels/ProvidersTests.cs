using Agora.DataGeneration;
using Agora.Experiments;
using Agora.LanguageModels;
using Agora.SeedData;
using Agora.Tests.Endpoints;
using Microsoft.Extensions.AI;

namespace Agora.Tests.LanguageModels;

/// <summary>Anthropic's and Azure's protocols, through their SDKs, against a real server on loopback that fails as told.</summary>
public sealed class ProvidersTests : IDisposable
{
    private const string Variable = "AGORA_TEST_KEY";
    private const string Key = "sk-very-secret-4711";

    private readonly SocketsHttpHandler transport = new();

    // Short only where a fault is that no answer comes: on a busy machine any answer may take seconds, and one that is given up is charged.
    private TimeSpan requestTimeout = TimeSpan.FromMinutes(1);

    public void Dispose() => transport.Dispose();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public static TheoryData<string> Providers => [ModelSpec.Azure, ModelSpec.Anthropic];

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task A_completion_arrives_with_its_finish_reason_and_tokens_and_the_key_is_sent(string provider)
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = _ => "four words are here", Key = Key });
        var response = await AskAsync(endpoint, provider);
        Assert.Equal(("four words are here", ChatFinishReason.Stop, 2L, 4L), (response.Text, response.FinishReason!.Value, response.Usage!.InputTokenCount!.Value, response.Usage.OutputTokenCount!.Value));
    }

    [Theory]
    [InlineData(null, "/openai/v1/chat/completions", "")]
    [InlineData("2024-10-21", "/openai/deployments/test-model/chat/completions", "?api-version=2024-10-21")]
    public async Task Azure_has_addresses_of_its_own(string? version, string path, string query)
    {
        ReceivedRequest? received = null;
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = request => Noted(received = request), Key = Key });
        await AskAsync(endpoint, ModelSpec.Azure, version: version);
        Assert.Equal((path, query), (received!.Path, received.Query));
    }

    [Fact]
    public async Task Anthropic_gets_what_it_takes_and_nothing_else()
    {
        ReceivedRequest? received = null;
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = request => Noted(received = request), Key = Key });
        await AskAsync(endpoint, ModelSpec.Anthropic, new ChatOptions { Temperature = 1, TopP = 0.9f, MaxOutputTokens = 77, Seed = 5, StopSequences = ["[END]"] });
        var body = received!.Body;
        Assert.Equal((77, "[END]"), ((int)body["max_tokens"]!, (string)body["stop_sequences"]![0]!));
        Assert.Equal((0.9, "hello there"), (Math.Round((double)body["top_p"]!, 6), received.LastMessage));
        Assert.Null(body["temperature"]);
        Assert.Null(body["seed"]);
    }

    [Theory]
    [InlineData(ModelSpec.OpenAI, 1f)]
    [InlineData(ModelSpec.Azure, 0.5f)]
    [InlineData(ModelSpec.Anthropic, 1f)]
    [InlineData(ModelSpec.Anthropic, 0.5f)]
    public async Task An_answer_is_bound_to_a_schema_in_the_providers_own_words(string provider, float temperature)
    {
        ReceivedRequest? received = null;
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = request => Noted(received = request), Key = Key });
        var schema = new JsonCompletion(instructionGiven: false, JsonReading.Schema).Schema!.Value;
        await AskAsync(endpoint, provider, new ChatOptions { Temperature = temperature, MaxOutputTokens = 77, ResponseFormat = ChatResponseFormat.ForJsonSchema(schema, "instance") });
        var body = received!.Body;
        var sent = provider == ModelSpec.Anthropic ? body["output_config"]!["format"]! : body["response_format"]!;
        Assert.Equal("json_schema", (string?)sent["type"]);
        if (provider != ModelSpec.Anthropic) Assert.Equal((true, "instance"), ((bool)sent["json_schema"]!["strict"]!, (string?)sent["json_schema"]!["name"]));
        var bound = provider == ModelSpec.Anthropic ? sent["schema"]! : sent["json_schema"]!["schema"]!;
        Assert.Equal((false, "instruction response"), ((bool)bound["additionalProperties"]!, string.Join(' ', bound["required"]!.AsArray().Select(key => (string)key!))));
    }

    [Theory]
    [InlineData(ModelSpec.OpenAI)]
    [InlineData(ModelSpec.Azure)]
    [InlineData(ModelSpec.Anthropic)]
    public async Task Tokens_of_a_prompt_cache_are_counted_apart_and_cost_their_own_price(string provider)
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = _ => "four words are here", Key = Key, CachedTokens = 5 });
        var chat = await OpenAsync(endpoint, provider);
        var usage = (await chat.GetResponseAsync("one two three four five six seven", Short, Stop)).Usage!;
        Assert.Equal((7L, 5L, 4L), (usage.InputTokenCount, usage.CachedInputTokenCount, usage.OutputTokenCount));
        var price = new Price { Input = 1_000_000, CachedInput = 100_000, Output = 0 };
        Assert.Equal(2.5m, price.Of(usage.InputTokenCount!.Value, usage.CachedInputTokenCount!.Value, usage.OutputTokenCount!.Value));
    }

    // Of four candidates for one prompt the first writes the cache and three read it; a short prompt is not worth it, and who declares that there is no cache asks for none.
    [Theory]
    [InlineData(10, null, 1, 3)]
    [InlineData(100_000, null, 0, 0)]
    [InlineData(10, false, 0, 0)]
    public async Task A_prompt_that_is_sent_again_is_put_into_the_prompt_cache_and_costs_what_the_provider_charges(int cachesFrom, bool? declared, int written, int read)
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = _ => "x\n[RESULT] 1 [/RESULT]", CachesFrom = cachesFrom, Key = Key });
        var price = new Price { Input = 1, CachedInput = 0.1m, CacheWrite = 1.25m, Output = 0 };
        var budget = new Budget();
        var setting = new Setting(Domain.Math, GenerationMethod.BestOfN);
        var models = new AnthropicLanguageModels(Services(new ImpatientTime()) with { Budget = budget });
        using var chat = new JournaledChatClient(await models.OpenChatAsync(new ModelSpec { Provider = ModelSpec.Anthropic, Model = "test-model", Endpoint = endpoint.Root.ToString(), ApiKeyVariable = Variable, Price = price, Capabilities = new CapabilitySpec { PromptCaching = declared } }, Stop), new DictionaryJournal(), "claude");
        var plan = new GenerationPlan
        {
            Setting = setting,
            Spec = new GenerationSpec { Instances = 1, BestOf = new BestOfSpec { Candidates = 4, Judge = "judge" } },
            MetaPrompt = MetaPrompts.Load(Path.Combine(Fixtures.Checkout, "prompts"), MetaPromptVariant.Agorabench).For(setting),
            Seeds = new SeedSet([new SeedInstance(new SeedId("s:0"), "question 0", null)]),
            Generator = "test-model",
            Price = price,
            Random = new RandomStreams(1),
            CountTokens = text => text.Length,
        };
        var outcome = await DataGenerator.GenerateAsync(plan, new GenerationModels(chat) { Judge = new FakeChatClient(_ => Scores()) }, null, Stop);
        var total = outcome.Bill.Total;
        var each = total.InputTokens / 4;
        Assert.Equal((4L, written * each, read * each), (total.Completions, total.CacheWrittenTokens, total.CachedInputTokens));
        Assert.Equal((4 - written - read) * each * 1m / 1_000_000 + written * each * 1.25m / 1_000_000 + read * each * 0.1m / 1_000_000, total.Dollars(price));
        Assert.Equal(total.Dollars(price), budget.State.Spent);
        // What was marked is asked for once all the same.
        Assert.Equal(outcome.Bill, (await DataGenerator.GenerateAsync(plan, new GenerationModels(chat) { Judge = new FakeChatClient(_ => Scores()) }, null, Stop)).Bill);
        Assert.Equal(4, endpoint.Requests);
    }

    public static TheoryData<string, Fault> Faults => [.. from provider in new[] { ModelSpec.Azure, ModelSpec.Anthropic } from fault in Enum.GetValues<Fault>() select (provider, fault)];

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Exactly_as_many_instances_come_out_whatever_goes_wrong_at_the_endpoint(string provider, Fault fault)
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = Arithmetic.Answer, Fault = request => request.Number is 1 or 4 ? fault : null });
        if (fault is Fault.Silent or Fault.Trickle) requestTimeout = TimeSpan.FromSeconds(2);
        await TenInstancesAsync(endpoint, provider);
    }

    // Nobody is let in for twenty requests, after some were.
    [Theory]
    [InlineData(ModelSpec.OpenAI, Fault.TooManyRequests)]
    [InlineData(ModelSpec.Anthropic, Fault.TooManyRequests)]
    [InlineData(ModelSpec.OpenAI, Fault.Overloaded)]
    [InlineData(ModelSpec.Anthropic, Fault.Overloaded)]
    public async Task A_storm_passes_and_costs_nothing(string provider, Fault fault)
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = Arithmetic.Answer, Fault = request => request.Number is > 3 and < 24 ? fault : null });
        await TenInstancesAsync(endpoint, provider);
        Assert.InRange(endpoint.Requests, 30, 60);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(60, 0)]
    [InlineData(0, 80)]
    public async Task The_data_do_not_depend_on_latency_and_jitter(int latency, int jitter)
    {
        await using var quick = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = Arithmetic.Answer });
        await using var slow = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = Arithmetic.Answer, Latency = TimeSpan.FromMilliseconds(latency), Jitter = TimeSpan.FromMilliseconds(jitter) });
        Assert.Equal((await TenInstancesAsync(quick, ModelSpec.OpenAI)).Instances.Select(instance => instance.Response), (await TenInstancesAsync(slow, ModelSpec.OpenAI)).Instances.Select(instance => instance.Response));
    }

    private async Task<GenerationOutcome> TenInstancesAsync(FaultyEndpoint endpoint, string provider)
    {
        var setting = new Setting(Domain.Math, GenerationMethod.InstanceGeneration);
        var outcome = await DataGenerator.GenerateAsync(new GenerationPlan
        {
            Setting = setting,
            Spec = new GenerationSpec { Instances = 10, RoundLength = 10 },
            MetaPrompt = MetaPrompts.Load(Path.Combine(Fixtures.Checkout, "prompts"), MetaPromptVariant.Agorabench).For(setting),
            Seeds = new SeedSet([.. Enumerable.Range(0, 10).Select(i => new SeedInstance(new SeedId($"seeds:{i}"), $"question {i}", $"answer {i}"))]),
            Generator = "test-model",
            Random = new RandomStreams(1),
            CountTokens = text => text.Length,
            MaxParallel = 4,
        }, await OpenAsync(endpoint, provider), null, Stop);
        Assert.Equal((10, null), (outcome.Instances.Length, outcome.Shortfall));
        Assert.Equal(endpoint.Tokens, (outcome.Bill.Total.InputTokens, outcome.Bill.Total.OutputTokens));
        return outcome;
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task A_wrong_key_names_its_variable_and_never_itself(string provider)
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = _ => "x", Key = "another" });
        var error = await Assert.ThrowsAsync<AgoraException>(() => AskAsync(endpoint, provider));
        Assert.Equal("the endpoint does not accept the key (HTTP 401: Incorrect API key provided: ***.)", error.What);
        Assert.Equal($"put a valid key into {Variable}", error.Fix);
        for (Exception? fault = error; fault is not null; fault = fault.InnerException)
            Assert.DoesNotContain(Key, fault.ToString(), StringComparison.Ordinal);
    }

    // Ten a second, of which 60 may come at once. Both sides have one clock, on which only waits take time: what is sent too early is sent away.
    [Theory]
    [InlineData(ModelSpec.OpenAI)]
    [InlineData(ModelSpec.Anthropic)]
    public async Task A_limit_that_the_headers_tell_is_kept_from_then_on(string provider)
    {
        var time = new ImpatientTime();
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = _ => "x", RequestsPerMinute = 600, Time = time });
        var chat = await OpenAsync(endpoint, provider, time);
        for (var i = 0; i < 200; i++) await chat.GetResponseAsync($"{i}", Short, Stop);
        Assert.Equal((200, 0), (endpoint.Requests, endpoint.Limited));
    }

    // 100 tokens a second, of which 600 may come at once, and each request asks for up to 40 and takes 36.
    [Theory]
    [InlineData(ModelSpec.OpenAI)]
    [InlineData(ModelSpec.Anthropic)]
    public async Task A_limit_of_tokens_that_the_headers_tell_is_kept_from_then_on(string provider)
    {
        var time = new ImpatientTime();
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = _ => string.Join(' ', Enumerable.Repeat("word", 35)), TokensPerMinute = 6000, Time = time });
        var chat = await OpenAsync(endpoint, provider, time);
        for (var i = 0; i < 60; i++) await chat.GetResponseAsync($"{i}", new ChatOptions { MaxOutputTokens = 40 }, Stop);
        Assert.Equal((60, 0), (endpoint.Requests, endpoint.Limited));
    }

    [Theory]
    [InlineData(Fault.TooManyRequestsByAWrongClock)]
    [InlineData(Fault.TooManyRequestsByALateClock)]
    public async Task A_date_to_wait_for_is_read_by_the_endpoints_own_clock_however_wrong_it_is(Fault fault)
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = _ => "x", Fault = request => request.Number == 0 ? fault : null });
        var time = new ImpatientTime();
        var chat = await OpenAsync(endpoint, ModelSpec.OpenAI, time);
        Assert.Equal("x", (await chat.GetResponseAsync("hello", Short, Stop)).Text);
        Assert.InRange(time.Waits.Max().TotalSeconds, 1, 3);
    }

    [Fact]
    public void What_a_provider_lacks_is_declared_and_can_be_declared_otherwise()
    {
        var claude = new ModelSpec { Provider = ModelSpec.Anthropic, Model = "m" };
        Assert.Equal(["logProbabilities", "seed"], ProviderCapabilities.Missing(claude, ModelCapabilities.LogProbabilities | ModelCapabilities.Seed | ModelCapabilities.StopSequences));
        var local = new ModelSpec { Provider = ModelSpec.OpenAI, Model = "m", Capabilities = new CapabilitySpec { LogProbabilities = false, StructuredOutput = false, PromptCaching = false } };
        Assert.Equal(["logProbabilities", "structuredOutput", "promptCaching"], ProviderCapabilities.Missing(local, ModelCapabilities.All));
    }

    [Fact]
    public async Task A_seed_is_not_sent_to_an_endpoint_that_has_none()
    {
        ReceivedRequest? received = null;
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = request => Noted(received = request) });
        var models = new OpenAILanguageModels(Services(new ImpatientTime()));
        var chat = await models.OpenChatAsync(new ModelSpec { Provider = ModelSpec.OpenAI, Model = "test-model", Endpoint = endpoint.Address.ToString(), Capabilities = new CapabilitySpec { Seed = false } }, Stop);
        await chat.GetResponseAsync("x", new ChatOptions { Seed = 3, MaxOutputTokens = 5 }, Stop);
        Assert.Null(received!.Body["seed"]);
    }

    // Counts by tiktoken: "hello world" is two tokens in both; the Thai word for hello is 4 in o200k_base and more in the older encoding.
    [Theory]
    [InlineData("gpt-4o-mini", "https://api.openai.com/v1", "o200k_base")]
    [InlineData("gpt-5-nano", "https://api.openai.com/v1", "o200k_base")]
    [InlineData("gpt-4.1", "https://api.openai.com/v1", "o200k_base")]
    [InlineData("gpt-4-turbo", "https://api.openai.com/v1", "cl100k_base")]
    [InlineData("gpt-3.5-turbo", "https://api.openai.com/v1", "cl100k_base")]
    [InlineData("gpt-4o", "https://openrouter.ai/api/v1", null)]
    public void Openais_own_models_have_their_published_tokenizer(string model, string endpoint, string? encoding)
    {
        Assert.Equal(encoding, OpenAITokens.EncodingOf(new ModelSpec { Provider = ModelSpec.OpenAI, Model = model, Endpoint = endpoint }));
        if (encoding is not null)
            Assert.Equal((2, true), (OpenAITokens.Count(encoding, "hello world"), OpenAITokens.Count(encoding, "สวัสดี") is var thai && encoding == "o200k_base" ? thai <= 4 : thai > 4));
    }

    [Theory]
    [InlineData("gpt-4o", "https://api.openai.com/v1", 2.50)]
    [InlineData("gpt-4o-2024-08-06", "https://api.openai.com/v1", 2.50)]
    [InlineData("gpt-4o-2024-05-13", "https://api.openai.com/v1", 5.00)]
    [InlineData("gpt-4o-mini", "https://api.openai.com/v1", 0.15)]
    [InlineData("gpt-4o-audio", "https://api.openai.com/v1", null)]
    [InlineData("gpt-4o", "https://openrouter.ai/api/v1", null)]
    public void The_price_table_knows_dated_versions_and_only_the_providers_own_endpoints(string model, string endpoint, double? input) =>
        Assert.Equal((decimal?)input, PriceTable.Shipped.Of(new ModelSpec { Provider = ModelSpec.OpenAI, Model = model, Endpoint = endpoint })?.Input);

    [Fact]
    public void Every_listed_price_has_a_source_with_a_date_and_an_experiments_own_price_wins()
    {
        Assert.All(PriceTable.Shipped.Prices, price => Assert.InRange(PriceTable.Shipped.Sources[price.Source].Read, new DateOnly(2026, 1, 1), DateOnly.FromDateTime(DateTime.UtcNow.AddDays(1))));
        var own = new ModelSpec { Provider = ModelSpec.OpenAI, Model = "gpt-4o", Endpoint = "https://api.openai.com/v1", Price = new Price { Input = 1, Output = 2 } };
        Assert.Equal(own, PriceTable.Shipped.Complete(own));
    }

    private static readonly ChatOptions Short = new() { MaxOutputTokens = 10 };

    private static ChatResponse Scores() => new(new ChatMessage(ChatRole.Assistant, "Score: 5")) { FinishReason = ChatFinishReason.Stop };

    private static string Noted(ReceivedRequest? _) => "x";

    private EndpointServices Services(TimeProvider time) => new()
    {
        Transport = transport,
        Retries = new RetryPolicy { RequestTimeout = requestTimeout },
        Time = time,
        ReadVariable = name => name == Variable ? Key : null,
    };

    private Task<IChatClient> OpenAsync(FaultyEndpoint endpoint, string provider, TimeProvider? time = null, string? version = null)
    {
        var services = Services(time ?? new ImpatientTime());
        ILanguageModels models = provider switch
        {
            ModelSpec.Azure => new AzureOpenAILanguageModels(services),
            ModelSpec.Anthropic => new AnthropicLanguageModels(services),
            _ => new OpenAILanguageModels(services),
        };
        return models.OpenChatAsync(new ModelSpec
        {
            Provider = provider,
            Model = "test-model",
            Endpoint = (provider == ModelSpec.OpenAI ? endpoint.Address : endpoint.Root).ToString(),
            ApiKeyVariable = Variable,
            ApiVersion = version,
        }, Stop);
    }

    private async Task<ChatResponse> AskAsync(FaultyEndpoint endpoint, string provider, ChatOptions? options = null, string? version = null) =>
        await (await OpenAsync(endpoint, provider, version: version)).GetResponseAsync("hello there", options ?? Short, Stop);
}
