using System.Collections.Immutable;

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
}
