using System.Text.Json.Nodes;
using Agora.Students.Checkpoints;
using Agora.Students.Inference;
using Agora.Tests.Inference;

namespace Agora.Tests.Checkpoints;

/// <summary>Random models of every family, before and after saving, against a reader that shares no code with ours.</summary>
public sealed class ModelFamilyTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private static Dictionary<string, string> Models { get; } = new()
    {
        ["Llama 2"] = """{"model_type":"llama","num_key_value_heads":4,"head_dim":null,"tie_word_embeddings":false,"rope_scaling":null,"pretraining_tp":1,"rms_norm_eps":1e-5}""",
        ["Llama 3.1"] = """{"model_type":"llama","rope_theta":500000.0,"tie_word_embeddings":false,"eos_token_id":[301,302],"rope_scaling":{"rope_type":"llama3","factor":8.0,"low_freq_factor":1.0,"high_freq_factor":4.0,"original_max_position_embeddings":32}}""",
        ["Llama 3.2"] = """{"model_type":"llama","rope_theta":500000.0,"tie_word_embeddings":true,"rope_scaling":{"type":"llama3","factor":32.0,"low_freq_factor":1.0,"high_freq_factor":4.0,"original_max_position_embeddings":64}}""",
        ["Llama with biases"] = """{"model_type":"llama","attention_bias":true,"mlp_bias":true,"num_key_value_heads":1}""",
        ["Mistral 7B 0.1"] = """{"model_type":"mistral","sliding_window":7,"tie_word_embeddings":false}""",
        ["Mistral 7B 0.3"] = """{"model_type":"mistral","sliding_window":null,"head_dim":null,"rope_theta":1000000.0,"tie_word_embeddings":false}""",
        ["Mistral Nemo"] = """{"model_type":"mistral","sliding_window":null,"head_dim":20,"rope_theta":1000000.0,"tie_word_embeddings":false}""",
        ["Qwen2"] = """{"model_type":"qwen2","head_dim":null,"sliding_window":5,"use_sliding_window":false,"max_window_layers":1,"rope_theta":1000000.0,"rms_norm_eps":1e-6,"vocab_size":384}""",
        ["Qwen2.5"] = """{"model_type":"qwen2","head_dim":null,"sliding_window":null,"use_sliding_window":false,"tie_word_embeddings":false,"rms_norm_eps":1e-6,"vocab_size":352}""",
        ["Qwen2 with windows"] = """{"model_type":"qwen2","head_dim":null,"sliding_window":6,"use_sliding_window":true,"max_window_layers":1}""",
        ["Qwen3"] = """{"model_type":"qwen3","head_dim":16,"attention_bias":false,"sliding_window":null,"use_sliding_window":false,"max_window_layers":2,"tie_word_embeddings":true}""",
    };

    public static TheoryData<string, string, bool> EveryModelAndType()
    {
        var cases = new TheoryData<string, string, bool>();
        foreach (var (index, name) in Models.Keys.Index())
        {
            cases.Add(name, FloatType.All[index % 3].Name, false);
            cases.Add(name, FloatType.All[(index + 1) % 3].Name, true);
        }
        return cases;
    }

    [Theory]
    [MemberData(nameof(EveryModelAndType))]
    public async Task A_model_computes_what_an_independent_reader_does_and_so_does_its_saved_copy(string name, string type, bool rewards)
    {
        var source = Path.Combine(folder.Path, "source");
        Write(source, name, FloatType.Named(type)!, rewards);
        using var checkpoint = CheckpointFolder.Open(source);
        Assert.Equal(type, checkpoint.StoredType.Name);
        int[] tokens = [.. Enumerable.Range(0, 24).Select(i => (i * 37 + 11) % 300)];
        var expected = IndependentReader.Logits(source, tokens);
        Assert.Equal(rewards ? 1 : checkpoint.Config.VocabularySize, expected.Length);
        AssertClose(expected, await Compute(source, tokens, rewards));

        var saved = Path.Combine(folder.Path, "saved");
        CheckpointWriter.SaveLike(source, saved, Stored(checkpoint), maxShardBytes: rewards ? 40_000 : long.MaxValue);
        Assert.Equal(rewards, File.Exists(Path.Combine(saved, "model.safetensors.index.json")));
        Assert.Equal(IndependentReader.Tensors(source), IndependentReader.Tensors(saved));
        AssertClose(expected, await Compute(saved, tokens, rewards));
        AssertClose(expected, IndependentReader.LlamaCppLogits(saved, tokens));
    }

    [Fact]
    public void Two_types_in_one_checkpoint_are_kept_apart()
    {
        var source = Path.Combine(folder.Path, "source");
        Write(source, "Qwen2.5", FloatType.BF16, rewards: false, mixed: true);
        using var checkpoint = CheckpointFolder.Open(source);
        Assert.Equal((FloatType.BF16, FloatType.F32), (checkpoint.StoredTypeOf("lm_head.weight"), checkpoint.StoredTypeOf("model.norm.weight")));
        var saved = Path.Combine(folder.Path, "saved");
        CheckpointWriter.SaveLike(source, saved, Stored(checkpoint));
        Assert.Equal(IndependentReader.Tensors(source), IndependentReader.Tensors(saved));
    }

    private void Write(string source, string name, FloatType type, bool rewards, bool mixed = false)
    {
        var plain = Path.Combine(folder.Path, "plain");
        Directory.CreateDirectory(plain);
        RandomModel.Write(plain, json =>
        {
            json.Remove("architectures");
            foreach (var (key, value) in JsonNode.Parse(Models[name])!.AsObject())
                json[key] = value?.DeepClone();
            var family = (string)json["model_type"]!;
            json["architectures"] = new JsonArray($"{char.ToUpperInvariant(family[0])}{family[1..]}For{(rewards ? "SequenceClassification" : "CausalLM")}");
            if (rewards)
                json["id2label"] = new JsonObject { ["0"] = "LABEL_0" };
        }, seed: 7);
        using var checkpoint = CheckpointFolder.Open(plain);
        CheckpointWriter.SaveLike(plain, source, [.. Stored(checkpoint).Select(tensor => tensor with { Type = mixed && tensor.Shape.Count == 1 ? FloatType.F32 : type })]);
    }

    private static List<TensorToSave> Stored(CheckpointFolder checkpoint) =>
        [.. checkpoint.Config.Tensors().Select(tensor => new TensorToSave(tensor.Name, tensor.Shape, checkpoint.StoredTypeOf(tensor.Name), (first, values) => checkpoint.Read(tensor.Name, first, values)))];

    private static async Task<double[]> Compute(string folder, int[] tokens, bool rewards)
    {
        using var engine = InferenceEngine.Load(folder, threads: 1);
        return rewards
            ? [await engine.ScoreAsync(tokens, TestContext.Current.CancellationToken)]
            : [.. (await LogitsMeasurement.Of(engine, tokens))[^1].Select(logit => (double)logit)];
    }

    private static void AssertClose(double[] expected, double[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
    }
}
