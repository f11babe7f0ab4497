using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Agora.Students.Checkpoints;

/// <summary>Which tokens begin, end and pad a generated sequence: generation_config.json, and config.json for what it does not say.</summary>
public sealed record GenerationConfig(int? BeginOfSequenceId, ImmutableArray<int> EndOfSequenceIds, int? PaddingId)
{
    public static GenerationConfig Read(string modelFolder, TransformerConfig config)
    {
        var path = Path.Combine(modelFolder, "generation_config.json");
        if (!File.Exists(path))
            return new GenerationConfig(config.BeginOfSequenceId, config.EndOfSequenceIds, config.PaddingId);
        var json = ConfigJson.Open(path);
        var ends = json.TokenIds("eos_token_id");
        var result = new GenerationConfig(
            json.TokenIds("bos_token_id") is [var begin, ..] ? begin : config.BeginOfSequenceId,
            ends.IsEmpty ? config.EndOfSequenceIds : ends,
            json.TokenIds("pad_token_id") is [var padding, ..] ? padding : config.PaddingId);
        json.ThrowIfFaulty();
        return result;
    }

    /// <summary>Makes sure that generation stops at the token, keeping whatever else the folder's generation_config.json says.</summary>
    public static void AddEndOfSequence(string modelFolder, TransformerConfig config, int tokenId)
    {
        var known = Read(modelFolder, config).EndOfSequenceIds;
        if (known.Contains(tokenId))
            return;
        var path = Path.Combine(modelFolder, "generation_config.json");
        var json = File.Exists(path) ? JsonNode.Parse(File.ReadAllText(path))!.AsObject() : [];
        json["eos_token_id"] = new JsonArray([.. known.Append(tokenId).Select(id => (JsonNode)id)]);
        File.WriteAllText(path, json.ToJsonString(Indented) + "\n");
    }

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };
}
