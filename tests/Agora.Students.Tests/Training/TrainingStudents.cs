using Agora.Experiments;
using Agora.Students.Checkpoints;
using Agora.Students.Tokenization;
using Agora.Students.Training;
using Agora.Training;

namespace Agora.Tests.Training;

/// <summary>A base model of a few thousand parameters with a tokenizer, and the sums that it is taught.</summary>
internal sealed class TrainingStudents : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public TrainingStudents(Func<TransformerConfig, TransformerConfig>? change = null)
    {
        var tokenizer = BytePairTrainer.Train(Sums.Select(pair => pair.Instruction + " " + pair.Response), 300, TrainedTokenizer.ChatTokens);
        tokenizer.Save(BaseModel, contextLength: 96);
        var config = new TransformerConfig
        {
            VocabularySize = 300,
            HiddenSize = 32,
            IntermediateSize = 64,
            Layers = 2,
            Heads = 2,
            KeyValueHeads = 2,
            HeadSize = 16,
            MaxPositions = 96,
            TieEmbeddings = true,
            AttentionWindows = [null, null],
        };
        config = change?.Invoke(config) ?? config;
        using var model = TransformerModel.Initialise(config, new RandomStreams(1).For("initial weights"));
        CheckpointWriter.SaveNew(config, BaseModel, model.TensorsToSave(FloatType.F32));
    }

    public string BaseModel => folder.File("base");

    public static TrainingPair[] Sums { get; } =
        [.. from a in Enumerable.Range(0, 6) from b in Enumerable.Range(0, 6) select new TrainingPair($"What is {a} + {b}?", $"It is {a + b}.")];

    public static StudentRecipe Recipe { get; } = new() { Epochs = 4, LearningRate = 5e-3, BatchSize = 1, GradientAccumulation = 2, MaxLength = 96 };

    public string File(string name) => folder.File(name);

    public byte[] Weights(string name) => System.IO.File.ReadAllBytes(Path.Combine(folder.File(name), "model.safetensors"));

    public TrainingRequest Request(string name, StudentRecipe recipe) =>
        new() { BaseModelFolder = BaseModel, Data = Sums, Recipe = recipe, Seed = 3, OutputFolder = folder.File(name) };

    public Task<TrainingSummary> TrainAsync(string name, StudentRecipe recipe) =>
        TrainAsync(Request(name, recipe), new Reporter(_ => { }), TestContext.Current.CancellationToken);

    public static Task<TrainingSummary> TrainAsync(TrainingRequest request, IProgress<TrainingProgress> progress, CancellationToken cancellationToken) =>
        new SftTrainer(2).TrainAsync(request, progress, cancellationToken);

    public void Dispose() => folder.Dispose();

    /// <summary>Unlike Progress, calls on the thread that reports.</summary>
    internal sealed class Reporter(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }
}
