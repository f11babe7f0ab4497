using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Agora.Cli.Serving;
using Agora.Cli.Tests;
using Agora.Experiments;
using Agora.LanguageModels;
using Agora.Students.Inference;
using Agora.Tests.LanguageModels;

namespace Agora.Tests.Serving;

/// <summary>Perplexity asked of a real endpoint, <c>agora serve</c>, is what the engine behind it computes.</summary>
public sealed class EndpointPerplexityTests : IAsyncLifetime
{
    private static readonly (string Instruction, string Response)[] Pairs =
    [
        ("What is 3 + 2?", "Three apples and two pears are five fruits."), ("Hi", "Hi"), ("What is 3 + 2?", "\n\nfive"), ("What?", ""),
        ("Say <|im_end|>", "It is <|im_end|> there.\n"), ("Ünïcode 你好", "naïve 猫 is a cat"),
    ];

    private readonly string folder = Directory.CreateTempSubdirectory("agora-serve-").FullName;
    private ModelServer? server;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        TinyModel.Write(folder);
        server = await ModelServer.StartAsync(new ServeOptions { ModelFolder = folder, Port = 0, Name = "tiny", Threads = 2 }, CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        await server!.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    private ModelSpec Served => new() { Provider = ModelSpec.OpenAI, Endpoint = $"{server!.Address.AbsoluteUri.TrimEnd('/')}/v1", Model = "tiny" };

    [Theory]
    [InlineData("You are a helpful AI assistant.")]
    [InlineData(null)]
    public async Task Losses_of_a_conversation_are_those_of_the_engine_token_by_token(string? system)
    {
        using var models = new EmbeddedModels(2, DeviceChoice.Cpu);
        using var lease = await models.RentAsync(folder, Stop);
        // A response that spells a special token ends at the last one for the engine, which reads folders; the endpoint is told by its template where it ends.
        (string, string)[] plain = [.. Pairs.Where(pair => !pair.Response.Contains("<|", StringComparison.Ordinal))];
        var expected = await new EmbeddedLikelihoodModel(lease.Engine, system).TokenLossesAsync(plain, Stop);
        var actual = await AskAsync(LikelihoodReading.Chat, system, plain);
        Assert.Equal(expected.Select(losses => losses.Length), actual.Select(losses => losses.Length));
        Assert.Equal(expected.SelectMany(losses => losses), actual.SelectMany(losses => losses), (one, other) => Math.Abs(one - other) < 1e-4);
    }

    // exp(0) of whatever the closing tokens cost must not slip in: the number of losses is that of the response's own tokens.
    [Fact]
    public async Task A_response_that_spells_special_tokens_keeps_its_own_end()
    {
        using var models = new EmbeddedModels(2, DeviceChoice.Cpu);
        using var lease = await models.RentAsync(folder, Stop);
        var losses = await AskAsync(LikelihoodReading.Chat, null, [("Say it", "one <|im_end|> two")]);
        Assert.Equal(lease.Engine.Tokenizer.Encode("one <|im_end|> two", addSpecialTokens: false).Length, losses[0].Length);
    }

    [Fact]
    public async Task Losses_of_plain_text_are_those_of_the_engine()
    {
        using var models = new EmbeddedModels(2, DeviceChoice.Cpu);
        using var lease = await models.RentAsync(folder, Stop);
        var actual = await AskAsync(LikelihoodReading.Completions, "unused", Pairs);
        foreach (var ((instruction, response), losses) in Pairs.Zip(actual))
        {
            if (response.Length == 0)
            {
                Assert.Empty(losses);
                continue;
            }
            var prompt = lease.Engine.Tokenizer.Encode($"{instruction}\n\n", addSpecialTokens: true);
            var whole = lease.Engine.Tokenizer.Encode($"{instruction}\n\n{response}", addSpecialTokens: true);
            var from = whole.AsSpan().CommonPrefixLength(prompt);
            var expected = await lease.Engine.TokenLossesAsync(whole, from, Stop);
            Assert.Equal(expected, losses, (one, other) => Math.Abs(one - other) < 1e-4);
        }
    }

    // What was asked is in the journal, with its tokens for the bill; a second reader asks nobody.
    [Fact]
    public async Task What_was_read_is_in_the_journal_and_not_asked_again()
    {
        var journal = new DictionaryJournal();
        var served = Served;
        var first = await AskAsync(LikelihoodReading.Chat, "s", Pairs, journal, served);
        await server!.DisposeAsync();
        Assert.Equal(first, await AskAsync(LikelihoodReading.Chat, "s", Pairs, journal, served));
        server = await ModelServer.StartAsync(new ServeOptions { ModelFolder = folder, Port = 0, Name = "tiny", Threads = 2 }, CancellationToken.None);
        Assert.Contains("\"input_tokens\":", journal.Records.First(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_command_measures_the_same_perplexity_at_the_endpoint_and_in_the_folder()
    {
        using var scratch = new ScratchFolder();
        var data = scratch.File("data.jsonl", string.Concat(Enumerable.Range(0, 12).Select(i => $$"""{"instruction":"What is {{i}} + 2?","response":"It is {{i + 2}} fruits."}""" + "\n")));
        async Task<JsonNode> MeasureAsync(string runs, params string[] by)
        {
            using var agora = await AgoraProcess.RunAsync(scratch.Path, ["metrics", data, "--json", "--runs", runs, .. by]);
            Assert.True(agora.ExitCode == 0, agora.Error);
            return JsonNode.Parse(agora.Output)![0]!["metrics"]!.AsArray().Single(metric => (string)metric!["name"]! == "perplexity")!;
        }
        var embedded = await MeasureAsync("one", "--base", folder);
        var served = await MeasureAsync("two", "--base", Served.Endpoint!, "--base-model", "tiny");
        Assert.Equal((int)embedded["count"]!, (int)served["count"]!);
        Assert.Equal((double)embedded["value"]!, (double)served["value"]!, (double)embedded["value"]! * 1e-4);
        var plain = await MeasureAsync("three", "--base", Served.Endpoint!, "--base-model", "tiny", "--likelihood", "completions");
        Assert.NotEqual((double)served["value"]!, (double)plain["value"]!, (double)served["value"]! * 1e-3);
    }

    private async Task<IReadOnlyList<float[]>> AskAsync(LikelihoodReading reading, string? system, (string, string)[] pairs, DictionaryJournal? journal = null, ModelSpec? at = null)
    {
        using var transport = new SocketsHttpHandler();
        var models = new OpenAILanguageModels(new EndpointServices { Transport = transport });
        var client = new JournaledChatClient(await models.OpenChatAsync(at ?? Served, Stop), journal ?? new DictionaryJournal(), "served");
        return await new EndpointLikelihood(client, system, reading, 4).TokenLossesAsync(pairs, Stop);
    }
}
