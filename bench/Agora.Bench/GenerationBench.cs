using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Agora.Experiments;
using Agora.LanguageModels;
using Agora.Runs;
using Agora.Students.Tokenization;
using Agora.Training;

namespace Agora.Bench;

/// <summary>One data set of math through the product's own pipeline: seed file, prompt, request, journal, parse, checks, result, export.</summary>
internal static class GenerationBench
{
    /// <summary>Where experiments, prompts and the embedded model lie.</summary>
    public static string Checkout { get; } = FindCheckout();

    /// <param name="generator">What writes.</param>
    /// <param name="seeds">JSONL with instruction and response.</param>
    public static Experiment Experiment(ModelSpec generator, GenerationMethod method, int instances, string seeds)
    {
        var own = ExperimentFile.Load(Path.Combine(Checkout, "experiments", "own-endpoint.yaml"), []);
        var setting = new Setting(Domain.Math, method);
        return own with
        {
            Models = own.Models.SetItem("my-generator", generator),
            Generators = ["my-generator"],
            Settings = [setting],
            Generation = new GenerationSpec { Instances = instances, Prompts = Path.Combine(Checkout, "prompts"), MaxNewTokens = 1024 },
            SeedData = ImmutableSortedDictionary<Setting, DataSource>.Empty.Add(setting, new DataSource { File = seeds }),
        };
    }

    public static PipelineServices Services(ILanguageModels models, Budget budget) => new()
    {
        Models = models,
        Budget = budget,
        Trainer = new NoTrainer(),
        TokenCounter = folder =>
        {
            var tokenizer = Tokenizer.Load(folder);
            return text => tokenizer.Encode(text, addSpecialTokens: false).Length;
        },
        TokenBound = folder => Tokenizer.Load(folder).MostTokens,
    };

    public static string Seeds(string folder, int count)
    {
        var path = Path.Combine(folder, "seeds.jsonl");
        using var writer = new StreamWriter(path);
        for (var i = 0; i < count; i++)
            writer.WriteLine(JsonSerializer.Serialize(new
            {
                instruction = string.Create(CultureInfo.InvariantCulture, $"Natalia sold clips to {i + 2} of her friends in April, and then she sold half as many clips in May. How many clips did Natalia sell altogether in April and May, if each friend bought {i % 7 + 1} of them?"),
                response = "She sold twice as many in April as in May.\n\n[RESULT] 72 [/RESULT]",
            }));
        return path;
    }

    private static string FindCheckout()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Agora.slnx")))
            folder = Path.GetDirectoryName(folder) ?? throw new DirectoryNotFoundException("the bench runs inside a checkout");
        return folder;
    }

    private sealed class NoTrainer : IStudentTrainer
    {
        public string Version => "none";

        public Task<TrainingSummary> TrainAsync(TrainingRequest request, IProgress<TrainingProgress> progress, CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}

/// <summary>Keeps the last word of each step, as the product's displays do.</summary>
internal sealed class LastProgress : IRunObserver
{
    private readonly Lock gate = new();

    public StepProgress Now { get; private set; }

    public void Observe(RunEvent happening)
    {
        lock (gate)
            if (happening is RunEvent.Progressed progressed) Now = progressed.Progress;
    }
}

/// <summary>For models that the graph of steps names and no generation asks.</summary>
internal sealed class NoModels : ILanguageModels
{
    public Task<Microsoft.Extensions.AI.IChatClient> OpenChatAsync(ModelSpec model, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<string> IdentifyAsync(ModelSpec model, CancellationToken cancellationToken) => Task.FromResult($"unasked:{model.Path}");

    public Task CloseAsync(ModelSpec model) => Task.CompletedTask;
}
