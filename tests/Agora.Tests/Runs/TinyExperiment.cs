using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Agora.Experiments;
using Agora.LanguageModels;
using Agora.Runs;
using Agora.Training;
using Microsoft.Extensions.AI;

namespace Agora.Tests.Runs;

/// <summary>A whole experiment on sums of two numbers, with models that are a few lines of arithmetic: everything but the models is real.</summary>
internal sealed class TinyExperiment
{
    private readonly string folder;

    public TinyExperiment(string folder, bool writeFiles = true)
    {
        this.folder = folder;
        if (!writeFiles)
            return;
        foreach (var (name, skill) in new[] { ("base", 10), ("reference", 95), ("writer-a", 80), ("writer-b", 60) })
        {
            Write($"models/{name}/skill.txt", $"{skill}");
            Write($"models/{name}/tokenizer.json", "{}");
        }
        Write("prompts/agorabench/math/instance_generation.txt", "Write a sum. After OUTPUT: answer it.\nINPUT: <input1>\nOUTPUT: <output1>\nINPUT:");
        Write("prompts/agorabench/math/response_generation.txt", "Answer this: <input>");
        Write("seeds.jsonl", string.Concat(Enumerable.Range(1, 30).Select(i =>
            $$"""{"instruction":"What is {{i}} + {{i + 1}}?","response":"It is [RESULT] {{2 * i + 1}} [/RESULT]"}""" + "\n")));
        Write("benchmark.jsonl", string.Concat(Enumerable.Range(1, 40).Select(i =>
            $$"""{"id":"sum-{{i}}","question":"What is {{i}} + {{3 * i}}?","answer":"{{4 * i}}"}""" + "\n")));
    }

    public ArithmeticModels Models { get; } = new();
    public CountingTrainer Trainer { get; } = new();
    public RecordingObserver Observer { get; } = new();
    public RunArchive Archive => new(Path.Combine(folder, "runs"));
    public Pipeline Pipeline => new(new PipelineServices { Models = Models, Trainer = Trainer, TokenCounter = _ => text => text.Length / 4 }, Archive);

    public string PathOf(string file) => Path.Combine(folder, file);

    public Experiment Experiment() => new()
    {
        Name = "tiny",
        Models = new[] { "base", "reference", "writer-a", "writer-b" }.ToImmutableSortedDictionary(name => name, name => new ModelSpec
        {
            Provider = ModelSpec.Embedded,
            Path = PathOf($"models/{name}"),
            Price = new Price { Input = 1m, Output = 2m },
            MaxParallel = 4,
        }),
        Generators = ["writer-a", "writer-b"],
        Settings = [new Setting(Domain.Math, GenerationMethod.InstanceGeneration), new Setting(Domain.Math, GenerationMethod.ResponseGeneration)],
        Students = [new StudentSpec { Name = "student", Base = "base", Reference = "reference" }],
        Generation = new GenerationSpec { Instances = 20, RoundLength = 5, Prompts = PathOf("prompts"), MaxNewTokens = 100 },
        SeedData = Setting.All.ToImmutableSortedDictionary(setting => setting, _ => new DataSource { File = PathOf("seeds.jsonl") }),
        Benchmarks = ImmutableSortedDictionary<Domain, ImmutableArray<BenchmarkSpec>>.Empty
            .Add(Domain.Math, [new BenchmarkSpec { Name = "nano_math", File = PathOf("benchmark.jsonl") }]),
    };

    public Task<RunOutcome> RunAsync(Experiment experiment, CancellationToken cancellationToken) => Pipeline.RunAsync(experiment, jobs: 2, Observer, cancellationToken);

    /// <summary>Every byte of every result, and of the run's scores; times left out.</summary>
    public static SortedDictionary<string, string> Contents(RunFolder run, StepStore store)
    {
        var contents = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["scores"] = File.ReadAllText(run.PathOf("scores.json")) };
        foreach (var step in run.Steps())
        {
            var result = store.FolderOf(new StepKey(step.Key));
            foreach (var file in Directory.EnumerateFiles(result, "*", SearchOption.AllDirectories))
                if (Path.GetFileName(file) is not (StepManifest.TimingFileName or StepManifest.SpendingFileName))
                    contents[$"{step.Key}/{Path.GetRelativePath(result, file)}"] = File.ReadAllText(file);
        }
        return contents;
    }

    public void Write(string file, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(PathOf(file))!);
        File.WriteAllText(PathOf(file), text);
    }
}

/// <summary>Models that add two numbers, right in as many percent of cases as their folder says.</summary>
internal sealed partial class ArithmeticModels : ILanguageModels
{
    private int requests;

    public int Requests => requests;
    public ConcurrentBag<string> Closed { get; } = [];
    /// <summary>What a judge answers: 2 to 4, by the prompt.</summary>
    public Func<string, string> Verdict { get; set; } = prompt => $"Fine.\nScore: {2 + prompt.Length % 3}";
    /// <summary>Of each request, with the skill of who was asked.</summary>
    public ConcurrentBag<(int Skill, float? Temperature, float? TopP)> Sampling { get; } = [];
    /// <summary>Called before each answer with the number of requests so far.</summary>
    public Action<int> Before { get; set; } = _ => { };

    public Task<IChatClient> OpenChatAsync(ModelSpec model, CancellationToken cancellationToken) =>
        Task.FromResult<IChatClient>(new Chat(this, int.Parse(File.ReadAllText(Path.Combine(model.Path!, "skill.txt")), CultureInfo.InvariantCulture)));

    public Task<string> IdentifyAsync(ModelSpec model, CancellationToken cancellationToken) =>
        Task.FromResult(Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(model.Path!, "skill.txt")))));

    public Task CloseAsync(ModelSpec model)
    {
        Closed.Add(model.Path!);
        return Task.CompletedTask;
    }

    [GeneratedRegex(@"(\d+) \+ (\d+)")]
    private static partial Regex Sum();

    private sealed class Chat(ArithmeticModels models, int skill) : IChatClient
    {
        public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
        {
            models.Before(Interlocked.Increment(ref models.requests));
            models.Sampling.Add((skill, options?.Temperature, options?.TopP));
            await Task.Yield();
            cancellationToken.ThrowIfCancellationRequested();
            var prompt = messages.Last().Text;
            if (prompt.Contains("Score: N", StringComparison.Ordinal))
                return new ChatResponse(new ChatMessage(ChatRole.Assistant, models.Verdict(prompt))) { FinishReason = ChatFinishReason.Stop, Usage = new UsageDetails { InputTokenCount = 100, OutputTokenCount = 10 } };
            var luck = SHA256.HashData(Encoding.UTF8.GetBytes($"{prompt} {options?.Seed}"));
            var writes = prompt.EndsWith("INPUT:", StringComparison.Ordinal);
            var sum = Sum().Matches(prompt)[^1];
            var (a, b) = writes ? (luck[0], luck[1]) : (int.Parse(sum.Groups[1].Value, CultureInfo.InvariantCulture), int.Parse(sum.Groups[2].Value, CultureInfo.InvariantCulture));
            var right = luck[2] % 100 < skill;
            // A weak model sometimes forgets the form, too.
            var response = luck[3] % 100 < 90 ? $"It is [RESULT] {a + b + (right ? 0 : 1)} [/RESULT]" : "I do not know.";
            return new ChatResponse(new ChatMessage(ChatRole.Assistant, writes ? $"What is {a} + {b}?\nOUTPUT: {response}" : response))
            {
                FinishReason = ChatFinishReason.Stop,
                Usage = new UsageDetails { InputTokenCount = prompt.Length / 4, OutputTokenCount = 10 },
            };
        }

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }
}

/// <summary>A student is as good as the share of right sums in its data.</summary>
internal sealed partial class CountingTrainer : IStudentTrainer
{
    private int trained;

    public string Version { get; set; } = "1";
    public int Trained => trained;

    public Task<TrainingSummary> TrainAsync(TrainingRequest request, IProgress<TrainingProgress> progress, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref trained);
        if (request.Data.Count == 0)
            throw new AgoraException("there is no row to train on", request.BaseModelFolder, "generate some");
        var right = request.Data.Count(pair =>
        {
            int[] numbers = [.. Number().Matches(pair.Instruction + " " + pair.Response).Select(match => int.Parse(match.Value, CultureInfo.InvariantCulture))];
            return numbers.Length == 3 && numbers[0] + numbers[1] == numbers[2];
        });
        progress.Report(new TrainingProgress(1, 1, 0, request.Data.Count));
        Directory.CreateDirectory(request.OutputFolder);
        File.WriteAllText(Path.Combine(request.OutputFolder, "skill.txt"), $"{100 * right / request.Data.Count}");
        var summary = new TrainingSummary
        {
            Steps = 1,
            Tokens = request.Data.Count,
            ResponseTokens = request.Data.Count,
            SkippedTooLong = 0,
            FirstLossNats = 2,
            FinalLossNats = 1,
        };
        File.WriteAllText(Path.Combine(request.OutputFolder, StudentCard.FileName), new StudentCard
        {
            BaseModel = StudentCard.NameOf(request.BaseModelFolder),
            Architecture = "Arithmetic",
            Parameters = 1,
            StoredType = "F32",
            Recipe = request.Recipe,
            Seed = request.Seed,
            Rows = request.Data.Count,
            DataHash = StudentCard.HashOf(request.Data),
            Summary = summary,
        }.Text());
        return Task.FromResult(summary);
    }

    [GeneratedRegex(@"\d+")]
    private static partial Regex Number();
}

internal sealed class RecordingObserver : IRunObserver
{
    public ConcurrentQueue<RunEvent> Events { get; } = [];

    public void Observe(RunEvent happening) => Events.Enqueue(happening);

    public string[] Names<T>(Func<T, RunStep> step) where T : RunEvent => [.. Events.OfType<T>().Select(happening => step(happening).Name).Order(StringComparer.Ordinal)];
}
