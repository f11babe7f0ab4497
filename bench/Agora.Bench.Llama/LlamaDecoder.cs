using System.Diagnostics;
using System.Numerics.Tensors;
using LLama;
using LLama.Common;
using LLama.Native;

namespace Agora.Bench.Llama;

/// <summary>Greedy decoding by llama.cpp: all sequences in one batch a step, logits read back and the best taken.</summary>
internal sealed class LlamaDecoder : IDisposable
{
    private readonly LLamaWeights weights;
    private readonly LLamaContext context;

    /// <param name="manner">Of llama.cpp's own choices; which is fastest depends on model and machine.</param>
    public LlamaDecoder(string ggufFile, int threads, int sequences, int length, Manner manner)
    {
        var parameters = new ModelParams(ggufFile)
        {
            ContextSize = (uint)(sequences * length),
            SeqMax = (uint)sequences,
            BatchSize = 2048,
            UBatchSize = 512,
            Threads = threads,
            BatchThreads = threads,
            KVUnified = manner.Unified,
            TypeK = manner.Half ? GGMLType.GGML_TYPE_F16 : GGMLType.GGML_TYPE_F32,
            TypeV = manner.Half ? GGMLType.GGML_TYPE_F16 : GGMLType.GGML_TYPE_F32,
            FlashAttention = manner.Flash,
            GpuLayerCount = 0,
        };
        weights = LLamaWeights.LoadFromFile(parameters);
        context = weights.CreateContext(parameters);
    }

    /// <param name="Unified">One cache for all sequences instead of one each.</param>
    /// <param name="Half">Keys and values in float16, its default.</param>
    /// <param name="Flash">Its fused attention, its default, which rounds differently from float32 throughout.</param>
    public readonly record struct Manner(bool Unified, bool Half, bool Flash);

    /// <returns>The tokens of each sequence, and the seconds from the first step on that only writes: prompts are read before.</returns>
    public (int[][] Tokens, double Seconds) Decode(int[][] prompts, int newTokens)
    {
        context.NativeHandle.MemoryClear();
        var batch = new LLamaBatch();
        var places = new int[prompts.Length];
        for (var s = 0; s < prompts.Length; s++)
            for (var i = 0; i < prompts[s].Length; i++)
            {
                var place = batch.Add(prompts[s][i], i, (LLamaSeqId)s, i == prompts[s].Length - 1);
                places[s] = place;
            }
        Step(batch);
        var tokens = prompts.Select(_ => new int[newTokens]).ToArray();
        var clock = Stopwatch.StartNew();
        for (var t = 0; ; t++)
        {
            for (var s = 0; s < prompts.Length; s++)
                tokens[s][t] = TensorPrimitives.IndexOfMax<float>(context.NativeHandle.GetLogitsIth(places[s]));
            if (t == newTokens - 1)
                return (tokens, clock.Elapsed.TotalSeconds);
            batch.Clear();
            for (var s = 0; s < prompts.Length; s++)
                places[s] = batch.Add(tokens[s][t], prompts[s].Length + t, (LLamaSeqId)s, true);
            Step(batch);
        }
    }

    public void Dispose()
    {
        context.Dispose();
        weights.Dispose();
    }

    private void Step(LLamaBatch batch)
    {
        var result = context.NativeHandle.Decode(batch);
        if (result != DecodeResult.Ok)
            throw new InvalidOperationException($"llama_decode: {result}");
    }
}
