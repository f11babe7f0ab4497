using System.Globalization;
using System.Text.Json;
using Agora.Experiments;

namespace Agora.Students.Checkpoints;

/// <summary>Writes a model folder in Hugging Face format: weights, config.json, and the files that travel with a model.</summary>
public static class CheckpointWriter
{
    /// <summary>What belongs to a model besides its weights and config.json.</summary>
    private static readonly string[] Companions =
    [
        "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt", "tokenizer.model", "tekken.json",
        "chat_template.jinja", "chat_template.json", "generation_config.json", "LICENSE", "LICENSE.txt", "LICENSE.md", "NOTICE", "NOTICE.txt", "USE_POLICY.md",
    ];

    /// <summary>Shards above this size, as transformers does.</summary>
    private const long MaxShardBytes = 5_000_000_000;

    /// <summary>Saves trained weights of the model that <paramref name="sourceFolder"/> holds; config, tokenizer, templates and generation settings are carried along.</summary>
    public static void SaveLike(string sourceFolder, string folder, IReadOnlyList<TensorToSave> tensors, long maxShardBytes = MaxShardBytes)
    {
        CarryAlong(sourceFolder, folder);
        WriteWeights(folder, tensors, maxShardBytes);
        Writing(folder, () => TransformerConfigFile.Copy(Path.Combine(sourceFolder, "config.json"), tensors[0].Type, Path.Combine(folder, "config.json")));
    }

    /// <summary>Saves a model made here.</summary>
    public static void SaveNew(TransformerConfig config, string folder, IReadOnlyList<TensorToSave> tensors, long maxShardBytes = MaxShardBytes)
    {
        WriteWeights(folder, tensors, maxShardBytes);
        Writing(folder, () => TransformerConfigFile.Write(config, tensors[0].Type, Path.Combine(folder, "config.json")));
    }

    /// <summary>Copies tokenizer, chat template and generation settings, as far as the model has them.</summary>
    public static void CarryAlong(string sourceFolder, string folder) => Writing(folder, () =>
    {
        foreach (var name in Companions)
        {
            var source = Path.Combine(sourceFolder, name);
            if (File.Exists(source) && Path.GetFullPath(source) != Path.GetFullPath(Path.Combine(folder, name)))
                File.Copy(source, Path.Combine(folder, name), overwrite: true);
        }
    });

    private static void WriteWeights(string folder, IReadOnlyList<TensorToSave> tensors, long maxShardBytes) => Writing(folder, () =>
    {
        var shards = Split([.. tensors.Select(tensor => Checked(tensor, folder))], maxShardBytes);
        var index = Path.Combine(folder, "model.safetensors.index.json");
        if (shards.Count == 1)
        {
            SafetensorsWriter.Write(Path.Combine(folder, "model.safetensors"), shards[0]);
            // What an earlier, larger model left would be read in place of the new file.
            File.Delete(index);
            return;
        }
        var places = new SortedDictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < shards.Count; i++)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"model-{i + 1:D5}-of-{shards.Count:D5}.safetensors");
            SafetensorsWriter.Write(Path.Combine(folder, name), shards[i]);
            foreach (var tensor in shards[i])
                places.Add(tensor.Name, name);
        }
        var contents = new { metadata = new { total_size = tensors.Sum(tensor => tensor.Bytes) }, weight_map = places };
        File.WriteAllText(index, JsonSerializer.Serialize(contents, Indented) + "\n");
        File.Delete(Path.Combine(folder, "model.safetensors"));
    });

    private static void Writing(string folder, Action write)
    {
        try
        {
            Directory.CreateDirectory(folder);
            write();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new AgoraException($"cannot write the model: {exception.Message}", folder, "free some disk space, or choose another folder", exception);
        }
    }

    /// <summary>Weights that nobody could load are not written.</summary>
    private static TensorToSave Checked(TensorToSave tensor, string folder) => tensor with
    {
        Read = (first, values) =>
        {
            tensor.Read(first, values);
            if (tensor.Type.FirstUnstorable(values) is >= 0 and var bad)
            {
                throw new AgoraException(
                    float.IsFinite(values[bad])
                        ? $"element {first + bad} of tensor {tensor.Name} is {values[bad].ToString(CultureInfo.InvariantCulture)}, too large for {tensor.Type}"
                        : $"tensor {tensor.Name} holds NaN or infinity, first at element {first + bad}",
                    folder, float.IsFinite(values[bad]) ? "start from a BF16 or F32 version of the base model" : "training diverged: lower the learning rate, or clip gradients");
            }
        },
    };

    /// <summary>Tensors in their order, none split; a tensor above the limit has a shard of its own.</summary>
    private static List<List<TensorToSave>> Split(IReadOnlyList<TensorToSave> tensors, long maxShardBytes)
    {
        var shards = new List<List<TensorToSave>> { new() };
        var bytes = 0L;
        foreach (var tensor in tensors)
        {
            if (bytes > 0 && bytes + tensor.Bytes > maxShardBytes)
            {
                shards.Add([]);
                bytes = 0;
            }
            shards[^1].Add(tensor);
            bytes += tensor.Bytes;
        }
        return shards;
    }

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };
}
