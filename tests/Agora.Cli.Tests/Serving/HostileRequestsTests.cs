using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Agora.Tests.Serving;

/// <summary>Whatever a client sends, it is answered or refused in OpenAI's form; the server never fails.</summary>
public sealed class HostileRequestsTests(ModelServerTests.RunningServer running) : IClassFixture<ModelServerTests.RunningServer>
{
    private static readonly string[] Values =
    [
        "null", "true", "0", "-1", "1.5", "1e400", "99999999999999999999", "\"x\"", "\"\"", "[]", "[1]", "[[1]]", "[[]]", "[\"a\"]", "[null]", "[{}]", "{}", "{\"a\":1}", "{\"type\":5}", "{\"include_usage\":5}",
        "[{\"role\":5,\"content\":\"a\"}]", "[{\"role\":\"user\",\"content\":5}]", "[{\"role\":\"user\",\"content\":[{\"type\":5,\"text\":\"a\"}]}]", "[{\"role\":\"user\",\"content\":[5]}]",
    ];

    private static readonly (string Path, string Request, string[] Members)[] Endpoints =
    [
        ("/v1/chat/completions", """{"model":"tiny","messages":[{"role":"user","content":"Hi"}],"max_tokens":2}""",
        [
            "model", "messages", "max_tokens", "max_completion_tokens", "temperature", "top_p", "top_k", "min_p", "repetition_penalty", "stop", "seed", "n", "logprobs", "top_logprobs", "stream", "stream_options",
            "response_format", "modalities", "tools", "functions", "logit_bias", "frequency_penalty", "presence_penalty", "user", "add_generation_prompt", "prompt_logprobs", "tool_choice", "something_else",
        ]),
        ("/v1/completions", """{"model":"tiny","prompt":"Hi","max_tokens":2}""",
            ["model", "prompt", "max_tokens", "echo", "suffix", "best_of", "logprobs", "stop", "stream", "stream_options", "n", "logit_bias", "seed", "prompt_logprobs"]),
        ("/v1/embeddings", """{"model":"tiny","input":"Hi"}""", ["model", "input", "encoding_format", "dimensions", "user"]),
    ];

    public static TheoryData<string> Paths => [.. Endpoints.Select(endpoint => endpoint.Path)];

    [Theory]
    [MemberData(nameof(Paths))]
    public async Task No_value_of_any_member_makes_the_server_fail(string path)
    {
        var (_, request, members) = Endpoints.Single(endpoint => endpoint.Path == path);
        foreach (var member in members)
        {
            foreach (var value in Values)
            {
                var json = JsonNode.Parse(request)!.AsObject();
                json.Remove(member);
                await AssertAnsweredAsync(path, Encoding.UTF8.GetBytes($"{{\"{member}\":{value},{json.ToJsonString()[1..]}"));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public async Task What_is_no_JSON_or_no_Unicode_is_refused(string path)
    {
        var request = Endpoints.Single(endpoint => endpoint.Path == path).Request;
        string[] half = [request.Replace("Hi", "\\ud800", StringComparison.Ordinal), request.Replace("Hi", "\\udc00x", StringComparison.Ordinal), request.Replace("tiny", "\\ud800", StringComparison.Ordinal), "{\"\\ud800\":1," + request[1..], request[..^1] + ",\"stop\":\"\\ud800\"}"];
        byte[][] bodies =
        [
            .. half.Select(Encoding.UTF8.GetBytes), .. half.Select(text => Encoding.Latin1.GetBytes(text.Replace("\\ud800", "\u00ff", StringComparison.Ordinal).Replace("\\udc00x", "\u00c3", StringComparison.Ordinal))),
            [], "{"u8.ToArray(), "null"u8.ToArray(), "5"u8.ToArray(), [0], [0xff, 0xfe], Encoding.ASCII.GetBytes(new string('[', 5000)), Encoding.ASCII.GetBytes(request[..^1] + ",}"), Encoding.ASCII.GetBytes(request.Replace("Hi", "\u0001", StringComparison.Ordinal)),
        ];
        foreach (var body in bodies)
            Assert.Equal(400, await AssertAnsweredAsync(path, body));
    }

    private async Task<int> AssertAnsweredAsync(string path, byte[] body)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var response = await running.Http.PostAsync(new Uri(path, UriKind.Relative), content, TestContext.Current.CancellationToken);
        var answer = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        var status = (int)response.StatusCode;
        Assert.True(status is 200 or 400 or 404, $"{status} for {path} {Encoding.UTF8.GetString(body)}: {answer}");
        if (status != 200)
            Assert.NotEmpty(JsonDocument.Parse(answer).RootElement.GetProperty("error").GetProperty("message").GetString()!);
        return status;
    }
}
