using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Agora.DataGeneration;
using Agora.Experiments;
using Agora.LanguageModels;
using Agora.Runs;
using Microsoft.Extensions.AI;

namespace Agora.Bench;

/// <summary>512 parallel requests to a model on loopback that answers after 200 ms and after 5 ms, through the product's pipeline; and the same steps by Python's thread pool at its best number of threads.</summary>
/// <remarks>The model runs in a process of its own on the same cores. Time is wall time of the whole generation, from reading the seeds to the last record of the exported file; CPU is that of this process.
/// The peer that goals are held against sends through OpenAI's Python SDK, as the paper's own code does (bench/request_peer.py). It is no package of Debian's: check out openai/openai-python at v1.55.3, which that code asks for, and give its src folder, with a
/// typing_extensions of 4.11 or later beside it. Through httpx, which is below that SDK (python3-httpx), and the standard library's http.client, the least there is, it is measured as well.</remarks>
internal static class RequestSpeed
{
    private const int Parallel = 512;

    /// <param name="pythonPath">Where Python finds OpenAI's SDK and what it needs; null where it need not be told.</param>
    /// <param name="part">200ms or 5ms; both where null.</param>
    public static async Task<bool> MeasureAsync(string? part, string? pythonPath)
    {
        var met = true;
        if (part is null or "200ms")
        {
            var slow = await CompareAsync(latencyMilliseconds: 200, requests: 60_000, peerSeconds: 6, [64, 128, 256, 512], pythonPath);
            met &= Goal("200 ms: share of the ideal 2,560/s", slow.Rate / (Parallel / 0.2), 0.95, atLeast: true)
                & Goal("200 ms: cores of the client", slow.Cores, 0.60, atLeast: false)
                & Goal("200 ms: times Python's pool with OpenAI's SDK", slow.Rate / slow.OpenAI, 5, atLeast: true);
            Beside(slow);
        }
        if (part is null or "5ms")
        {
            var quick = await CompareAsync(latencyMilliseconds: 5, requests: 80_000, peerSeconds: 6, [4, 16, 64, 128], pythonPath);
            met &= Goal("5 ms: requests a second", quick.Rate, 5_000, atLeast: true)
                & Goal("5 ms: times Python's pool with OpenAI's SDK", quick.Rate / quick.OpenAI, 10, atLeast: true);
            Beside(quick);
        }
        return met;

        static void Beside((double Rate, double Cores, double OpenAI, double Httpx, double Plain) of) =>
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"beside, without a goal: times the pool with bare httpx {of.Rate / of.Httpx:0.0}, with http.client {of.Rate / of.Plain:0.0}"));
    }

    /// <summary>The product alone.</summary>
    /// <param name="layers">Whether the clients below it are measured as well.</param>
    public static async Task RunAsync(int latencyMilliseconds, int requests, bool layers)
    {
        var folder = Directory.CreateTempSubdirectory("agora-bench-").FullName;
        try
        {
            using var model = await LoopbackModel.StartAsync(latencyMilliseconds);
            await OursAsync(model, Path.Combine(folder, "warm"), 4_000);
            await OursAsync(model, Path.Combine(folder, "run"), requests);
            if (!layers) return;
            await ClientAsync(model, "the official SDK's client alone", requests, SdkClient);
            await ClientAsync(model, "HttpClient alone", requests, PlainClient);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<(double Rate, double Cores, double OpenAI, double Httpx, double Plain)> CompareAsync(int latencyMilliseconds, int requests, int peerSeconds, int[] threads, string? pythonPath)
    {
        var folder = Directory.CreateTempSubdirectory("agora-bench-").FullName;
        try
        {
            using var model = await LoopbackModel.StartAsync(latencyMilliseconds);
            Console.WriteLine($"latency {latencyMilliseconds} ms");
            await OursAsync(model, Path.Combine(folder, "warm"), 4_000);
            var (rate, cores) = await OursAsync(model, Path.Combine(folder, "run"), requests);
            return (rate, cores, await PeerAsync("openai"), await PeerAsync("httpx"), await PeerAsync("http.client"));

            Task<double> PeerAsync(string client) => RequestSpeed.PeerAsync(model, folder, client, peerSeconds, threads, pythonPath);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<(double Rate, double Cores)> OursAsync(LoopbackModel model, string folder, int requests)
    {
        Directory.CreateDirectory(folder);
        var budget = new Budget();
        using var transport = new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(5) };
        var models = new LanguageModelProviders(new Dictionary<string, ILanguageModels>
        {
            [ModelSpec.OpenAI] = new OpenAILanguageModels(new EndpointServices { Transport = transport, Budget = budget }),
            [ModelSpec.Embedded] = new NoModels(),
        });
        var generator = new ModelSpec { Provider = ModelSpec.OpenAI, Model = "loopback", Endpoint = model.Address, MaxParallel = Parallel, Price = new Price { Input = 0.15m, Output = 0.6m } };
        var experiment = GenerationBench.Experiment(generator, GenerationMethod.ResponseGeneration, requests, GenerationBench.Seeds(folder, requests)) with { Budget = new BudgetSpec { LimitDollars = 1_000_000 } };
        var pipeline = new Pipeline(GenerationBench.Services(models, budget), new RunArchive(Path.Combine(folder, "runs")));
        if (requests >= 10_000) _ = await model.LatencyAsync();
        GC.Collect();
        var observer = new AnswerTimes();
        using var self = Process.GetCurrentProcess();
        var (clock, cpu, allocated) = (Stopwatch.StartNew(), self.TotalProcessorTime, GC.GetTotalAllocatedBytes());
        var outcome = await pipeline.GenerateAsync(experiment, 1, observer, CancellationToken.None);
        foreach (var data in outcome.Result.Data) await DatasetFiles.WriteAsync(data, DatasetFormat.Jsonl, folder, CancellationToken.None);
        clock.Stop();
        self.Refresh();
        if (outcome.ExitCode != 0 || outcome.Result.Data is not [{ Summary.Valid: var valid }] || valid != requests)
            throw new InvalidOperationException($"the generation is not whole: {string.Join("; ", outcome.Failures.Select(failure => failure.Fault.ToString()))}");
        var (seconds, busy) = (clock.Elapsed.TotalSeconds, (self.TotalProcessorTime - cpu).TotalSeconds);
        if (requests >= 10_000)
        {
            var latency = await model.LatencyAsync();
            Console.WriteLine(observer);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  the model took {latency:0.0} ms an answer by its own clock"));
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"  agora, {Parallel} parallel: {requests:N0} requests in {seconds:0.00} s: {requests / seconds:N0}/s, {busy / seconds:0.00} cores, {1e6 * busy / requests:0} µs and {(GC.GetTotalAllocatedBytes() - allocated) / requests:N0} bytes allocated a request"));
        return (requests / seconds, busy / seconds);
    }

    // What the layers below the product's own cost: the same request over and over, nothing rendered, checked or kept.
    private static async Task ClientAsync(LoopbackModel model, string name, int requests, Func<LoopbackModel, HttpClient, Func<Task>> connect)
    {
        using var transport = new HttpClient(new SocketsHttpHandler { ActivityHeadersPropagator = null });
        var ask = connect(model, transport);
        using var self = Process.GetCurrentProcess();
        for (var count = Parallel * 4; count > 0; count = count == requests ? 0 : requests)
        {
            self.Refresh();
            var (clock, cpu, allocated, left) = (Stopwatch.StartNew(), self.TotalProcessorTime, GC.GetTotalAllocatedBytes(), count);
            await Task.WhenAll(Enumerable.Range(0, Parallel).Select(async _ =>
            {
                while (Interlocked.Decrement(ref left) >= 0) await ask();
            }));
            self.Refresh();
            var (seconds, busy) = (clock.Elapsed.TotalSeconds, (self.TotalProcessorTime - cpu).TotalSeconds);
            if (count == requests)
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {name}: {requests / seconds:N0}/s, {1e6 * busy / requests:0} µs and {(GC.GetTotalAllocatedBytes() - allocated) / requests:N0} bytes allocated a request"));
        }
    }

    private static Func<Task> SdkClient(LoopbackModel model, HttpClient transport)
    {
        var client = new OpenAI.OpenAIClient(new System.ClientModel.ApiKeyCredential("none"), new OpenAI.OpenAIClientOptions
        {
            Endpoint = new Uri(model.Address),
            Transport = new System.ClientModel.Primitives.HttpClientPipelineTransport(transport),
            RetryPolicy = new System.ClientModel.Primitives.ClientRetryPolicy(maxRetries: 0),
            NetworkTimeout = Timeout.InfiniteTimeSpan,
        }).GetChatClient("loopback").AsIChatClient();
        var options = new ChatOptions { Temperature = 1, TopP = 0.9f, MaxOutputTokens = 1024, StopSequences = StopPhrases, Seed = 1 };
        return () => client.GetResponseAsync([new ChatMessage(ChatRole.System, "You are a helpful assistant that writes training data."), new ChatMessage(ChatRole.User, Prompt)], options);
    }

    private static Func<Task> PlainClient(LoopbackModel model, HttpClient transport)
    {
        var address = new Uri(model.Address + "/chat/completions");
        return async () =>
        {
            var body = JsonSerializer.SerializeToUtf8Bytes(new
            {
                model = "loopback",
                messages = new[] { new { role = "system", content = "You are a helpful assistant that writes training data." }, new { role = "user", content = Prompt } },
                temperature = 1,
                top_p = 0.9,
                max_tokens = 1024,
                stop = StopPhrases,
                seed = 1,
            });
            using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = new ByteArrayContent(body) { Headers = { ContentType = new("application/json") } } };
            using var response = await transport.SendAsync(request);
            using var answer = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync());
            _ = answer.RootElement.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString();
        };
    }

    private static readonly string[] StopPhrases = ["[END]"];

    private static string Prompt { get; } = string.Concat(Enumerable.Repeat("How many clips did Natalia sell altogether? ", 25));

    private static async Task<double> PeerAsync(LoopbackModel model, string folder, string client, int seconds, int[] threads, string? pythonPath)
    {
        var script = Path.Combine(AppContext.BaseDirectory, "request_peer.py");
        var template = Path.Combine(GenerationBench.Checkout, "prompts", "agorabench", "math", "response_generation.txt");
        var start = new ProcessStartInfo("/usr/bin/python3", [script, client, model.Address, template, Path.Combine(folder, "run", "seeds.jsonl"), Path.Combine(folder, "peer.jsonl"),
            seconds.ToString(CultureInfo.InvariantCulture), .. threads.Select(count => count.ToString(CultureInfo.InvariantCulture))])
        { RedirectStandardOutput = true };
        if (pythonPath is not null) start.Environment["PYTHONPATH"] = pythonPath;
        using var python = Process.Start(start)!;
        var best = 0.0;
        while (await python.StandardOutput.ReadLineAsync() is { } line)
        {
            var row = JsonDocument.Parse(line).RootElement;
            if (row.TryGetProperty("missing", out var missing))
            {
                Console.WriteLine($"  python, {client}: NOT MEASURED: {missing.GetString()}");
                return double.NaN;
            }
            var rate = row.GetProperty("rate").GetDouble();
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  python, {client}, {row.GetProperty("threads").GetInt32()} threads: {rate:N0}/s, {row.GetProperty("cores").GetDouble():0.00} cores"));
            best = Math.Max(best, rate);
        }
        await python.WaitForExitAsync();
        return best > 0 ? best : throw new InvalidOperationException("the peer measured nothing");
    }

    private static bool Goal(string name, double value, double goal, bool atLeast)
    {
        var met = atLeast ? value >= goal : value <= goal;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-46} {value,10:N2}   goal {(atLeast ? ">=" : "<=")} {goal:N2}   {(met ? "met" : "MISSED")}"));
        return met;
    }

    /// <summary>When the step began and ended and the first and the last answers came, and how fast those between the first and the last quarter.</summary>
    private sealed class AnswerTimes : IRunObserver
    {
        private readonly Lock gate = new();
        private readonly List<TimeSpan> at = [];
        private readonly Stopwatch clock = Stopwatch.StartNew();
        private TimeSpan began, ended;

        public void Observe(RunEvent happening)
        {
            lock (gate)
            {
                if (happening is RunEvent.Started) began = clock.Elapsed;
                else if (happening is RunEvent.Finished) ended = clock.Elapsed;
                else if (happening is RunEvent.Progressed) at.Add(clock.Elapsed);
            }
        }

        public override string ToString()
        {
            var (first, last) = (at[at.Count / 4], at[at.Count * 3 / 4]);
            return string.Create(CultureInfo.InvariantCulture,
                $"  the step begins after {began.TotalSeconds:0.00} s, first answer {(at[0] - began).TotalSeconds:0.00} s later, the middle half at {at.Count / 2 / (last - first).TotalSeconds:N0}/s, after the last answer {(ended - at[^1]).TotalSeconds:0.00} s to the step's end and {(clock.Elapsed - ended).TotalSeconds:0.00} s to the exported file");
        }
    }
}
