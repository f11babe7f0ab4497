using System.Runtime.InteropServices;
using System.Text;
using Agora.Students.Checkpoints;

namespace Agora.Bench.Llama;

/// <summary>Writes a Llama checkpoint as llama.cpp reads it: GGUF version 3, architecture llama, F32, no vocabulary.</summary>
/// <remarks>
/// https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Names and the order of the query and key rows are those of llama.cpp's convert_hf_to_gguf.py: its rotation
/// turns neighbouring elements of a head, so that row (h, j, i) of Hugging Face's file, j being the half, becomes row (h, i, j).
/// </remarks>
internal static class GgufFile
{
    private const int Alignment = 32;
    private const uint UInt32 = 4, Float32 = 6, Text = 8;

    public static void Write(CheckpointFolder checkpoint, string path)
    {
        var config = checkpoint.Config;
        var tensors = config.Tensors().Select(tensor => (Name: NameOf(tensor.Name), tensor.Shape, Values: Values(checkpoint, tensor.Name))).ToList();
        (string, object)[] metadata =
        [
            ("general.architecture", "llama"), ("general.name", "bench"), ("tokenizer.ggml.model", "no_vocab"),
            ("llama.vocab_size", (uint)config.VocabularySize), ("llama.block_count", (uint)config.Layers), ("llama.context_length", (uint)config.MaxPositions),
            ("llama.embedding_length", (uint)config.HiddenSize), ("llama.feed_forward_length", (uint)config.IntermediateSize),
            ("llama.attention.head_count", (uint)config.Heads), ("llama.attention.head_count_kv", (uint)config.KeyValueHeads),
            ("llama.attention.layer_norm_rms_epsilon", (float)config.NormEpsilon), ("llama.rope.dimension_count", (uint)config.HeadSize), ("llama.rope.freq_base", (float)config.RopeTheta),
        ];
        using var file = new BinaryWriter(File.Create(path));
        file.Write("GGUF"u8);
        file.Write(3u);
        file.Write((ulong)tensors.Count);
        file.Write((ulong)metadata.Length);
        foreach (var (key, value) in metadata)
        {
            WriteText(file, key);
            switch (value)
            {
                case uint number:
                    file.Write(UInt32);
                    file.Write(number);
                    break;
                case float number:
                    file.Write(Float32);
                    file.Write(number);
                    break;
                default:
                    file.Write(Text);
                    WriteText(file, (string)value);
                    break;
            }
        }
        var offset = 0L;
        foreach (var (name, shape, values) in tensors)
        {
            WriteText(file, name);
            file.Write((uint)shape.Length);
            foreach (var size in shape.Reverse())       // innermost first
                file.Write((ulong)size);
            file.Write(0u);                             // F32
            file.Write((ulong)offset);
            offset = Aligned(offset + values.LongLength * sizeof(float));
        }
        foreach (var (_, _, values) in tensors)
        {
            file.Write(new byte[Aligned(file.BaseStream.Position) - file.BaseStream.Position]);
            file.Write(MemoryMarshal.AsBytes(values.AsSpan()));
        }
    }

    private static string NameOf(string name) => name
        .Replace("model.layers.", "blk.", StringComparison.Ordinal)
        .Replace("model.embed_tokens", "token_embd", StringComparison.Ordinal).Replace("model.norm", "output_norm", StringComparison.Ordinal).Replace("lm_head", "output", StringComparison.Ordinal)
        .Replace("input_layernorm", "attn_norm", StringComparison.Ordinal).Replace("post_attention_layernorm", "ffn_norm", StringComparison.Ordinal)
        .Replace("self_attn.q_proj", "attn_q", StringComparison.Ordinal).Replace("self_attn.k_proj", "attn_k", StringComparison.Ordinal)
        .Replace("self_attn.v_proj", "attn_v", StringComparison.Ordinal).Replace("self_attn.o_proj", "attn_output", StringComparison.Ordinal)
        .Replace("mlp.gate_proj", "ffn_gate", StringComparison.Ordinal).Replace("mlp.up_proj", "ffn_up", StringComparison.Ordinal).Replace("mlp.down_proj", "ffn_down", StringComparison.Ordinal);

    private static float[] Values(CheckpointFolder checkpoint, string name)
    {
        var values = checkpoint.Read(name);
        if (!name.EndsWith("q_proj.weight", StringComparison.Ordinal) && !name.EndsWith("k_proj.weight", StringComparison.Ordinal))
            return values;
        int head = checkpoint.Config.HeadSize, half = head / 2, inputs = checkpoint.Config.HiddenSize;
        var permuted = new float[values.Length];
        for (var row = 0; row < values.Length / inputs; row++)
        {
            var (h, j, i) = (row / head, row % head / half, row % half);
            values.AsSpan(row * inputs, inputs).CopyTo(permuted.AsSpan((h * head + 2 * i + j) * inputs, inputs));
        }
        return permuted;
    }

    private static long Aligned(long offset) => (offset + Alignment - 1) / Alignment * Alignment;

    private static void WriteText(BinaryWriter file, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        file.Write((ulong)bytes.Length);
        file.Write(bytes);
    }
}
