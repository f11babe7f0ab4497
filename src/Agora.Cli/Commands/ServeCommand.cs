using System.CommandLine;
using Agora.Cli.Serving;
using Agora.Students.Inference;

namespace Agora.Cli.Commands;

/// <summary><c>agora serve MODEL_DIR</c>: any model folder behind an OpenAI-compatible API.</summary>
internal static class ServeCommand
{
    public static Command Create()
    {
        var defaults = new ServeOptions { ModelFolder = "" };
        var folder = new Argument<string>("model-folder") { Description = "A model in Hugging Face format: config.json, safetensors, tokenizer.json." };
        var host = new Option<string>("--host") { Description = "Address to listen on; there is no authentication, so loopback unless told otherwise.", DefaultValueFactory = _ => defaults.Host };
        var port = new Option<int>("--port") { Description = "Port to listen on; 0 takes a free one.", DefaultValueFactory = _ => defaults.Port }.Within(0, 65535);
        var name = new Option<string?>("--name") { Description = "What requests call the model; its folder's name where absent." };
        var threads = new Option<int>("--threads") { Description = "Processor cores to use.", DefaultValueFactory = _ => defaults.Threads }.Within(1);
        var device = new Option<string>("--device") { Description = "auto (a CUDA device where there is one), cpu, or cuda:N.", DefaultValueFactory = _ => defaults.Device };
        var maxRequests = new Option<int>("--max-requests") { Description = "Requests waiting and running together; one more is answered 429 with Retry-After.", DefaultValueFactory = _ => defaults.MaxRequests }.Within(1);
        var drain = new Option<double>("--drain-seconds") { Description = "After SIGTERM or Ctrl-C, how long requests may go on.", DefaultValueFactory = _ => defaults.DrainSeconds }.Within(0, 86400);
        var command = new Command("serve", "Serve a model folder: /v1/models, /v1/chat/completions, /v1/completions, /v1/embeddings, /health, /metrics.") { folder, host, port, name, threads, device, maxRequests, drain };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var server = await ModelServer.StartAsync(
                defaults with
                {
                    ModelFolder = parsed.GetRequiredValue(folder),
                    Host = parsed.GetRequiredValue(host),
                    Port = parsed.GetValue(port),
                    Name = parsed.GetValue(name),
                    Threads = parsed.GetValue(threads),
                    Device = DeviceChoice.Check(parsed.GetRequiredValue(device), "--device"),
                    MaxRequests = parsed.GetValue(maxRequests),
                    DrainSeconds = parsed.GetValue(drain),
                },
                cancellationToken);
            await Console.Error.WriteLineAsync($"engine: {server.Engine}");
            Console.WriteLine($"serving {server.ModelName} at {new Uri(server.Address, "v1")}");
            await server.RunAsync(cancellationToken);
            return ExitCodes.Done;
        });
        return command;
    }
}
