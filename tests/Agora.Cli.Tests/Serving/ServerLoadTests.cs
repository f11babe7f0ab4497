using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Agora.Cli.Serving;
using Agora.Cli.Tests;
using OpenAI;
using OpenAI.Chat;

namespace Agora.Tests.Serving;

/// <summary>Many clients, clients that leave, a server that is full and one that is told to stop.</summary>
public sealed partial class ServerLoadTests : IAsyncLifetime
{
    // Enough for an answer that outlasts every test.
    private const int Context = 200_000;

    private readonly string folder = Directory.CreateTempSubdirectory("agora-load-").FullName;
    private readonly HttpClient http = new();
    private ModelServer? server;

    public async ValueTask InitializeAsync()
    {
        TinyModel.Write(folder, Context);
        server = await ModelServer.StartAsync(new ServeOptions { ModelFolder = folder, Port = 0, Name = "tiny", Threads = 2 }, CancellationToken.None);
        http.BaseAddress = server.Address;
    }

    public async ValueTask DisposeAsync()
    {
        http.Dispose();
        await server!.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    private static string Request(int i, int tokens, bool stream = false) =>
        $$"""{"model":"tiny","messages":[{"role":"user","content":"What is {{i}} + 2?"}],"max_tokens":{{tokens}},"seed":{{i}},"stream":{{(stream ? "true" : "false")}}}""";

    private static StringContent Json(string json) => new(json, Encoding.UTF8, "application/json");

    [Fact]
    public async Task Sixty_four_official_clients_at_once_get_the_answers_each_would_get_alone()
    {
        var client = new OpenAIClient(new System.ClientModel.ApiKeyCredential("unused"), new OpenAIClientOptions { Endpoint = new Uri(http.BaseAddress!, "/v1") }).GetChatClient("tiny");
        async Task<string> Streamed(int i)
        {
            var text = new StringBuilder();
#pragma warning disable OPENAI001 // A seed is what makes the comparison possible.
            var options = new ChatCompletionOptions { Seed = i };
#pragma warning restore OPENAI001
            options.MaxOutputTokenCount = 40;
            await foreach (var update in client.CompleteChatStreamingAsync([new UserChatMessage($"What is {i} + 2?")], options, TestContext.Current.CancellationToken))
                text.Append(string.Concat(update.ContentUpdate.Select(part => part.Text)));
            return text.ToString();
        }
        var together = await Task.WhenAll(Enumerable.Range(0, 64).Select(Streamed));
        Assert.Equal(64, together.Distinct().Count());
        for (var i = 0; i < 64; i += 9)
            Assert.Equal(await Streamed(i), together[i]);
    }

    [Fact]
    public async Task Sixty_four_clients_over_plain_http_get_the_answers_each_would_get_alone()
    {
        async Task<string> Answer(int i)
        {
            using var response = await http.PostAsync(new Uri("/v1/chat/completions", UriKind.Relative), Json(Request(i, 40)), TestContext.Current.CancellationToken);
            var json = await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
            return json.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()!;
        }
        var together = await Task.WhenAll(Enumerable.Range(0, 64).Select(Answer));
        for (var i = 0; i < 64; i += 9)
            Assert.Equal(await Answer(i), together[i]);
    }

    [Fact]
    public async Task A_client_that_leaves_frees_its_slot_and_its_pages()
    {
        using (var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = Json(Request(1, Context - 100, stream: true)) })
        {
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
            await UntilAsync(page => page["agora_sequences_running"] == 1 && page["agora_cache_pages"] - page["agora_cache_shared_pages"] > 5);
        }
        await UntilAsync(page => page["agora_sequences_running"] == 0 && page["agora_requests_inside"] == 0 && page["agora_cache_pages"] == page["agora_cache_shared_pages"]);
        Assert.Equal(1, (await MetricsAsync())["agora_requests_abandoned_total"]);
    }

    [Fact]
    public async Task Callers_who_wait_and_leave_do_not_make_the_queue_long()
    {
        await using var small = await ModelServer.StartAsync(new ServeOptions { ModelFolder = folder, Port = 0, Name = "tiny", Threads = 1, MaxRequests = 500 }, TestContext.Current.CancellationToken);
        using var client = new HttpClient { BaseAddress = small.Address };
        using var stop = new CancellationTokenSource();
        var crowd = Enumerable.Range(0, 100).Select(i => client.PostAsync(new Uri("/v1/chat/completions", UriKind.Relative), Json(Request(i, Context - 100)), stop.Token)).ToList();
        await UntilAsync(page => page["agora_sequences_running"] > 0 && page["agora_sequences_running"] + page["agora_sequences_waiting"] == 100, client);
        Assert.True((await MetricsAsync(client))["agora_sequences_waiting"] >= 36);      // 64 places of one worker
        await stop.CancelAsync();
        foreach (var request in crowd)
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);
        await UntilAsync(page => page["agora_sequences_running"] == 0 && page["agora_sequences_waiting"] == 0 && page["agora_requests_inside"] == 0, client);
    }

    [Fact]
    public async Task A_full_server_answers_429_with_a_time_and_takes_requests_again_later()
    {
        await using var small = await ModelServer.StartAsync(new ServeOptions { ModelFolder = folder, Port = 0, Name = "tiny", Threads = 1, MaxRequests = 4 }, TestContext.Current.CancellationToken);
        using var client = new HttpClient { BaseAddress = small.Address };
        using var stop = new CancellationTokenSource();
        var inside = Enumerable.Range(0, 4).Select(i => client.PostAsync(new Uri("/v1/chat/completions", UriKind.Relative), Json(Request(i, Context - 100)), stop.Token)).ToList();
        await UntilAsync(page => page["agora_requests_inside"] == 4, client);
        for (var i = 0; i < 20; i++)
        {
            using var refused = await client.PostAsync(new Uri("/v1/chat/completions", UriKind.Relative), Json(Request(i, 3)), TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
            Assert.True(refused.Headers.RetryAfter?.Delta > TimeSpan.Zero);
        }
        Assert.Equal(20, (await MetricsAsync(client))["agora_requests_total{endpoint=/v1/chat/completions,status=429}"]);
        await stop.CancelAsync();
        foreach (var request in inside)
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);
        await UntilAsync(page => page["agora_requests_inside"] == 0, client);
        using var taken = await client.PostAsync(new Uri("/v1/chat/completions", UriKind.Relative), Json(Request(1, 3)), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, taken.StatusCode);
    }

    [Fact]
    public async Task Metrics_count_requests_tokens_and_times_in_prometheus_format()
    {
        for (var i = 0; i < 3; i++)
            (await http.PostAsync(new Uri("/v1/chat/completions", UriKind.Relative), Json(Request(1, 7, stream: i == 2)), TestContext.Current.CancellationToken)).EnsureSuccessStatusCode();
        using var bad = await http.PostAsync(new Uri("/v1/completions", UriKind.Relative), Json("{}"), TestContext.Current.CancellationToken);
        using var response = await http.GetAsync(new Uri("/metrics", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        var page = PrometheusPage.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal(3, page["agora_requests_total{endpoint=/v1/chat/completions,status=200}"]);
        Assert.Equal(1, page["agora_requests_total{endpoint=/v1/completions,status=400}"]);
        Assert.Equal(21, page["agora_generated_tokens_total"]);
        Assert.True(page["agora_prompt_tokens_total"] > 20);
        Assert.True(page["agora_cached_prompt_tokens_total"] > 0);      // they are alike
        Assert.Equal(3, page["agora_request_duration_seconds_count{endpoint=/v1/chat/completions}"]);
        Assert.Equal(1, page["agora_time_to_first_token_seconds_count"]);
        Assert.True(page["agora_process_resident_bytes"] > 1e6);
    }

    [Fact]
    public async Task A_server_told_to_stop_ends_the_answers_it_has_begun()
    {
        using var agora = AgoraProcess.Start(folder, "serve", folder, "--port", "0", "--name", "tiny", "--device", "cpu");
        while (!agora.Output.Contains("/v1", StringComparison.Ordinal))
        {
            Assert.False(agora.Process.HasExited, agora.Error);
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
        using var client = new HttpClient { BaseAddress = new Uri(Address().Match(agora.Output).Value) };
        // Some seconds of writing, so that the signal comes in the middle.
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = Json(Request(1, 5000, stream: true)) };
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        for (var i = 0; i < 10; i++)
            await lines.ReadLineAsync(TestContext.Current.CancellationToken);
        using (var kill = System.Diagnostics.Process.Start("kill", ["-TERM", agora.Process.Id.ToString(CultureInfo.InvariantCulture)]))
            await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
        var rest = await lines.ReadToEndAsync(TestContext.Current.CancellationToken);
        Assert.Contains("\"finish_reason\":\"length\"", rest, StringComparison.Ordinal);
        Assert.EndsWith("data: [DONE]\n\n", rest, StringComparison.Ordinal);
        await agora.Process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal((0, $"engine: managed kernels, float32, {Environment.ProcessorCount} threads\n"), (agora.ExitCode, agora.Error));
    }

    [Theory]
    [InlineData("gpu", "the device must be auto, cpu or cuda:N, got gpu")]
    [InlineData("cuda:999", "the device is cuda:999")]
    public async Task A_device_that_is_none_or_not_there_is_wrong_usage(string device, string what)
    {
        using var agora = await AgoraProcess.RunAsync(folder, "serve", folder, "--port", "0", "--device", device);
        Assert.Equal((2, ""), (agora.ExitCode, agora.Output));
        Assert.Contains(what, agora.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Answers_that_outlast_the_time_to_stop_are_broken_off()
    {
        using var agora = AgoraProcess.Start(folder, "serve", folder, "--port", "0", "--name", "tiny", "--drain-seconds", "0.2");
        while (!agora.Output.Contains("/v1", StringComparison.Ordinal))
        {
            Assert.False(agora.Process.HasExited, agora.Error);
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
        using var client = new HttpClient { BaseAddress = new Uri(Address().Match(agora.Output).Value) };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = Json(Request(1, Context - 100, stream: true)) };
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        await lines.ReadLineAsync(TestContext.Current.CancellationToken);
        using (var kill = System.Diagnostics.Process.Start("kill", ["-TERM", agora.Process.Id.ToString(CultureInfo.InvariantCulture)]))
            await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
        await Assert.ThrowsAnyAsync<IOException>(() => lines.ReadToEndAsync(TestContext.Current.CancellationToken));
        await agora.Process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, agora.ExitCode);
    }

    private Task<PrometheusPage> MetricsAsync() => MetricsAsync(http);

    private static async Task<PrometheusPage> MetricsAsync(HttpClient client) =>
        PrometheusPage.Parse(await client.GetStringAsync(new Uri("/metrics", UriKind.Relative), TestContext.Current.CancellationToken));

    private async Task UntilAsync(Func<PrometheusPage, bool> holds, HttpClient? client = null)
    {
        for (var tries = 0; !holds(await MetricsAsync(client ?? http)); tries++)
        {
            Assert.True(tries < 3000, "the server did not get there");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    [GeneratedRegex("http://[0-9.:]+")]
    private static partial Regex Address();
}
