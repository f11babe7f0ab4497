using System.Text.Json.Nodes;
using Agora.Experiments;
using Agora.Students.Checkpoints;

namespace Agora.Tests.Checkpoints;

public sealed class CheckpointFolderTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    internal static TransformerConfig Tiny { get; } = new()
    {
        VocabularySize = 11,
        HiddenSize = 8,
        IntermediateSize = 12,
        Layers = 2,
        Heads = 2,
        KeyValueHeads = 1,
        HeadSize = 4,
        MaxPositions = 64,
        TieEmbeddings = true,
        AttentionWindows = [null, null],
        BeginOfSequenceId = 1,
        EndOfSequenceIds = [2, 3],
    };

    private static List<TensorToSave> Weights(TransformerConfig config, FloatType type)
    {
        var next = 0f;
        return [.. config.Tensors().Select(tensor =>
            TensorToSave.Of(tensor.Name, tensor.Shape, type, Enumerable.Range(0, (int)tensor.Shape.Aggregate((a, b) => a * b)).Select(_ => next++ / 8).ToArray()))];
    }

    [Fact]
    public void A_saved_model_opens_with_the_same_config_and_weights()
    {
        CheckpointWriter.SaveNew(Tiny, folder.Path, Weights(Tiny, FloatType.F32));
        using var checkpoint = CheckpointFolder.Open(folder.Path);
        Assert.Equal(Tiny with { AttentionWindows = [], EndOfSequenceIds = [] }, checkpoint.Config with { AttentionWindows = [], EndOfSequenceIds = [] });
        Assert.Equal(Tiny.EndOfSequenceIds, checkpoint.Config.EndOfSequenceIds);
        Assert.Equal(Enumerable.Range(0, 88).Select(i => i / 8f), checkpoint.Read("model.embed_tokens.weight"));
    }

    [Fact]
    public void A_model_above_the_shard_size_is_split_and_opens_as_before()
    {
        CheckpointWriter.SaveNew(Tiny, folder.Path, Weights(Tiny, FloatType.BF16), maxShardBytes: 300);
        Assert.False(File.Exists(folder.File("model.safetensors")));
        Assert.True(Directory.GetFiles(folder.Path, "model-*.safetensors").Length > 2);
        using var checkpoint = CheckpointFolder.Open(folder.Path);
        Assert.Equal(FloatType.BF16, checkpoint.StoredType);
        Assert.Equal(8, checkpoint.Read("model.norm.weight").Length);
    }

    [Fact]
    public void All_tensors_that_do_not_fit_the_config_are_listed_at_once()
    {
        var weights = Weights(Tiny, FloatType.F32);
        weights[0] = TensorToSave.Of(weights[0].Name, [8, 11], FloatType.F32, new float[88]);
        weights[1] = weights[1] with { Name = "stranger" };
        CheckpointWriter.SaveNew(Tiny, folder.Path, weights);
        var what = Assert.Throws<AgoraException>(() => CheckpointFolder.Open(folder.Path)).What;
        Assert.Contains("model.embed_tokens.weight has shape [8, 11], the config asks for [11, 8]", what, StringComparison.Ordinal);
        Assert.Contains("model.layers.0.input_layernorm.weight is missing", what, StringComparison.Ordinal);
        Assert.Contains("stranger is not part of", what, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("model_type", "\"gpt2\"", "model_type is gpt2")]
    [InlineData("architectures", "[\"LlamaForTokenClassification\"]", "LlamaForTokenClassification")]
    [InlineData("architectures", "[\"LlamaForSequenceClassification\"]", "with 2 labels")]
    [InlineData("hidden_act", "\"gelu\"", "hidden_act gelu")]
    [InlineData("rope_scaling", "{\"rope_type\":\"yarn\",\"factor\":4}", "rope type yarn")]
    [InlineData("rope_scaling", "{\"type\":\"linear\",\"factor\":4}", "rope type linear")]
    [InlineData("quantization_config", "{\"bits\":4}", "quantised")]
    [InlineData("attention_dropout", "0.1", "attention_dropout 0.1")]
    [InlineData("hidden_size", "-8", "hidden_size must be")]
    [InlineData("hidden_size", "\"8\"", "wrong type")]
    [InlineData("vocab_size", "null", "vocab_size is missing")]
    [InlineData("num_key_value_heads", "3", "not a multiple of num_key_value_heads 3")]
    [InlineData("num_hidden_layers", "9999999", "above 10000")]
    public void An_option_that_is_not_computed_is_refused_by_name(string key, string value, string expected)
    {
        WithConfig(key, JsonNode.Parse(value));
        Assert.Contains(expected, Assert.Throws<AgoraException>(() => CheckpointFolder.Open(folder.Path)).What, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("qwen2", """{"sliding_window":16,"use_sliding_window":false}""", null, null)]
    [InlineData("qwen2", """{"sliding_window":16,"use_sliding_window":true,"max_window_layers":1}""", null, 16)]
    [InlineData("mistral", """{"sliding_window":16}""", 16, 16)]
    [InlineData("mistral", """{"sliding_window":null}""", null, null)]
    [InlineData("qwen3", """{"sliding_window":16,"layer_types":["sliding_attention","full_attention"],"use_sliding_window":true}""", 16, null)]
    public void A_sliding_window_counts_where_its_family_says_so(string family, string keys, int? first, int? second)
    {
        WithConfig("model_type", family);
        WithConfig("architectures", null);
        foreach (var (key, value) in JsonNode.Parse(keys)!.AsObject())
            WithConfig(key, value?.DeepClone());
        Assert.Equal([first, second], TransformerConfigFile.Read(folder.File("config.json")).AttentionWindows);
    }

    [Fact]
    public void Rope_parameters_of_newer_configs_are_read()
    {
        WithConfig("rope_scaling", null);
        WithConfig("rope_theta", null);
        WithConfig("rope_parameters", JsonNode.Parse("""{"rope_theta":5000,"rope_type":"llama3","factor":8,"low_freq_factor":1,"high_freq_factor":4,"original_max_position_embeddings":64}"""));
        var config = TransformerConfigFile.Read(folder.File("config.json"));
        Assert.Equal(5000, config.RopeTheta);
        Assert.Equal(new RopeScaling(8, 1, 4, 64), config.RopeScaling);
    }

    [Fact]
    public void A_folder_with_pickled_weights_says_what_to_take_instead()
    {
        TransformerConfigFile.Write(Tiny, FloatType.F32, folder.File("config.json"));
        File.WriteAllText(folder.File("pytorch_model.bin"), "");
        Assert.Contains("pickled", Assert.Throws<AgoraException>(() => CheckpointFolder.Open(folder.Path)).What, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_reference_checkpoint_opens_and_saves_bit_exact()
    {
        foreach (var source in Directory.GetDirectories(Fixtures.Part("llm", "models")))
        {
            using var original = CheckpointFolder.Open(source);
            var target = folder.File(Path.GetFileName(source));
            CheckpointWriter.SaveLike(source, target, [.. original.Config.Tensors().Select(tensor =>
                new TensorToSave(tensor.Name, tensor.Shape, original.StoredType, (first, destination) => original.Read(tensor.Name, first, destination)))]);
            using var copy = CheckpointFolder.Open(target);
            Assert.Equal(original.StoredType, copy.StoredType);
            foreach (var (name, _) in original.Config.Tensors())
                Assert.Equal(original.Read(name).Select(BitConverter.SingleToInt32Bits), copy.Read(name).Select(BitConverter.SingleToInt32Bits));
            Assert.Equal(File.ReadAllBytes(Path.Combine(source, "tokenizer.json")), File.ReadAllBytes(Path.Combine(target, "tokenizer.json")));
        }
    }

    private void WithConfig(string key, JsonNode? value)
    {
        var path = folder.File("config.json");
        if (!File.Exists(path))
            TransformerConfigFile.Write(Tiny, FloatType.F32, path);
        var json = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        json[key] = value;
        File.WriteAllText(path, json.ToJsonString());
    }
}
