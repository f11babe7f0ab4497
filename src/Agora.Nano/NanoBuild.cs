using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Agora.DataGeneration;
using Agora.Nano.Corpora;
using Agora.Nano.Exercises;
using Agora.Nano.Models;
using Agora.Students.ChatTemplates;
using Agora.Students.Checkpoints;
using Agora.Students.Inference;
using Agora.Students.Tokenization;
using Agora.Students.Training;
using Agora.Training;

namespace Agora.Nano;

/// <summary>Makes the embedded benchmark from nothing: seeds, benchmarks and themes by rule, then tokenizer and models by training.</summary>
/// <remarks>Seeded, and resumable: a model whose folder says that it was trained just so is left alone.</remarks>
/// <param name="folder">The folder of the embedded benchmark, which holds <c>prompts/</c>.</param>
/// <param name="device">Where the models are measured: auto, cpu or cuda:N; they are trained on the CPU.</param>
/// <param name="report">Takes a line now and then for the person who waits.</param>
public sealed class NanoBuild(string folder, int threads, IProgress<string> report, string device = DeviceChoice.Auto)
{
    public const int VocabularySize = 1200;

    private const string TrainingFile = "training.json";

    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, NewLine = "\n" };

    /// <summary>Names that <see cref="RunAsync"/> takes, in the order of training.</summary>
    public static ImmutableArray<string> ModelNames { get; } = [.. NanoModels.All.Select(model => model.Name)];

    /// <param name="only">Models to train; the others must be there if these go on from them. All where empty.</param>
    /// <exception cref="AgoraException">An unknown model, no meta-prompts, or a loss that is no longer a number.</exception>
    public async Task RunAsync(IReadOnlyCollection<string> only, CancellationToken cancellationToken)
    {
        if (only.Except(ModelNames).ToArray() is { Length: > 0 } unknown)
            throw new AgoraException($"there is no embedded model {string.Join(", ", unknown)}", "--only", $"choose among {string.Join(", ", ModelNames)}") { ExitCode = 2 };
        WriteFiles();
        TrainTokenizer();
        var tokenizer = Tokenizer.Load(TokenizerFolder);
        var corpora = Corpora(tokenizer);
        var keys = Keys(corpora);
        foreach (var model in NanoModels.All)
        {
            if (only.Count > 0 && !only.Contains(model.Name))
                continue;
            if (ReadTraining(model.Name)?.Key == keys[model.Name])
                report.Report($"{model.Name}: there already");
            else
                await TrainAsync(model, keys[model.Name], corpora, tokenizer, cancellationToken);
            await ScoreAsync(model, cancellationToken);
        }
        WriteCard();
    }

    /// <summary>By model, the hash of all that decides its weights; the tokenizer must be there.</summary>
    internal Dictionary<string, string> Keys() => Keys(Corpora(Tokenizer.Load(TokenizerFolder)));

    private Dictionary<string, string> Keys(NanoCorpora corpora)
    {
        var tokenizerHash = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(TokenizerFolder, Tokenizer.FileName))));
        var keys = new Dictionary<string, string>();
        foreach (var model in NanoModels.All)
            keys[model.Name] = Key(model, corpora, tokenizerHash, model.StartsFrom is { } start ? keys[start] : "");
        return keys;
    }

    private NanoCorpora Corpora(Tokenizer tokenizer) => new(
        new ChatDocuments(tokenizer, ChatTemplate.Load(TokenizerFolder)),
        Enum.GetValues<MetaPromptVariant>().ToDictionary(variant => variant, variant => MetaPrompts.Load(Path.Combine(folder, "prompts"), variant)));

    /// <summary>Where it is not known yet, finds out what the model itself can do.</summary>
    private async Task ScoreAsync(NanoModel model, CancellationToken cancellationToken)
    {
        var training = ReadTraining(model.Name)!;
        if (training.Scores is not null)
            return;
        training = training with { Scores = await NanoScores.MeasureAsync(ModelFolder(model.Name), folder, threads, device, cancellationToken) };
        report.Report($"{model.Name}: {string.Join(", ", training.Scores.Select(score => string.Create(CultureInfo.InvariantCulture, $"{score.Key} {score.Value:F1} %")))}");
        WriteTraining(ModelFolder(model.Name), training);
    }

    /// <summary>The card describes a whole set; it stays as it was while a model is missing.</summary>
    private void WriteCard()
    {
        var trained = NanoModels.All.Select(model => (Model: model, Training: ReadTraining(model.Name))).ToList();
        if (trained.Any(entry => entry.Training?.Scores is null))
            return;
        File.WriteAllText(Path.Combine(folder, "README.md"), ModelCard.Write([.. trained.Select(entry => (entry.Model, entry.Training!, Parameters(entry.Model.Name)))]));
    }

    private long Parameters(string model)
    {
        using var checkpoint = CheckpointFolder.Open(ModelFolder(model));
        return checkpoint.Config.Tensors().Sum(tensor => tensor.Shape.Aggregate(1L, (product, size) => product * size));
    }

    private static void WriteTraining(string modelFolder, NanoTraining training) =>
        File.WriteAllText(Path.Combine(modelFolder, TrainingFile), JsonSerializer.Serialize(training, Readable) + "\n");

    private string TokenizerFolder => Path.Combine(folder, "tokenizer");

    private string ModelFolder(string model) => Path.Combine(folder, "models", model);

    internal NanoTraining? ReadTraining(string model)
    {
        var file = Path.Combine(ModelFolder(model), TrainingFile);
        return File.Exists(file) ? JsonSerializer.Deserialize<NanoTraining>(File.ReadAllText(file)) : null;
    }

    private void WriteFiles()
    {
        foreach (var (path, content) in NanoData.Files())
        {
            var file = Path.Combine(folder, path);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, content);
        }
    }

    private void TrainTokenizer()
    {
        var random = NanoData.Streams.For("tokenizer");
        var texts = Enumerable.Range(0, 6000).SelectMany(_ =>
        {
            var domain = random.Pick(NanoDomain.All);
            var exercise = domain.Write(random, Part.Corpus);
            return new[] { domain.RawText(random), exercise.Instruction, exercise.Response };
        });
        // The fixed words of the meta-prompts and of the chat format occur in every prompt, so they are worth tokens of their own.
        var fixedTexts = Directory.EnumerateFiles(Path.Combine(folder, "prompts", MetaPromptVariant.Agorabench.Name()), "*.txt", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal).Select(file => MetaPrompt.Placeholder().Replace(File.ReadAllText(file), " "))
            .Concat(["system", "user", "assistant", new StudentRecipe().SystemMessage, NanoCorpora.GeneratorSystemMessage, "Revised Answer:", "[END]"]);
        BytePairTrainer.Train(texts.Concat(fixedTexts.SelectMany(text => Enumerable.Repeat(text, 100))), VocabularySize, TrainedTokenizer.ChatTokens)
            .Save(TokenizerFolder, NanoSize.Context);
    }

    private async Task TrainAsync(NanoModel model, string key, NanoCorpora corpora, Tokenizer tokenizer, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        var unfinished = Path.Combine(folder, "models", ".unfinished", model.Name);
        if (Directory.Exists(unfinished))
            Directory.Delete(unfinished, recursive: true);
        var from = model.StartsFrom is { } start ? ModelFolder(start) : null;
        if (from is not null && NanoModels.All.Single(m => m.Name == model.StartsFrom).Size != model.Size)
        {
            var grown = Path.Combine(unfinished, "grown");
            ModelGrowth.Grow(from, Config(model, tokenizer), grown, NanoData.Streams.For($"growth/{model.Name}"));
            from = grown;
        }
        var summaries = new List<TrainingSummary>();
        for (var phase = 0; phase < model.Phases.Length; phase++)
        {
            var last = phase == model.Phases.Length - 1;
            var output = Path.Combine(unfinished, last ? "model" : $"phase-{phase}");
            var documents = Documents(model, phase, model.Phases[phase].Tokens, corpora);
            var said = Stopwatch.StartNew();
            var progress = new Immediate(step =>
            {
                if (said.Elapsed < TimeSpan.FromSeconds(15) && step.Step != step.Steps)
                    return;
                said.Restart();
                report.Report(string.Create(CultureInfo.InvariantCulture,
                    $"{model.Name}, {model.Phases[phase].Corpus}: step {step.Step} of {step.Steps}, loss {step.LossNats:F3}, {step.Tokens:N0} tokens, {clock.Elapsed.TotalSeconds:F0} s"));
            });
            summaries.Add(await new Pretrainer(threads).TrainAsync(new PretrainingRequest
            {
                NewModel = from is null ? Config(model, tokenizer) : null,
                StartFolder = from,
                TokenizerFolder = from is null ? TokenizerFolder : null,
                Documents = documents,
                Recipe = model.Phases[phase].Recipe,
                Seed = NanoData.Streams.For($"training/{model.Name}", phase).NextSeed(),
                OutputFolder = output,
                StoredType = last ? FloatType.BF16 : FloatType.F32,
            }, progress, cancellationToken));
            from = output;
        }
        var training = new NanoTraining
        {
            Key = key,
            Tokens = summaries.Sum(s => s.Tokens),
            TargetTokens = summaries.Sum(s => s.ResponseTokens),
            Steps = summaries.Sum(s => s.Steps),
            FinalLossNats = Math.Round(summaries[^1].FinalLossNats, 4),
            Seconds = Math.Round(clock.Elapsed.TotalSeconds),
            Threads = threads,
        };
        WriteTraining(from!, training);
        if (Directory.Exists(ModelFolder(model.Name)))
            Directory.Delete(ModelFolder(model.Name), recursive: true);
        Directory.Move(from!, ModelFolder(model.Name));
        Directory.Delete(Path.GetDirectoryName(unfinished)!, recursive: true);
    }

    private static List<TrainingDocument> Documents(NanoModel model, int index, long tokens, NanoCorpora corpora)
    {
        var random = NanoData.Streams.For($"corpus/{model.Name}", index);
        var phase = model.Phases[index];
        return phase.Corpus switch
        {
            NanoCorpus.Raw => corpora.Raw(random, tokens),
            NanoCorpus.Pairs => corpora.Pairs(random, tokens),
            _ => corpora.Generator(random, tokens, model.Character!, phase.PairShare),
        };
    }

    private static TransformerConfig Config(NanoModel model, Tokenizer tokenizer)
    {
        return model.Size.ToConfig(tokenizer.VocabularySize, Id(TrainedTokenizer.BeginOfText), Id(TrainedTokenizer.EndOfText), Id(TrainedTokenizer.EndOfTurn), Id(TrainedTokenizer.Padding));

        int Id(string token) => tokenizer.TokenId(token) ?? throw new InvalidOperationException($"the tokenizer lacks {token}");
    }

    /// <summary>Hash of what decides the weights. The corpora enter by their first documents, which differ wherever a writer or a meta-prompt does.</summary>
    private static string Key(NanoModel model, NanoCorpora corpora, string tokenizerHash, string startKey)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{model.Name} {model.Size} {tokenizerHash} {startKey}"));
        for (var phase = 0; phase < model.Phases.Length; phase++)
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{model.Phases[phase]} {model.Phases[phase].Recipe}"));
            foreach (var document in Documents(model, phase, tokens: 20_000, corpora))
                hash.AppendData(MemoryMarshal.AsBytes(document.Tokens.AsSpan()));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Reports on the thread that trains, in order; <see cref="Progress{T}"/> would not.</summary>
    private sealed class Immediate(Action<TrainingProgress> act) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => act(value);
    }
}
