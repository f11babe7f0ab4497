using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Agora.Experiments;
using Agora.Students.ChatTemplates;
using Agora.Students.Checkpoints;
using Agora.Students.Tokenization;
using Agora.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Agora.Students.Training;

/// <summary>Supervised fine-tuning on instruction-response pairs: of all weights or of low-rank adapters, in float32 or bfloat16, on the CPU or a CUDA device.</summary>
/// <param name="threads">CPU threads; the weights do not depend on it where the written-out backward pass trains, below 50 million parameters with the recipe's defaults.</param>
public sealed class SftTrainer(int threads) : IStudentTrainer
{
    public string Version => "2";

    /// <summary>Bytes that a training may use on a device; null where that is unknown.</summary>
    internal Func<torch.Device, long?> MemoryOf { get; init; } = TrainingDevice.MemoryOf;

    /// <inheritdoc/>
    public string VersionFor(StudentRecipe recipe, string baseModelFolder)
    {
        if (!TrainingDevice.IsCpu(recipe.Device) && TrainingDevice.Resolve(recipe.Device) is { type: not DeviceType.CPU } device)
            return $"{Version} {device.type}";
        // Since 4 it shares what documents begin with, and multiplies and updates by itself.
        return IsFused(recipe, TransformerConfigFile.Read(Path.Combine(baseModelFolder, "config.json")), onCpu: true) ? "4" : Version;
    }

    // Bytes: less is no news.
    private const long WorthSaying = 4_000_000_000;

    /// <inheritdoc/>
    public Task<TrainingSummary> TrainAsync(TrainingRequest request, IProgress<TrainingProgress> progress, CancellationToken cancellationToken) =>
        // A thread of its own: torch keeps the number of threads, and the scopes that dispose tensors, per thread.
        Task.Factory.StartNew(() => Train(request, progress, cancellationToken), cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private TrainingSummary Train(TrainingRequest request, IProgress<TrainingProgress> progress, CancellationToken cancellationToken)
    {
        var recipe = request.Recipe;
        using var checkpoint = CheckpointFolder.Open(request.BaseModelFolder);
        if (checkpoint.Config.Head != ModelHead.LanguageModel)
            throw new AgoraException("the base model is a reward model, which has no words to learn", request.BaseModelFolder, "name a language model as the student's base");
        var tokenizer = Tokenizer.Load(request.BaseModelFolder);
        var ownTemplate = ChatTemplate.TryLoad(request.BaseModelFolder);
        var template = ownTemplate ?? LlamaTemplate(tokenizer, request.BaseModelFolder);
        var text = new SupervisedText(tokenizer, (instruction, response) => Render(template, recipe.SystemMessage, instruction, response));
        var documents = Encode(request, checkpoint.Config, text);
        var random = new RandomStreams(request.Seed);
        var (learned, heldOut) = HoldOut(documents, recipe.EvaluationShare, random);
        var device = TrainingDevice.Resolve(recipe.Device);
        var fused = IsFused(recipe, checkpoint.Config, device.type == DeviceType.CPU);
        CheckMemory(request, checkpoint.Config, learned, device, fused);
        using var model = TransformerModel.Load(checkpoint, device, recipe.Precision == Precision.Bf16 ? ScalarType.BFloat16 : ScalarType.Float32);
        if (recipe.Lora is { } lora)
            model.Adapters = new LoraAdapters(model, lora, random.For("LoRA adapters"));
        var session = Plan(request, checkpoint.Config, learned, random) with { HeldOut = heldOut };
        IStepGradient gradient = fused ? new LanedGradient(model, threads, sharing: true) : new AutogradGradient(model, threads, recipe.ActivationCheckpointing);
        using var loop = new TrainingLoop(model, new OptimizerSettings { WeightDecay = recipe.WeightDecay, ClipNorm = recipe.ClipNorm, RoundingSeed = request.Seed, UpdateThreads = fused ? threads : null }, gradient);
        var summary = loop.Run(session, progress, cancellationToken);
        model.Adapters?.Merge(model);
        // Each tensor in its own type: some checkpoints keep their norms in another than their matrices.
        CheckpointWriter.SaveLike(request.BaseModelFolder, request.OutputFolder, [.. model.TensorsToSave(checkpoint.StoredType).Select(tensor => tensor with { Type = checkpoint.StoredTypeOf(tensor.Name) })]);
        if (ownTemplate is null)
            File.WriteAllText(Path.Combine(request.OutputFolder, "chat_template.jinja"), LiteralLlamaTemplate);
        // A base model's own settings often name only the end of a text: the student has learnt to end its turn.
        if (text.EndOfTurn(documents[0]) is { } endOfTurn)
            GenerationConfig.AddEndOfSequence(request.OutputFolder, checkpoint.Config, endOfTurn);
        summary = summary with { SkippedTooLong = request.Data.Count - documents.Count };
        WriteCard(request, checkpoint, summary);
        return summary;
    }

    private static void WriteCard(TrainingRequest request, CheckpointFolder checkpoint, TrainingSummary summary)
    {
        var card = new StudentCard
        {
            BaseModel = StudentCard.NameOf(request.BaseModelFolder),
            Architecture = $"{checkpoint.Config.Family}ForCausalLM",
            Parameters = checkpoint.Config.Parameters,
            StoredType = checkpoint.StoredType.Name,
            Recipe = request.Recipe,
            Seed = request.Seed,
            Rows = request.Data.Count,
            DataHash = StudentCard.HashOf(request.Data),
            Summary = summary,
        };
        File.WriteAllText(Path.Combine(request.OutputFolder, StudentCard.FileName), card.Text());
    }

    // Float32 on the CPU alone, and small enough for a gradient a lane.
    private static bool IsFused(StudentRecipe recipe, TransformerConfig config, bool onCpu) =>
        onCpu && recipe is { Lora: null, Precision: Precision.F32, ActivationCheckpointing: false } && config.Parameters <= LanedGradient.LargestModel;

    private void CheckMemory(TrainingRequest request, TransformerConfig config, IReadOnlyList<TrainingDocument> documents, torch.Device device, bool fused)
    {
        var recipe = request.Recipe;
        // Plainly packed documents are as long as a sequence.
        var longest = recipe.Packing == Packing.Plain ? Math.Min(recipe.MaxLength, config.MaxPositions) : documents.Max(document => document.Tokens.Length);
        var shape = new TrainingMemory.Shape(config, fused, recipe.Precision, Bfloat16Update.Stochastic, recipe.ActivationCheckpointing, recipe.Lora, longest, threads) { OnCpu = device.type == DeviceType.CPU };
        if (MemoryOf(device) is not { } available)
        {
            request.Notice?.Invoke($"needs about {TrainingMemory.Of(shape).Describe()} on {device}, which does not say how much it has");
            return;
        }
        var need = TrainingMemory.Check(shape, available, device.ToString(), request.BaseModelFolder);
        if (need.Total > WorthSaying)
            request.Notice?.Invoke($"needs about {need.Describe()} on {device}");
    }

    private TrainingSession Plan(TrainingRequest request, TransformerConfig config, IReadOnlyList<TrainingDocument> documents, RandomStreams random)
    {
        var recipe = request.Recipe;
        // Plain packing joins documents up to the length, which may be more than the model can read; isolated ones are never longer than it can.
        var length = recipe.Packing == Packing.Plain ? Math.Min(recipe.MaxLength, config.MaxPositions) : recipe.MaxLength;
        var plan = TrainingPlan.Make(documents, recipe.Epochs, length, recipe.Packing, recipe.BatchSize * recipe.GradientAccumulation, random);
        var steps = plan.Select((step, i) => new TrainingStep(step.Documents, LearningRateSchedule.Of(recipe, i, plan.Count, step.Epoch)) { Epoch = step.Epoch }).ToList();
        return new TrainingSession
        {
            Steps = steps,
            Checkpoint = request.Checkpoints is { } place ? new TrainingCheckpoint(place.Folder, KeyOf(place.Key, request, config, steps)) : null,
            CheckpointSeconds = recipe.CheckpointSeconds,
            CheckpointSteps = recipe.CheckpointSteps,
            Seed = request.Seed,
            Notice = request.Notice,
        };
    }

    /// <summary>The caller's key, and what this trainer makes of the request: another tokenizer or order of steps under the same key is another training.</summary>
    private string KeyOf(string key, TrainingRequest request, TransformerConfig config, IReadOnlyList<TrainingStep> steps)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{key}\n{Version}\n{JsonSerializer.Serialize(request.Recipe with { CheckpointSeconds = 0, CheckpointSteps = null, Device = VersionFor(request.Recipe, request.BaseModelFolder) })}\n{config.Parameters}\n"));
        foreach (var step in steps)
        {
            hash.AppendData(BitConverter.GetBytes(step.LearningRate));
            foreach (var document in step.Documents)
            {
                hash.AppendData(BitConverter.GetBytes(document.Tokens.Length));
                hash.AppendData(MemoryMarshal.AsBytes<int>(document.Tokens));
                hash.AppendData(MemoryMarshal.AsBytes<bool>(document.Targets));
            }
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Takes rows out of training, drawn by the seed, to measure the loss on; both parts keep the rows' order.</summary>
    private static (List<TrainingDocument> Learned, List<TrainingDocument> HeldOut) HoldOut(List<TrainingDocument> documents, double share, RandomStreams random)
    {
        if (share == 0)
            return (documents, []);
        var count = Math.Min((int)Math.Ceiling(share * documents.Count), documents.Count - 1);
        var places = Enumerable.Range(0, documents.Count).ToArray();
        random.For("rows held out of training").Shuffle<int>(places);
        var held = places.Take(count).ToHashSet();
        return ([.. documents.Where((_, i) => !held.Contains(i))], [.. documents.Where((_, i) => held.Contains(i))]);
    }

    /// <summary>The rows that fit, as documents; refuses data that cannot teach anything.</summary>
    private static List<TrainingDocument> Encode(TrainingRequest request, TransformerConfig config, SupervisedText text)
    {
        if (request.Data.Count == 0)
            throw Refused(request, "there is no row to train on", "give at least one instruction-response pair");
        if (request.Data.Count > 1 && request.Data.Distinct().Take(2).Count() == 1)
            throw Refused(request, $"all {request.Data.Count} rows are equal", "check how the data set was made; training would only teach that one answer by heart");

        var encoded = request.Data.Select((pair, row) => text.Encode(pair) with { Rows = [row] }).ToList();
        if (encoded.Max(document => document.Tokens.Max()) is var highest && highest >= config.VocabularySize)
            throw Refused(request, $"the tokenizer gives id {highest}, the model's embedding has {config.VocabularySize} rows", "use the tokenizer that belongs to the model");
        var limit = Math.Min(request.Recipe.MaxLength, config.MaxPositions);
        var fitting = encoded.Where(document => document.Tokens.Length <= limit).ToList();
        if (fitting.Count == 0)
        {
            throw Refused(
                request, $"all {encoded.Count} rows are longer than {limit} tokens; the shortest has {encoded.Min(document => document.Tokens.Length)}",
                request.Recipe.MaxLength <= config.MaxPositions ? "raise recipe.maxLength or shorten the rows" : $"the model's context is {config.MaxPositions} tokens; shorten the rows");
        }
        if (fitting.Sum(text.ResponseTokens) == 0)
            throw Refused(request, "no token would count in the loss: every response is empty in the student's chat format", "give responses, and check that the model's chat template writes the assistant's text");
        return fitting;
    }

    /// <summary>Base models such as Llama-3.1-8B have the tokens of the chat format but no template; the student gets the format written down.</summary>
    private static ChatTemplate LlamaTemplate(Tokenizer tokenizer, string folder)
    {
        string[] needed = [TrainedTokenizer.BeginOfText, TrainedTokenizer.StartHeader, TrainedTokenizer.EndHeader, TrainedTokenizer.EndOfTurn];
        return needed.All(token => tokenizer.TokenId(token) is not null)
            ? ChatTemplate.Parse(LiteralLlamaTemplate, "the Llama 3 chat format", new Dictionary<string, string>())
            : throw new AgoraException(
                "the base model has no chat template, and its tokenizer lacks the tokens of the Llama 3 format", folder,
                "add chat_template.jinja, or chat_template to tokenizer_config.json, from the model's chat version");
    }

    // The tokenizer's settings need not name its begin-of-text token, so it is written out.
    private static string LiteralLlamaTemplate => TrainedTokenizer.ChatTemplate.Replace("bos_token", $"'{TrainedTokenizer.BeginOfText}'", StringComparison.Ordinal);

    private static string Render(ChatTemplate template, string systemMessage, string instruction, string? response)
    {
        var turns = new List<ChatTurn>();
        if (systemMessage.Length > 0)
            turns.Add(new ChatTurn("system", systemMessage));
        turns.Add(new ChatTurn("user", instruction));
        if (response is not null)
            turns.Add(new ChatTurn("assistant", response));
        return template.Render(turns, addGenerationPrompt: response is null);
    }

    private static AgoraException Refused(TrainingRequest request, string what, string fix) =>
        new($"refused to train: {what}", $"training data for {request.BaseModelFolder}", fix);
}
