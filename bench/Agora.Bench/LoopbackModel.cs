using System.Diagnostics;
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Agora.Bench;

/// <summary>A model that answers every chat request with one short solution after a fixed latency, in a process of its own so that its work is not on the client's account.</summary>
internal sealed class LoopbackModel : IDisposable
{
    private static long answered, ticks;     // of the other process

    private readonly Process process;

    private LoopbackModel(Process process, string address) => (this.process, Address) = (process, address);

    /// <summary>Up to and with /v1.</summary>
    public string Address { get; }

    public static async Task<LoopbackModel> StartAsync(int latencyMilliseconds)
    {
        var process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["loopback-model", latencyMilliseconds.ToString(CultureInfo.InvariantCulture)])
        {
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
        })!;
        return new LoopbackModel(process, await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("the loopback model did not start"));
    }

    /// <summary>How long an answer took on average since this was asked last, by the model's own clock from the request's head to its last byte handed over, in milliseconds: no timer is exact.</summary>
    public async Task<double> LatencyAsync()
    {
        using var client = new HttpClient();
        return double.Parse(await client.GetStringAsync(new Uri(Address + "/latency")), CultureInfo.InvariantCulture);
    }

    /// <summary>The other process: serves until its standard input ends, which is when its parent does.</summary>
    public static async Task ServeAsync(int latencyMilliseconds)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        await using var app = builder.Build();
        app.Run(context => HttpMethods.IsGet(context.Request.Method)
            ? context.Response.WriteAsync((1000.0 * Interlocked.Exchange(ref ticks, 0) / Stopwatch.Frequency / Interlocked.Exchange(ref answered, 0)).ToString(CultureInfo.InvariantCulture))
            : AnswerAsync(context, latencyMilliseconds));
        await app.StartAsync();
        Console.WriteLine(app.Services.GetRequiredService<Microsoft.AspNetCore.Hosting.Server.IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First() + "/v1");
        await Console.In.ReadToEndAsync();
    }

    private static async Task AnswerAsync(HttpContext context, int latencyMilliseconds)
    {
        var arrived = Stopwatch.GetTimestamp();
        while (true)
        {
            var read = await context.Request.BodyReader.ReadAsync();
            context.Request.BodyReader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted) break;
        }
        // A timer counts whole milliseconds from the tick before: what reading took is part of the latency.
        var left = latencyMilliseconds - Stopwatch.GetElapsedTime(arrived).TotalMilliseconds;
        if (left > 0) await Task.Delay((int)Math.Ceiling(left));
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = Answer.Length;
        await context.Response.BodyWriter.WriteAsync(Answer);
        Interlocked.Add(ref ticks, Stopwatch.GetTimestamp() - arrived);
        Interlocked.Increment(ref answered);
    }

    public void Dispose()
    {
        process.StandardInput.Close();
        process.WaitForExit();
        process.Dispose();
    }

    private static ReadOnlyMemory<byte> Answer { get; } =
        """{"id":"chatcmpl-1","object":"chat.completion","created":1764000000,"model":"loopback","choices":[{"index":0,"message":{"role":"assistant","content":"The shop sold 48 clips in April. In May it sold half as many, which is 48 / 2 = 24 clips. Together, over both months, it sold 48 + 24 = 72 clips. We check the sum: 72 - 48 = 24, and 24 is indeed half of 48. Therefore the number of clips that were sold in April and May is 72.\n\n[RESULT] 72 [/RESULT]"},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":180,"completion_tokens":96,"total_tokens":276}}"""u8.ToArray();
}
