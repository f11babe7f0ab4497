using System.Text.Json.Nodes;
using Agora.Experiments;
using Agora.Students.Checkpoints;
using Agora.Students.Tokenization;

namespace Agora.Tests.Inference;

/// <summary>Writes model folders with random weights, which is all that arithmetic, scheduling and speed depend on.</summary>
internal static class RandomModel
{
    /// <summary>A byte-level tokenizer in the Llama 3 style, trained on next to nothing.</summary>
    public static TrainedTokenizer Tokenizer(int vocabularySize = 320) =>
        BytePairTrainer.Train(["the cat sat on the mat and the dog sat on the cat, the mat and the log: 12 and 30 is 42"], vocabularySize, TrainedTokenizer.ChatTokens);

    /// <summary>config.json of a small Llama; the other families are made from it by changing keys.</summary>
    public static JsonObject Config(int vocabularySize) => new()
    {
        ["architectures"] = new JsonArray("LlamaForCausalLM"),
        ["model_type"] = "llama",
        ["vocab_size"] = vocabularySize,
        ["hidden_size"] = 48,
        ["intermediate_size"] = 72,
        ["num_hidden_layers"] = 2,
        ["num_attention_heads"] = 4,
        ["num_key_value_heads"] = 2,
        ["head_dim"] = 12,
        ["max_position_embeddings"] = 256,
        ["rms_norm_eps"] = 1e-5,
        ["rope_theta"] = 10000.0,
        ["tie_word_embeddings"] = true,
        ["hidden_act"] = "silu",
    };

    /// <summary>A change to <see cref="Config"/>: the same family with a score head.</summary>
    public static void Reward(JsonObject json)
    {
        json["architectures"] = new JsonArray(json["architectures"]![0]!.GetValue<string>().Replace("ForCausalLM", "ForSequenceClassification", StringComparison.Ordinal));
        json["id2label"] = new JsonObject { ["0"] = "LABEL_0" };
    }

    /// <param name="folder">Exists and is empty.</param>
    /// <param name="change">Applied to <see cref="Config"/>.</param>
    /// <param name="spread">Standard deviation of the matrices' weights.</param>
    public static void Write(string folder, Action<JsonObject>? change = null, long seed = 1, double spread = 0.15, TrainedTokenizer? tokenizer = null)
    {
        tokenizer ??= Tokenizer();
        var json = Config(tokenizer.VocabularySize);
        json["eos_token_id"] = tokenizer.VocabularySize - 2;    // end of turn
        change?.Invoke(json);
        var path = Path.Combine(folder, "config.json");
        File.WriteAllText(path, json.ToJsonString());
        var config = TransformerConfigFile.Read(path);
        var random = new RandomStreams(seed).For("weights");
        var tensors = new List<TensorToSave>();
        foreach (var (name, shape) in config.Tensors())
        {
            var values = new float[shape.Aggregate((a, b) => a * b)];
            for (var i = 0; i < values.Length; i++)
            {
                // Twelve uniform numbers less six: close enough to normal, and the same everywhere.
                var normal = -6.0;
                for (var n = 0; n < 12; n++)
                    normal += random.NextDouble();
                values[i] = (float)(shape.Length == 1 && !name.EndsWith("bias", StringComparison.Ordinal) ? 1 + 0.1 * normal : spread * normal);
            }
            tensors.Add(TensorToSave.Of(name, shape, FloatType.F32, values));
        }
        SafetensorsWriter.Write(Path.Combine(folder, "model.safetensors"), tensors);
        tokenizer.Save(folder, config.MaxPositions);
    }
}
