using System.Text.Json.Nodes;
using Agora.Students.Checkpoints;
using Agora.Students.Inference;
using CsCheck;

namespace Agora.Tests.Inference;

public sealed class NaiveParityTests
{
    [Fact]
    public Task A_plain_llama_equals_the_naive_transformer() => AssertParity(_ => { });

    [Fact]
    public Task A_mistral_with_a_window_and_wide_heads_equals_the_naive_transformer() => AssertParity(json =>
    {
        json["architectures"] = new JsonArray("MistralForCausalLM");
        json["model_type"] = "mistral";
        json["sliding_window"] = 21;
        json["head_dim"] = 40;
        json["tie_word_embeddings"] = false;
    });

    [Fact]
    public Task A_qwen2_with_biases_equals_the_naive_transformer() => AssertParity(json =>
    {
        json["architectures"] = new JsonArray("Qwen2ForCausalLM");
        json["model_type"] = "qwen2";
        json["sliding_window"] = 5;
        json["use_sliding_window"] = false;
        json["vocab_size"] = (int)json["vocab_size"]! + 100;
    });

    [Fact]
    public Task A_qwen3_with_norms_on_queries_and_keys_equals_the_naive_transformer() => AssertParity(json =>
    {
        json["architectures"] = new JsonArray("Qwen3ForCausalLM");
        json["model_type"] = "qwen3";
        json["head_dim"] = 24;
    });

    [Fact]
    public Task A_llama_with_biases_and_scaled_rotation_equals_the_naive_transformer() => AssertParity(json =>
    {
        json["attention_bias"] = true;
        json["mlp_bias"] = true;
        json["num_key_value_heads"] = 1;
        json["rope_scaling"] = new JsonObject
        {
            ["rope_type"] = "llama3",
            ["factor"] = 4.0,
            ["low_freq_factor"] = 1.0,
            ["high_freq_factor"] = 4.0,
            ["original_max_position_embeddings"] = 32,
        };
    });

    [Fact]
    public void Models_of_odd_sizes_equal_the_naive_transformer() =>
        Gen.Select(Gen.Int[1, 3], Gen.Int[1, 3], Gen.Int[1, 20], Gen.Int[5, 70], Gen.Int[3, 90], Gen.Long).Sample(
            (groups, keyValueHeads, halfHead, hidden, feedForward, seed) => AssertParity(
                json =>
                {
                    json["num_attention_heads"] = groups * keyValueHeads;
                    json["num_key_value_heads"] = keyValueHeads;
                    json["head_dim"] = 2 * halfHead;
                    json["hidden_size"] = hidden;
                    json["intermediate_size"] = feedForward;
                    json["num_hidden_layers"] = 1;
                },
                seed, length: 20).GetAwaiter().GetResult(),
            iter: 12);

    // 150 tokens: more than one step of the engine, several pages, and rows left over in both kernels.
    private static async Task AssertParity(Action<JsonObject> change, long seed = 1, int length = 150)
    {
        using var folder = new TemporaryFolder();
        RandomModel.Write(folder.Path, change, seed);
        using var checkpoint = CheckpointFolder.Open(folder.Path);
        using var engine = InferenceEngine.Load(folder.Path, threads: 1);
        var tokens = Enumerable.Range(0, length).Select(i => (i * 37 + 11) % checkpoint.Config.VocabularySize).ToArray();
        var expected = new NaiveTransformer(checkpoint).Logits(tokens);
        var actual = await LogitsMeasurement.Of(engine, tokens);
        for (var t = 0; t < length; t++)
        {
            for (var token = 0; token < expected[t].Length; token++)
                Assert.Equal(expected[t][token], actual[t][token], 1e-4);
        }
    }
}
