using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Agora.Cli.Serving;
using Agora.Experiments;
using Microsoft.Extensions.AI;
using OpenAI;

namespace Agora.Tests.Serving;

public sealed class ModelServerTests(ModelServerTests.RunningServer running) : IClassFixture<ModelServerTests.RunningServer>
{
    private readonly HttpClient http = running.Http;

    [Fact]
    public async Task The_model_is_listed_under_the_name_it_was_given()
    {
        var models = await GetAsync("/v1/models");
        Assert.Equal("tiny", models.GetProperty("data")[0].GetProperty("id").GetString());
        Assert.Equal("tiny", (await GetAsync("/v1/models/tiny")).GetProperty("id").GetString());
    }

    [Fact]
    public async Task Health_says_that_the_server_is_up() =>
        Assert.Equal("ok", (await GetAsync("/health")).GetProperty("status").GetString());

    [Fact]
    public async Task An_answer_has_its_text_its_end_and_its_usage()
    {
        var answer = await ChatAsync("""{"model":"tiny","messages":[{"role":"user","content":"What is 3 + 2?"}],"max_tokens":5,"seed":1}""");
        var choice = answer.GetProperty("choices")[0];
        Assert.Equal("assistant", choice.GetProperty("message").GetProperty("role").GetString());
        Assert.Equal("length", choice.GetProperty("finish_reason").GetString());
        var usage = answer.GetProperty("usage");
        Assert.Equal(5, usage.GetProperty("completion_tokens").GetInt32());
        Assert.Equal(usage.GetProperty("total_tokens").GetInt32(), usage.GetProperty("prompt_tokens").GetInt32() + 5);
    }

    [Fact]
    public async Task The_same_seed_gives_the_same_answer_and_another_seed_another()
    {
        string Request(int seed) => $$"""{"model":"tiny","messages":[{"role":"user","content":"Hi"}],"max_completion_tokens":20,"seed":{{seed}}}""";
        Assert.Equal(Text(await ChatAsync(Request(7))), Text(await ChatAsync(Request(7))));
        Assert.NotEqual(Text(await ChatAsync(Request(7))), Text(await ChatAsync(Request(8))));
    }

    [Fact]
    public async Task A_stream_joined_is_the_whole_answer()
    {
        const string request = """{"model":"tiny","messages":[{"role":"user","content":"Hi"}],"max_tokens":40,"seed":3""";
        var whole = Text(await ChatAsync(request + "}"));
        var chunks = await StreamAsync("/v1/chat/completions", request + ""","stream":true,"stream_options":{"include_usage":true}}""");
        var deltas = chunks.Where(chunk => chunk.GetProperty("choices").GetArrayLength() > 0).Select(chunk => chunk.GetProperty("choices")[0]).ToList();
        Assert.Equal(whole, string.Concat(deltas.Select(choice => choice.GetProperty("delta").TryGetProperty("content", out var text) ? text.GetString() : "")));
        Assert.Equal("length", deltas[^1].GetProperty("finish_reason").GetString());
        Assert.Equal(40, chunks[^1].GetProperty("usage").GetProperty("completion_tokens").GetInt32());
    }

    [Fact]
    public async Task Each_token_comes_with_its_log_probability_and_the_best_alternatives()
    {
        var answer = await ChatAsync("""{"model":"tiny","messages":[{"role":"user","content":"Hi"}],"max_tokens":4,"temperature":0,"logprobs":true,"top_logprobs":3}""");
        var tokens = answer.GetProperty("choices")[0].GetProperty("logprobs").GetProperty("content").EnumerateArray().ToList();
        Assert.Equal(4, tokens.Count);
        Assert.All(tokens, token =>
        {
            Assert.Equal(3, token.GetProperty("top_logprobs").GetArrayLength());
            // At temperature 0 the likeliest token is the one that is written.
            Assert.Equal(token.GetProperty("top_logprobs")[0].GetProperty("logprob").GetDouble(), token.GetProperty("logprob").GetDouble());
        });
    }

    [Fact]
    public async Task A_stop_text_ends_the_answer_before_it()
    {
        var free = Text(await ChatAsync("""{"model":"tiny","messages":[{"role":"user","content":"Hi"}],"max_tokens":60,"seed":5}"""));
        var stop = free[3].ToString();
        var stopped = await ChatAsync($$"""{"model":"tiny","messages":[{"role":"user","content":"Hi"}],"max_tokens":60,"seed":5,"stop":{{JsonSerializer.Serialize(stop)}}}""");
        Assert.Equal(free[..free.IndexOf(stop, StringComparison.Ordinal)], Text(stopped));
        Assert.Equal("stop", stopped.GetProperty("choices")[0].GetProperty("finish_reason").GetString());
    }

    public static TheoryData<string, string> Samplings => new()
    {
        { "\"temperature\":0.1", "\"temperature\":1.9" },
        { "\"top_p\":1", "\"top_p\":0.1" },
        { "\"top_k\":0", "\"top_k\":1" },
        { "\"min_p\":0", "\"min_p\":0.9" },
        { "\"repetition_penalty\":1", "\"repetition_penalty\":5" },
        { "\"max_tokens\":20", "\"max_tokens\":3" },
        { "\"max_completion_tokens\":20", "\"max_completion_tokens\":3" },
    };

    // No member may be read and then lost on its way to the sampler.
    [Theory]
    [MemberData(nameof(Samplings))]
    public async Task Every_sampling_member_changes_the_answer_in_both_endpoints(string one, string other)
    {
        string Ending(string member) => member.Contains("tokens", StringComparison.Ordinal) ? "}" : ",\"max_tokens\":20}";
        string Chat(string member) => $$"""{"model":"tiny","messages":[{"role":"user","content":"Hi"}],"seed":11,{{member}}{{Ending(member)}}""";
        Assert.Equal(Text(await ChatAsync(Chat(one))), Text(await ChatAsync(Chat(one))));
        Assert.NotEqual(Text(await ChatAsync(Chat(one))), Text(await ChatAsync(Chat(other))));
        if (one.Contains("completion", StringComparison.Ordinal))
            return;     // chat's own name
        async Task<string> Continued(string member) =>
            (await PostAsync("/v1/completions", $$"""{"model":"tiny","prompt":"Three","seed":11,{{member}}{{Ending(member)}}""")).GetProperty("choices")[0].GetProperty("text").GetString()!;
        Assert.NotEqual(await Continued(one), await Continued(other));
    }

    // vLLM's way of asking for a text's likelihood, in both endpoints; echo with logprobs is OpenAI's.
    [Fact]
    public async Task Prompt_log_probabilities_are_those_of_echo()
    {
        var echoed = await PostAsync("/v1/completions", """{"model":"tiny","prompt":"Three apples","max_tokens":0,"echo":true,"logprobs":1}""");
        var asked = await PostAsync("/v1/completions", """{"model":"tiny","prompt":"Three apples","max_tokens":0,"prompt_logprobs":2}""");
        var expected = echoed.GetProperty("choices")[0].GetProperty("logprobs");
        var actual = asked.GetProperty("choices")[0].GetProperty("prompt_logprobs");
        Assert.Equal(expected.GetProperty("token_logprobs").GetArrayLength(), actual.GetArrayLength());
        Assert.Equal(JsonValueKind.Null, actual[0].ValueKind);
        for (var i = 1; i < actual.GetArrayLength(); i++)
        {
            var own = actual[i].EnumerateObject().First();      // the prompt's own token stands first, as in vLLM's answers
            Assert.Equal(expected.GetProperty("token_logprobs")[i].GetDouble(), own.Value.GetProperty("logprob").GetDouble());
            Assert.Equal(expected.GetProperty("tokens")[i].GetString(), own.Value.GetProperty("decoded_token").GetString());
            var rank = own.Value.GetProperty("rank").GetInt32();
            Assert.Equal(rank <= 2 ? 2 : 3, actual[i].EnumerateObject().Count());
            Assert.Equal([1, 2], actual[i].EnumerateObject().Select(entry => entry.Value.GetProperty("rank").GetInt32()).Where(place => place <= 2).Order());
        }
    }

    [Fact]
    public async Task A_conversation_that_is_complete_can_be_read_without_a_new_turn()
    {
        const string messages = """[{"role":"user","content":"What is 3 + 2?"},{"role":"assistant","content":"five"}]""";
        var with = await ChatAsync($$"""{"model":"tiny","messages":{{messages}},"max_tokens":1,"prompt_logprobs":0}""");
        var without = await ChatAsync($$"""{"model":"tiny","messages":{{messages}},"max_tokens":1,"prompt_logprobs":0,"add_generation_prompt":false}""");
        string Joined(JsonElement answer) => string.Concat(answer.GetProperty("prompt_logprobs").EnumerateArray().Skip(1).Select(token => token.EnumerateObject().First().Value.GetProperty("decoded_token").GetString()));
        Assert.EndsWith("five<|eot_id|>", Joined(without), StringComparison.Ordinal);
        Assert.EndsWith("<|start_header_id|>assistant<|end_header_id|>\n\n", Joined(with), StringComparison.Ordinal);
        Assert.Equal(without.GetProperty("usage").GetProperty("prompt_tokens").GetInt32(), without.GetProperty("prompt_logprobs").GetArrayLength());
    }

    [Fact]
    public async Task Text_offsets_point_into_the_text_where_characters_have_several_tokens()
    {
        var answer = await PostAsync("/v1/completions", """{"model":"tiny","prompt":"é😀 Three apples","max_tokens":0,"echo":true,"logprobs":1}""");
        var choice = answer.GetProperty("choices")[0];
        var runes = choice.GetProperty("text").GetString()!.EnumerateRunes().ToArray();
        var log = choice.GetProperty("logprobs");
        var last = log.GetProperty("text_offset").EnumerateArray().Last().GetInt32();
        Assert.Equal(log.GetProperty("tokens").EnumerateArray().Last().GetString(), string.Concat(runes[last..]));
    }

    // What evaluation harnesses ask for: the likelihood of a given text, nothing written.
    [Fact]
    public async Task Echo_without_new_tokens_gives_the_log_probability_of_the_prompt()
    {
        var answer = await PostAsync("/v1/completions", """{"model":"tiny","prompt":"Three apples","max_tokens":0,"echo":true,"logprobs":2}""");
        var choice = answer.GetProperty("choices")[0];
        Assert.Equal("Three apples", choice.GetProperty("text").GetString());
        var logProbabilities = choice.GetProperty("logprobs");
        Assert.Equal(JsonValueKind.Null, logProbabilities.GetProperty("token_logprobs")[0].ValueKind);
        Assert.All(logProbabilities.GetProperty("token_logprobs").EnumerateArray().Skip(1), value => Assert.True(value.GetDouble() < 0));
        Assert.Equal(logProbabilities.GetProperty("tokens").GetArrayLength(), logProbabilities.GetProperty("top_logprobs").GetArrayLength());
    }

    [Fact]
    public async Task Several_prompts_are_continued_in_their_order()
    {
        var both = await PostAsync("/v1/completions", """{"model":"tiny","prompt":["Three","What"],"max_tokens":8,"temperature":0}""");
        var second = await PostAsync("/v1/completions", """{"model":"tiny","prompt":"What","max_tokens":8,"temperature":0}""");
        Assert.Equal(second.GetProperty("choices")[0].GetProperty("text").GetString(), both.GetProperty("choices")[1].GetProperty("text").GetString());
    }

    [Fact]
    public async Task Embeddings_have_length_one_and_come_as_numbers_or_base64()
    {
        var numbers = await PostAsync("/v1/embeddings", """{"model":"tiny","input":["Three apples","two pears"]}""");
        var vector = numbers.GetProperty("data")[1].GetProperty("embedding").EnumerateArray().Select(value => value.GetSingle()).ToArray();
        Assert.Equal(1, vector.Sum(value => value * value), 4);
        var encoded = await PostAsync("/v1/embeddings", """{"model":"tiny","input":"two pears","encoding_format":"base64"}""");
        var bytes = Convert.FromBase64String(encoded.GetProperty("data")[0].GetProperty("embedding").GetString()!);
        Assert.Equal(vector[0], BitConverter.ToSingle(bytes), 5);
    }

    [Theory]
    [InlineData("""{"model":"tiny"}""", 400, "messages")]
    [InlineData("""{"model":"tiny","messages":[]}""", 400, "messages")]
    [InlineData("""{"model":"tiny","messages":[{"role":"user"}]}""", 400, "messages[0].content")]
    [InlineData("""{"model":"tiny","messages":[{"role":"user","content":"Hi"}],"temperature":3}""", 400, "temperature")]
    [InlineData("""{"model":"tiny","messages":[{"role":"user","content":"Hi"}],"top_p":0}""", 400, "top_p")]
    [InlineData("""{"model":"tiny","messages":[{"role":"user","content":"Hi"}],"n":2}""", 400, "n")]
    [InlineData("""{"model":"tiny","messages":[{"role":"user","content":"Hi"}],"max_tokens":0}""", 400, "max_tokens")]
    [InlineData("""{"model":"tiny","messages":[{"role":"user","content":"Hi"}],"max_tokens":257}""", 400, "max_completion_tokens")]
    [InlineData("""{"model":"tiny","messages":[{"role":"user","content":"Hi"}],"min_p":2}""", 400, "min_p")]
    [InlineData("""{"model":"tiny","messages":[{"role":"user","content":"Hi"}],"top_k":-1}""", 400, "top_k")]
    [InlineData("""{"model":"tiny","messages":[{"role":"user","content":"Hi"}],"repetition_penalty":0}""", 400, "repetition_penalty")]
    [InlineData("""{"model":"tiny","messages":[{"role":"user","content":"Hi"}],"prompt_logprobs":21}""", 400, "prompt_logprobs")]
    [InlineData("""{"model":"tiny","messages":[{"role":"user","content":"Hi"}],"prompt_logprobs":1,"stream":true}""", 400, "prompt_logprobs")]
    [InlineData("""{"model":"tiny","messages":[{"role":"user","content":"Hi"}],"tools":[{}]}""", 400, "tools")]
    [InlineData("""{"model":"tiny","messages":[{"role":"user","content":"Hi"}],"temprature":1}""", 400, "temprature")]
    [InlineData("""{"model":"other","messages":[{"role":"user","content":"Hi"}]}""", 404, "model")]
    [InlineData("""{"model":"tiny","messages":""", 400, null)]
    [InlineData("[]", 400, null)]
    public async Task A_bad_request_is_refused_naming_what_is_wrong(string request, int status, string? parameter)
    {
        using var response = await http.PostAsync(new Uri("/v1/chat/completions", UriKind.Relative), Json(request), TestContext.Current.CancellationToken);
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(parameter, (await ReadAsync(response)).GetProperty("error").GetProperty("param").GetString());
    }

    [Fact]
    public async Task A_prompt_longer_than_the_context_is_refused_with_OpenAIs_code()
    {
        var request = $$"""{"model":"tiny","messages":[{"role":"user","content":"{{new string('x', 2 * TinyModel.Context)}}"}]}""";
        using var response = await http.PostAsync(new Uri("/v1/chat/completions", UriKind.Relative), Json(request), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("context_length_exceeded", (await ReadAsync(response)).GetProperty("error").GetProperty("code").GetString());
    }

    [Fact]
    public async Task More_tokens_than_the_prompt_leaves_room_for_end_at_the_context()
    {
        var answer = await ChatAsync("""{"model":"tiny","messages":[{"role":"user","content":"Hi"}],"max_tokens":256,"seed":1}""");
        Assert.Equal(TinyModel.Context, answer.GetProperty("usage").GetProperty("total_tokens").GetInt32());
    }

    [Fact]
    public async Task A_body_over_the_limit_is_refused()
    {
        using var response = await http.PostAsync(new Uri("/v1/completions", UriKind.Relative), Json(new string(' ', RunningServer.MaxBytes + 1)), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
    }

    [Fact]
    public async Task An_unknown_path_is_an_error_in_OpenAIs_form()
    {
        using var response = await http.GetAsync(new Uri("/v2/chat", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal("not_found", (await ReadAsync(response)).GetProperty("error").GetProperty("code").GetString());
    }

    [Fact]
    public async Task A_client_that_leaves_frees_its_place()
    {
        using (var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions"))
        {
            request.Content = Json("""{"model":"tiny","messages":[{"role":"user","content":"Hi"}],"stream":true}""");
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }
        for (var tries = 0; (await GetAsync("/health")).GetProperty("requests").GetInt32() > 0; tries++)
        {
            Assert.True(tries < 500, "the request of a client that left still has its place");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task The_official_client_chats_and_streams()
    {
        using var chat = Client().GetChatClient("tiny").AsIChatClient();
        var options = new ChatOptions { MaxOutputTokens = 12, Seed = 4, Temperature = 0.7f, TopP = 0.9f, StopSequences = ["[END]"] };
        var whole = await chat.GetResponseAsync("Hi", options, TestContext.Current.CancellationToken);
        Assert.Equal(ChatFinishReason.Length, whole.FinishReason);
        Assert.Equal(12, whole.Usage?.OutputTokenCount);
        var streamed = await chat.GetStreamingResponseAsync("Hi", options, TestContext.Current.CancellationToken).ToChatResponseAsync(TestContext.Current.CancellationToken);
        Assert.Equal(whole.Text, streamed.Text);
        Assert.Equal(12, streamed.Usage?.OutputTokenCount);
    }

    [Fact]
    public async Task The_official_client_embeds()
    {
        using var embedder = Client().GetEmbeddingClient("tiny").AsIEmbeddingGenerator();
        var vectors = await embedder.GenerateAsync(["Three apples", "two pears"], cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(32, vectors[1].Vector.Length);
    }

    [Fact]
    public async Task One_request_more_than_the_server_takes_is_told_to_come_back()
    {
        await using var small = await ModelServer.StartAsync(running.Options with { MaxRequests = 1 }, TestContext.Current.CancellationToken);
        using var client = new HttpClient { BaseAddress = small.Address };
        using var first = new HttpRequestMessage(HttpMethod.Post, "/v1/completions") { Content = new NeverEnding() };
        using var stop = new CancellationTokenSource();
        var waiting = client.SendAsync(first, stop.Token);
        while ((await ReadAsync(await client.GetAsync(new Uri("/health", UriKind.Relative), TestContext.Current.CancellationToken))).GetProperty("requests").GetInt32() == 0)
            Assert.False(waiting.IsCompleted, "the first request was to keep its place");
        using var response = await client.PostAsync(new Uri("/v1/completions", UriKind.Relative), Json("""{"model":"tiny","prompt":"Hi","max_tokens":1}"""), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
        Assert.NotNull(response.Headers.RetryAfter);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }

    [Fact]
    public async Task Requests_that_send_too_much_together_are_told_to_come_back_until_others_have_left()
    {
        await using var small = await ModelServer.StartAsync(running.Options with { MaxBytesInside = 4096 }, TestContext.Current.CancellationToken);
        using var client = new HttpClient { BaseAddress = small.Address };
        async Task<HttpResponseMessage> AskAsync(int spaces) =>
            await client.PostAsync(new Uri("/v1/completions", UriKind.Relative), Json("""{"model":"tiny","prompt":"Hi","max_tokens":1}""" + new string(' ', spaces)), TestContext.Current.CancellationToken);
        using (var large = await AskAsync(5000))
        {
            Assert.Equal(HttpStatusCode.TooManyRequests, large.StatusCode);
            Assert.NotNull(large.Headers.RetryAfter);
        }
        // What each has sent is given back when it leaves, whether it was answered or refused.
        for (var round = 0; round < 5; round++)
            using (var response = await AskAsync(3000))
                Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        using var held = new HttpRequestMessage(HttpMethod.Post, "/v1/completions") { Content = new NeverEnding(3000) };
        using var stop = new CancellationTokenSource();
        var waiting = client.SendAsync(held, stop.Token);
        for (var status = HttpStatusCode.OK; status == HttpStatusCode.OK;)
        {
            using var response = await AskAsync(3000);
            status = response.StatusCode;
            Assert.False(waiting.IsCompleted, "the request that has not ended was to keep its bytes");
            Assert.True(status is HttpStatusCode.OK or HttpStatusCode.TooManyRequests, $"got {status}");
        }
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }

    [Fact]
    public async Task A_port_that_is_taken_is_an_error_that_says_what_to_do()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var options = running.Options with { Port = ((IPEndPoint)taken.LocalEndpoint).Port };
        var error = await Assert.ThrowsAsync<AgoraException>(() => ModelServer.StartAsync(options, TestContext.Current.CancellationToken));
        Assert.Contains("--port", error.Fix, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_host_that_is_no_address_is_wrong_usage() =>
        Assert.Equal(2, (await Assert.ThrowsAsync<AgoraException>(() => ModelServer.StartAsync(running.Options with { Host = "nowhere" }, TestContext.Current.CancellationToken))).ExitCode);

    private OpenAIClient Client() => new(new System.ClientModel.ApiKeyCredential("unused"), new OpenAIClientOptions { Endpoint = new Uri(http.BaseAddress!, "/v1") });

    private static string Text(JsonElement answer) => answer.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()!;

    private static StringContent Json(string json) => new(json, Encoding.UTF8, "application/json");

    private async Task<JsonElement> GetAsync(string path) => await ReadAsync(await http.GetAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken));

    private Task<JsonElement> ChatAsync(string json) => PostAsync("/v1/chat/completions", json);

    private async Task<JsonElement> PostAsync(string path, string json)
    {
        using var response = await http.PostAsync(new Uri(path, UriKind.Relative), Json(json), TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        return await ReadAsync(response);
    }

    private async Task<List<JsonElement>> StreamAsync(string path, string json)
    {
        using var response = await http.PostAsync(new Uri(path, UriKind.Relative), Json(json), TestContext.Current.CancellationToken);
        var body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        var events = body.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(line => line["data: ".Length..]).ToList();
        Assert.Equal("[DONE]", events[^1]);
        return [.. events[..^1].Select(data => JsonDocument.Parse(data).RootElement)];
    }

    private static async Task<JsonElement> ReadAsync(HttpResponseMessage response) =>
        JsonDocument.Parse(await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken)).RootElement;

    /// <summary>A body whose end never comes.</summary>
    private sealed class NeverEnding(int spaces = 0) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes("{" + new string(' ', spaces)), cancellationToken);
            await stream.FlushAsync(cancellationToken);
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }

    public sealed class RunningServer : IAsyncLifetime
    {
        public const int MaxBytes = 100_000;
        private readonly string folder = Directory.CreateTempSubdirectory("agora-serve-").FullName;
        private ModelServer? server;

        public ServeOptions Options => new() { ModelFolder = folder, Port = 0, Name = "tiny", Threads = 2, MaxRequestBytes = MaxBytes };

        public HttpClient Http { get; private set; } = new();

        public async ValueTask InitializeAsync()
        {
            TinyModel.Write(folder);
            server = await ModelServer.StartAsync(Options, CancellationToken.None);
            Http = new HttpClient { BaseAddress = server.Address };
        }

        public async ValueTask DisposeAsync()
        {
            Http.Dispose();
            if (server is not null)
                await server.DisposeAsync();
            Directory.Delete(folder, recursive: true);
        }
    }
}
