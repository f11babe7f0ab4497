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
    [InlineData("architectures", "[\"LlamaForCausalLM\",\"LlamaModel\"]", "architectures names 2 models")]
    [InlineData("compression_config", "{\"quant_method\":\"compressed-tensors\"}", "quant_method compressed-tensors")]
    [InlineData("quantization_config", "{\"quant_method\":\"fp8\"}", "quant_method fp8")]
    [InlineData("final_logit_softcapping", "30.0", "final_logit_softcapping 30 is not supported")]
    [InlineData("logits_scaling", "8.0", "logits_scaling 8 is not supported; 1 is")]
    [InlineData("num_experts", "8", "num_experts 8")]
    [InlineData("no_rope_layers", "[1,1,1,0]", "no_rope_layers")]
    [InlineData("rope_interleaved", "true", "rope_interleaved")]
    [InlineData("auto_map", "{\"AutoConfig\":\"c.C\",\"AutoModelForCausalLM\":\"m.M\"}", "code of its own (auto_map, AutoModelForCausalLM)")]
    [InlineData("rope_theta", "-1", "rope_theta must be at least 1")]
    [InlineData("rope_theta", "1e-300", "rope_theta must be at least 1")]     // found by the fuzzer: frequencies overflowed
    [InlineData("rope_theta", "1e999", "rope_theta is too large")]
    [InlineData("rms_norm_eps", "-0.1", "rms_norm_eps must lie")]
    [InlineData("head_dim", "16777214", "are wider than")]
    [InlineData("rope_scaling", "{\"rope_type\":\"llama3\",\"factor\":0,\"low_freq_factor\":1,\"high_freq_factor\":4,\"original_max_position_embeddings\":64}", "factor of at least 1")]
    [InlineData("rope_parameters", "{\"rope_type\":\"dynamic\",\"factor\":2}", "rope type dynamic")]
    [InlineData("rope_scaling", "{\"rope_type\":\"default\",\"factor\":2}", "contradicts itself")]
    [InlineData("eos_token_id", "[1,\"two\"]", "eos_token_id must hold token ids")]
    public void An_option_that_is_not_computed_is_refused_by_name(string key, string value, string expected)
    {
        WithConfig(key, JsonNode.Parse(value));
        Assert.Contains(expected, Assert.Throws<AgoraException>(() => CheckpointFolder.Open(folder.Path)).What, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("embedding_multiplier", "1.0")]
    [InlineData("partial_rotary_factor", "1.0")]
    [InlineData("rope_scaling", "{\"rope_type\":\"default\"}")]
    [InlineData("no_rope_layers", "[1,1]")]
    [InlineData("quantization_config", "null")]
    [InlineData("hidden_act", "\"swish\"")]
    [InlineData("auto_map", "{\"AutoTokenizer\":[\"t.T\",null]}")]
    [InlineData("pad_token_id", "-1")]
    public void An_option_that_changes_nothing_is_read_over(string key, string value)
    {
        WithConfig(key, JsonNode.Parse(value));
        var config = TransformerConfigFile.Read(folder.File("config.json"));
        Assert.Equal((Tiny.HiddenSize, null, null), (config.HiddenSize, config.RopeScaling, config.PaddingId));
    }

    [Fact]
    public void All_faults_of_a_config_are_named_at_once_and_a_flood_of_them_is_cut()
    {
        WithConfig("hidden_act", "gelu");
        WithConfig("vocab_size", "many");
        WithConfig("eos_token_id", new JsonArray([.. Enumerable.Range(0, 100_000).Select(_ => (JsonNode)new string('x', 100))]));
        var what = Assert.Throws<AgoraException>(() => TransformerConfigFile.Read(folder.File("config.json"))).What;
        Assert.Contains("hidden_act gelu", what, StringComparison.Ordinal);
        Assert.Contains("vocab_size has the wrong type", what, StringComparison.Ordinal);
        Assert.InRange(what.Length, 100, 10_000);
    }

    // Opened, such a file would only have failed after training, when it is copied.
    [Theory]
    [InlineData("config.json", "_name_or_path")]
    [InlineData("generation_config.json", "note")]
    public void Half_a_surrogate_pair_is_refused_even_where_nobody_reads_it(string file, string key)
    {
        CheckpointWriter.SaveNew(Tiny, folder.Path, Weights(Tiny, FloatType.F32));
        var text = file == "config.json" ? File.ReadAllText(folder.File(file)) : "{}";
        File.WriteAllText(folder.File(file), "{\"" + key + "\":\"\\ud800\"" + (text == "{}" ? "" : ",") + text[1..]);
        var failure = Assert.Throws<AgoraException>(() => GenerationConfig.Read(folder.Path, TransformerConfigFile.Read(folder.File("config.json"))));
        Assert.Contains("not valid Unicode", failure.What, StringComparison.Ordinal);
    }

    // Found by the fuzzer: System.Text.Json finds bytes that are no UTF-8 only when the string is read.
    [Theory]
    [InlineData("model_type")]
    [InlineData("architectures")]
    [InlineData("unread")]
    public void Bytes_that_are_no_text_are_refused_wherever_they_stand(string key)
    {
        TransformerConfigFile.Write(Tiny, FloatType.F32, folder.File("config.json"));
        var text = File.ReadAllText(folder.File("config.json"));
        var json = key == "unread" ? "{\"unread\":\"\xff\"," + text[1..]
            : text.Replace($"\"{(key == "model_type" ? "llama" : "LlamaForCausalLM")}\"", "\"\xff\"", StringComparison.Ordinal);
        File.WriteAllBytes(folder.File("config.json"), System.Text.Encoding.Latin1.GetBytes(json));
        Assert.Contains("not valid UTF-8", Assert.Throws<AgoraException>(() => TransformerConfigFile.Read(folder.File("config.json"))).What, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../secret.safetensors")]
    [InlineData("/etc/passwd")]
    [InlineData("..")]
    [InlineData("")]
    [InlineData("a\0b")]
    [InlineData("..\\x")]
    public void An_index_that_points_out_of_the_folder_is_refused(string file)
    {
        CheckpointWriter.SaveNew(Tiny, folder.Path, Weights(Tiny, FloatType.F32), maxShardBytes: 300);
        WithIndex(map => map["model.norm.weight"] = file);
        Assert.Contains("outside the folder", Assert.Throws<AgoraException>(() => CheckpointFolder.Open(folder.Path)).What, StringComparison.Ordinal);
    }

    [Fact]
    public void An_index_that_names_absent_files_or_tensors_is_refused()
    {
        CheckpointWriter.SaveNew(Tiny, folder.Path, Weights(Tiny, FloatType.F32), maxShardBytes: 300);
        WithIndex(map => map["model.extra.weight"] = (string)map["model.norm.weight"]!);
        Assert.Contains("model.extra.weight is not in model-", Assert.Throws<AgoraException>(() => CheckpointFolder.Open(folder.Path)).What, StringComparison.Ordinal);
        WithIndex(map => map["model.norm.weight"] = "model-9.safetensors");
        Assert.EndsWith("model-9.safetensors", Assert.Throws<AgoraException>(() => CheckpointFolder.Open(folder.Path)).Where, StringComparison.Ordinal);
        File.WriteAllText(folder.File("model.safetensors.index.json"), """{"weight_map":{"a":1}}""");
        Assert.Contains("weight_map must map", Assert.Throws<AgoraException>(() => CheckpointFolder.Open(folder.Path)).What, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void A_weight_that_is_no_number_is_named_with_its_tensor_and_place(float value)
    {
        var weights = Weights(Tiny, FloatType.F32);
        var norm = new float[8];
        norm[5] = value;
        SafetensorsWriter.Write(folder.File("model.safetensors"),
            [.. weights.Where(tensor => tensor.Name != "model.norm.weight"), TensorToSave.Of("model.norm.weight", [8], FloatType.F32, norm)]);
        TransformerConfigFile.Write(Tiny, FloatType.F32, folder.File("config.json"));
        using var checkpoint = CheckpointFolder.Open(folder.Path);
        Assert.Equal("tensor model.norm.weight holds NaN or infinity, first at element 5 of 8", Assert.Throws<AgoraException>(() => checkpoint.Read("model.norm.weight")).What);
        Assert.Equal(4, ((Func<float[]>)(() => { var four = new float[4]; checkpoint.Read("model.norm.weight", 0, four); return four; }))().Length);
    }

    [Theory]
    [InlineData("F32", float.NaN, "model.norm.weight holds NaN or infinity, first at element 2")]
    [InlineData("BF16", float.NegativeInfinity, "holds NaN or infinity")]
    [InlineData("F16", 65520f, "element 2 of tensor model.norm.weight is 65520, too large for F16")]
    [InlineData("F16", 65519f, null)]
    [InlineData("BF16", 65520f, null)]
    public void Weights_that_nobody_could_load_are_not_saved(string type, float value, string? expected)
    {
        var weights = Weights(Tiny, FloatType.Named(type)!);
        var norm = weights.FindIndex(tensor => tensor.Name == "model.norm.weight");
        weights[norm] = TensorToSave.Of("model.norm.weight", [8], FloatType.Named(type)!, new[] { 1, 1, value, 1, 1, 1, 1, 1 });
        var failure = Record.Exception(() => CheckpointWriter.SaveNew(Tiny, folder.Path, weights));
        if (expected is null)
            Assert.Null(failure);
        else
            Assert.Contains(expected, Assert.IsType<AgoraException>(failure).What, StringComparison.Ordinal);
        Assert.Equal(expected is null, File.Exists(folder.File("model.safetensors")));
    }

    [Fact]
    public void A_smaller_model_saved_over_a_sharded_one_is_what_opens_and_the_other_way_round()
    {
        CheckpointWriter.SaveNew(Tiny, folder.Path, Weights(Tiny, FloatType.F32), maxShardBytes: 300);
        var smaller = Tiny with { Layers = 1, AttentionWindows = [null] };
        CheckpointWriter.SaveNew(smaller, folder.Path, Weights(smaller, FloatType.F32));
        using (var checkpoint = CheckpointFolder.Open(folder.Path))
            Assert.Equal(1, checkpoint.Config.Layers);
        CheckpointWriter.SaveNew(Tiny, folder.Path, Weights(Tiny, FloatType.BF16), maxShardBytes: 300);
        using (var checkpoint = CheckpointFolder.Open(folder.Path))
            Assert.Equal((2, FloatType.BF16), (checkpoint.Config.Layers, checkpoint.StoredType));
    }

    [Fact]
    public void Licences_templates_and_tokenizer_files_travel_with_the_weights()
    {
        CheckpointWriter.SaveNew(Tiny, folder.File("base"), Weights(Tiny, FloatType.F32));
        string[] names = ["LICENSE", "USE_POLICY.md", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "generation_config.json", "special_tokens_map.json"];
        foreach (var name in names)
            File.WriteAllText(Path.Combine(folder.File("base"), name), name);
        File.WriteAllText(Path.Combine(folder.File("base"), "README.md"), "of the base");
        CheckpointWriter.SaveLike(folder.File("base"), folder.File("student"), Weights(Tiny, FloatType.F32));
        Assert.All(names, name => Assert.Equal(name, File.ReadAllText(Path.Combine(folder.File("student"), name))));
        Assert.False(File.Exists(Path.Combine(folder.File("student"), "README.md")));
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

    private void WithIndex(Action<JsonObject> change)
    {
        var path = folder.File("model.safetensors.index.json");
        var json = JsonNode.Parse(File.ReadAllText(path))!;
        change(json["weight_map"]!.AsObject());
        File.WriteAllText(path, json.ToJsonString());
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
