using System.Diagnostics;
using System.Globalization;
using Agora.Experiments;
using Agora.LanguageModels;
using Agora.Runs;
using Microsoft.Extensions.AI;

namespace Agora.Bench;

/// <summary>Data sets of 100,000, 500,000 and 1,000,000 instances by a model in this process that answers at once: peak of resident memory, wall time, and how long a resume takes.</summary>
/// <remarks>
/// Every size runs in a process of its own, so that its peak is its own. A second process continues the finished run; for the interrupted one, a process is killed at 90 % of the
/// largest size and the time is taken until the next one asks its first new request, and until it has written everything.
/// </remarks>
internal static class MillionInstances
{
    /// <summary>One process: generates, exports, and says what it took.</summary>
    /// <param name="killAt">How many instances to stop dead at; 0: not at all.</param>
    public static async Task RunAsync(string folder, GenerationMethod method, int instances, int killAt)
    {
        Directory.CreateDirectory(folder);
        var seeds = Path.Combine(folder, "seeds.jsonl");
        if (!File.Exists(seeds)) GenerationBench.Seeds(folder, method == GenerationMethod.InstanceGeneration ? 7_473 : instances);
        var clock = Stopwatch.StartNew();
        var model = new QuickModel(clock, method == GenerationMethod.InstanceGeneration);
        var generator = new ModelSpec { Provider = ModelSpec.OpenAI, Model = "quick", Endpoint = "http://127.0.0.1:1/v1" };
        var experiment = GenerationBench.Experiment(generator, method, instances, seeds);
        var pipeline = new Pipeline(GenerationBench.Services(model, new Budget()), new RunArchive(Path.Combine(folder, "runs")));
        var outcome = await pipeline.GenerateAsync(experiment, 1, new KillAt(killAt), CancellationToken.None);
        var generated = clock.Elapsed.TotalSeconds;
        foreach (var data in outcome.Result.Data) await DatasetFiles.WriteAsync(data, DatasetFormat.Jsonl, folder, CancellationToken.None);
        if (outcome.ExitCode != 0 || outcome.Result.Data is not [{ Summary.Valid: var valid }] || valid != instances)
            throw new InvalidOperationException($"the generation is not whole: {string.Join("; ", outcome.Failures.Select(failure => failure.Fault.ToString()))}");
        using var self = Process.GetCurrentProcess();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{instances} {generated:0.00} {clock.Elapsed.TotalSeconds:0.00} {self.PeakWorkingSet64 / 1e6:0} {self.TotalProcessorTime.TotalSeconds:0.0} {model.FirstAsked?.TotalSeconds ?? -1:0.00} {model.Asked}"));
    }

    public static async Task<bool> MeasureAsync()
    {
        var folder = Directory.CreateTempSubdirectory("agora-bench-").FullName;
        try
        {
            var good = true;
            foreach (var (method, sizes) in new[] { (GenerationMethod.InstanceGeneration, new[] { 100_000, 500_000, 1_000_000 }), (GenerationMethod.ResponseGeneration, [1_000_000]) })
            {
                Console.WriteLine(method.Name());
                foreach (var size in sizes)
                {
                    var place = Path.Combine(folder, $"{method.Name()}-{size}");
                    var whole = await ProcessAsync(place, method, size, 0);
                    Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                        $"  {size,9:N0} instances: {whole.Seconds,6:0.0} s with export, {1e6 * whole.Cpu / size:0} µs CPU an instance, peak {whole.Megabytes:0} MB resident"));
                    if (size == sizes[^1])
                    {
                        var again = await ProcessAsync(place, method, size, 0);
                        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  the finished run again: {again.Generated:0.0} s, asked {again.Asked}, peak {again.Megabytes:0} MB"));
                        good &= Goal("peak resident MB", whole.Megabytes, 600) & Goal("finished run again, s", again.Generated, 10);
                        Directory.Delete(place, recursive: true);
                        await ProcessAsync(place, method, size, killAt: size / 10 * 9);
                        var resumed = await ProcessAsync(place, method, size, 0);
                        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                            $"  killed at 90 %: first new request after {resumed.FirstAsked:0.0} s, all done after {resumed.Generated:0.0} s, asked {resumed.Asked:N0}, peak {resumed.Megabytes:0} MB"));
                        good &= Goal("killed run until it asks, s", resumed.FirstAsked, 10) & Goal("killed run, peak resident MB", resumed.Megabytes, 600);
                    }
                    Directory.Delete(place, recursive: true);
                }
            }
            return good;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static bool Goal(string name, double value, double most)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {name,-32} {value,8:0.0}   goal <= {most:0}   {(value <= most ? "met" : "MISSED")}"));
        return value <= most;
    }

    private static async Task<(double Generated, double Seconds, double Megabytes, double Cpu, double FirstAsked, long Asked)> ProcessAsync(string folder, GenerationMethod method, int instances, int killAt)
    {
        using var process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["instances", folder, method.Name(), instances.ToString(CultureInfo.InvariantCulture), killAt.ToString(CultureInfo.InvariantCulture)])
        {
            RedirectStandardOutput = true,
        })!;
        var line = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (killAt > 0) return default;
        if (process.ExitCode != 0) throw new InvalidOperationException($"the process ended with {process.ExitCode}");
        var numbers = line.Split(' ').Select(text => double.Parse(text, CultureInfo.InvariantCulture)).ToArray();
        return (numbers[1], numbers[2], numbers[3], numbers[4], numbers[5], (long)numbers[6]);
    }

    /// <summary>Kills its own process, as the kernel would, once so many instances are there.</summary>
    private sealed class KillAt(int instances) : IRunObserver
    {
        public void Observe(RunEvent happening)
        {
            if (instances > 0 && happening is RunEvent.Progressed { Progress.Done: var done } && done >= instances)
                Process.GetCurrentProcess().Kill();
        }
    }

    /// <summary>Answers at once, each request with a text of its own.</summary>
    private sealed class QuickModel(Stopwatch clock, bool writesInstruction) : ILanguageModels, IChatClient
    {
        private long asked;

        public TimeSpan? FirstAsked { get; private set; }
        public long Asked => asked;

        public Task<IChatClient> OpenChatAsync(ModelSpec model, CancellationToken cancellationToken) => Task.FromResult<IChatClient>(this);

        public Task<string> IdentifyAsync(ModelSpec model, CancellationToken cancellationToken) => Task.FromResult($"quick:{model.Model ?? model.Path}");

        public Task CloseAsync(ModelSpec model) => Task.CompletedTask;

        public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
        {
            if (Interlocked.Increment(ref asked) == 1) FirstAsked = clock.Elapsed;
            var number = (options!.Seed ?? 0) % 1_000_003;
            var instruction = writesInstruction ? string.Create(CultureInfo.InvariantCulture, $"A baker sells {number} rolls on Monday and twice as many on Tuesday. How many rolls does the baker sell on both days?\nOUTPUT: ") : "";
            var text = string.Create(CultureInfo.InvariantCulture,
                $"{instruction}On Tuesday the baker sells 2 * {number} = {2 * number} rolls. On both days that is {number} + {2 * number} = {3 * number} rolls.\n\n[RESULT] {3 * number} [/RESULT]");
            return Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, text))
            {
                FinishReason = ChatFinishReason.Stop,
                Usage = new UsageDetails { InputTokenCount = 400, OutputTokenCount = 90 },
            });
        }

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }
}
