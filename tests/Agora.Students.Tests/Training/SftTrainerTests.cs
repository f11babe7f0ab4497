using System.Text.Json;
using Agora.Experiments;
using Agora.Students.ChatTemplates;
using Agora.Students.Checkpoints;
using Agora.Students.Tokenization;
using Agora.Students.Training;
using Agora.Training;

namespace Agora.Tests.Training;

[Collection("torch")]
public sealed class SftTrainerTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string baseModel;

    public SftTrainerTests()
    {
        baseModel = folder.File("base");
        var tokenizer = BytePairTrainer.Train(Sums.Select(pair => pair.Instruction + " " + pair.Response), 300, TrainedTokenizer.ChatTokens);
        tokenizer.Save(baseModel, contextLength: 96);
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
        using var model = TransformerModel.Initialise(config, new RandomStreams(1).For("initial weights"));
        CheckpointWriter.SaveNew(config, baseModel, model.TensorsToSave(FloatType.F32));
    }

    public void Dispose() => folder.Dispose();

    private static TrainingPair[] Sums { get; } =
        [.. from a in Enumerable.Range(0, 6) from b in Enumerable.Range(0, 6) select new TrainingPair($"What is {a} + {b}?", $"It is {a + b}.")];

    [Fact]
    public async Task A_student_learns_its_data_and_is_saved_with_tokenizer_template_and_stop_token()
    {
        var summary = await Train("student", Sums, new StudentRecipe { Epochs = 6, LearningRate = 2e-2, BatchSize = 1, GradientAccumulation = 4, MaxLength = 96 });
        Assert.True(summary.FinalLossNats < summary.FirstLossNats / 2, $"from {summary.FirstLossNats} to {summary.FinalLossNats} nats");
        using var student = CheckpointFolder.Open(folder.File("student"));
        Assert.Equal(TrainedTokenizer.ChatTemplate, ReadTemplate("student"));
        Assert.Equal([Tokenizer.Load(folder.File("student")).TokenId(TrainedTokenizer.EndOfTurn)!.Value], GenerationConfig.Read(folder.File("student"), student.Config).EndOfSequenceIds);
    }

    [Fact]
    public void Only_the_response_and_its_end_of_turn_token_count_in_the_loss()
    {
        var tokenizer = Tokenizer.Load(baseModel);
        var template = ChatTemplate.Load(baseModel);
        var text = new SupervisedText(tokenizer, (instruction, response) => template.Render(
            [new ChatTurn("user", instruction), .. response is null ? Array.Empty<ChatTurn>() : [new ChatTurn("assistant", response)]], response is null));
        var document = text.Encode(new TrainingPair("What is 1 + 2?", "It is 3."));
        var targets = document.Tokens.Where((_, i) => document.IsTarget(i)).ToArray();
        Assert.Equal("It is 3.<|eot_id|>", tokenizer.Decode(targets, skipSpecialTokens: false));
    }

    [Fact]
    public async Task A_base_model_without_a_template_is_taught_the_Llama_3_format_if_it_has_its_tokens()
    {
        File.WriteAllText(Path.Combine(baseModel, "tokenizer_config.json"), "{}");
        await Train("student", Sums, new StudentRecipe { Epochs = 1, MaxLength = 96 });
        Assert.NotNull(ChatTemplate.TryLoad(folder.File("student")));
    }

    [Fact]
    public async Task Rows_that_are_too_long_are_left_out_and_counted()
    {
        var summary = await Train("student", [.. Sums, new TrainingPair("Count.", string.Join(' ', Enumerable.Range(0, 200)))], new StudentRecipe { Epochs = 1, LearningRate = 1e-3, MaxLength = 96 });
        Assert.Equal(1, summary.SkippedTooLong);
    }

    [Fact]
    public async Task Data_that_cannot_teach_anything_is_refused_with_the_reason()
    {
        Assert.Contains("no row", await Refusal([]), StringComparison.Ordinal);
        Assert.Contains("all 3 rows are equal", await Refusal([Sums[0], Sums[0], Sums[0]]), StringComparison.Ordinal);
        Assert.Contains("every response is empty", await Refusal([new("a", ""), new("b", "")]), StringComparison.Ordinal);
        Assert.Contains("all 36 rows are longer than 4 tokens", await Refusal(Sums, maxLength: 4), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rows_longer_than_the_models_context_are_refused() =>
        Assert.Contains("longer than 96 tokens", await Refusal([new("Count.", string.Join(' ', Enumerable.Range(0, 200)))]), StringComparison.Ordinal);

    [Fact]
    public async Task Each_epoch_multiplies_the_learning_rate()
    {
        // With a decay to nothing, epochs after the first change nothing.
        var recipe = new StudentRecipe { Epochs = 1, LearningRate = 1e-2, MaxLength = 96 };
        await Train("one", Sums, recipe);
        await Train("two", Sums, recipe with { Epochs = 2, EpochDecay = 0 });
        Assert.Equal(File.ReadAllBytes(Path.Combine(folder.File("one"), "model.safetensors")), File.ReadAllBytes(Path.Combine(folder.File("two"), "model.safetensors")));
    }

    private async Task<string> Refusal(TrainingPair[] data, int maxLength = 4096) =>
        (await Assert.ThrowsAsync<AgoraException>(() => Train("refused", data, new StudentRecipe { MaxLength = maxLength }))).What;

    private Task<TrainingSummary> Train(string name, TrainingPair[] data, StudentRecipe recipe) => new SftTrainer(2).TrainAsync(
        new TrainingRequest { BaseModelFolder = baseModel, Data = data, Recipe = recipe, Seed = 3, OutputFolder = folder.File(name) },
        new Progress<TrainingProgress>(), TestContext.Current.CancellationToken);

    private string ReadTemplate(string name)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder.File(name), "tokenizer_config.json")));
        return json.RootElement.GetProperty("chat_template").GetString()!;
    }
}
