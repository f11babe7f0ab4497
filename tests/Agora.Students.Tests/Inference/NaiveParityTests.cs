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
    public Task A_qwen2_whose_later_layers_have_a_window_equals_the_naive_transformer() => AssertParity(json =>
    {
        json["architectures"] = new JsonArray("Qwen2ForCausalLM");
        json["model_type"] = "qwen2";
        json["sliding_window"] = 33;
        json["use_sliding_window"] = true;
        json["max_window_layers"] = 1;
    });

    [Fact]
    public Task A_qwen3_with_windows_by_layer_equals_the_naive_transformer() => AssertParity(json =>
    {
        json["architectures"] = new JsonArray("Qwen3ForCausalLM");
        json["model_type"] = "qwen3";
        json["head_dim"] = 24;
        json["sliding_window"] = 16;
        json["use_sliding_window"] = true;
        json["layer_types"] = new JsonArray("sliding_attention", "full_attention");
    });

    // Whatever a window's edge does to pages, chunks of the prompt and single steps.
    [Fact]
    public void Answers_of_models_with_any_window_are_those_of_decoding_anew_each_time() =>
        Gen.Select(Gen.Int[1, 70], Gen.Int[1, 90], Gen.Long).Sample((window, promptLength, seed) =>
        {
            using var folder = new TemporaryFolder();
            RandomModel.Write(folder.Path, json =>
            {
                json["architectures"] = new JsonArray("MistralForCausalLM");
                json["model_type"] = "mistral";
                json["sliding_window"] = window;
                json["hidden_size"] = 16;
                json["intermediate_size"] = 16;
                json["num_attention_heads"] = 2;
                json["num_key_value_heads"] = 1;
                json["head_dim"] = 8;
                json["tie_word_embeddings"] = false;
            }, seed);
            using var checkpoint = CheckpointFolder.Open(folder.Path);
            using var engine = InferenceEngine.Load(folder.Path, threads: 1);
            int[] text = [.. Enumerable.Range(0, promptLength).Select(i => (i * 37 + 11) % checkpoint.Config.VocabularySize)];
            var answer = engine.CompleteAsync(text, new SamplingParameters { Temperature = 0, MaxTokens = 20, EndTokens = [], LogProbabilities = true }).GetAwaiter().GetResult();
            var expected = new NaiveTransformer(checkpoint).Logits([.. text, .. answer.Tokens]);
            for (var i = 0; i < answer.Tokens.Length; i++)
            {
                var logits = expected[promptLength - 1 + i];
                // The engine's choice is the best one, or so near it that float32 cannot tell.
                Assert.True(logits[answer.Tokens[i]] >= logits.Max() - 1e-4, $"token {i} with a window of {window}");
                Assert.Equal(logits[answer.Tokens[i]] - Math.Log(logits.Sum(Math.Exp)), answer.LogProbabilities[i].LogProbability, 1e-4);
            }
        }, iter: 8);

    [Theory]
    [InlineData("Llama")]
    [InlineData("Mistral")]
    [InlineData("Qwen2")]
    [InlineData("Qwen3")]
    public async Task Rewards_of_every_family_equal_the_naive_transformers_last_score(string family)
    {
        using var folder = new TemporaryFolder();
        RandomModel.Write(folder.Path, json =>
        {
            json["architectures"] = new JsonArray(family + "ForCausalLM");
            json["model_type"] = family.ToLowerInvariant();
            json["sliding_window"] = 21;
            RandomModel.Reward(json);
        });
        using var checkpoint = CheckpointFolder.Open(folder.Path);
        using var engine = InferenceEngine.Load(folder.Path, threads: 1);
        int[] tokens = [.. Enumerable.Range(0, 90).Select(i => (i * 37 + 11) % 200)];
        Assert.Equal(new NaiveTransformer(checkpoint).Logits(tokens)[^1][0], await engine.ScoreAsync(tokens, TestContext.Current.CancellationToken), 1e-4);
    }

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
