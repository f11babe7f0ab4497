using System.Diagnostics;
using Agora.Bench.Llama;
using Agora.Students.Checkpoints;
using Agora.Students.Inference;
using Agora.Tests.Inference;
using LLama.Native;

// Batched and single decoding against llama.cpp, the same random weights in both, greedy.
// bench/llama.sh installs what is needed and runs this in Release; arguments: threads, rounds.
const int Sequences = 64, NewTokens = 128, PromptTokens = 8, SingleTokens = 512;
var threads = args.Length > 0 ? int.Parse(args[0]) : Environment.ProcessorCount;
var rounds = args.Length > 1 ? int.Parse(args[1]) : 5;

NativeLibraryConfig.All.WithLogCallback((level, message) =>
{
    if (level == LLamaLogLevel.Error)
        Console.Error.Write(message);
});
var folder = Directory.CreateTempSubdirectory("agora-bench-").FullName;
try
{
    RandomModel.Write(folder, json =>
    {
        json["vocab_size"] = 1500;
        json["hidden_size"] = 128;
        json["intermediate_size"] = 344;
        json["num_hidden_layers"] = 4;
        json["num_attention_heads"] = 4;
        json["num_key_value_heads"] = 4;
        json["head_dim"] = 32;
        json["max_position_embeddings"] = 1024;
    }, spread: 0.08);
    var gguf = Path.Combine(folder, "model.gguf");
    using (var checkpoint = CheckpointFolder.Open(folder))
        GgufFile.Write(checkpoint, gguf);
    using var engine = InferenceEngine.Load(folder, threads);
    Console.WriteLine($"{engine.Config.Parameters:N0} parameters, F32, {threads} threads, llama.cpp of LLamaSharp.Backend.Cpu 0.30.0");

    var prompts = Enumerable.Range(0, Sequences).Select(s => Enumerable.Range(0, PromptTokens).Select(i => (int)((i * 7919L + s * 104729L) % 1499)).ToArray()).ToArray();
    int[][] single = [prompts[0]];
    if (!await SameTokensAsync(engine, gguf, threads, prompts))
        return 1;

    // By turns, so that a machine whose speed drifts is the same for both; the best of each counts.
    LlamaDecoder.Manner plain = default, usual = new(false, Half: true, Flash: true), together = new(Unified: true, Half: true, Flash: true);
    LlamaDecoder[] batched = [.. new[] { plain, usual, together }.Select(manner => new LlamaDecoder(gguf, threads, Sequences, 256, manner)), new LlamaDecoder(gguf, 1, Sequences, 256, plain)];
    LlamaDecoder[] alone = [.. new[] { threads, 1 }.SelectMany(count => new[] { plain, usual }.Select(manner => new LlamaDecoder(gguf, count, 1, 1024, manner)))];
    Console.WriteLine("llama.cpp in its manners, batched: float32 · float16 and flash attention · the same in one cache · float32 on one thread; one stream: float32 · float16 and flash · both on one thread");
    double batchedOurs = 0, batchedTheirs = 0, singleOurs = 0, singleTheirs = 0;
    for (var round = 0; round < rounds; round++)
    {
        // Ours holds the reading of the prompts, theirs does not.
        var ours = Sequences * (NewTokens - 1) / await TimeAsync(engine, prompts, NewTokens);
        var theirs = Array.ConvertAll(batched, decoder => Sequences * (NewTokens - 1) / decoder.Decode(prompts, NewTokens).Seconds);
        var oursAlone = (SingleTokens - 1) / await TimeAsync(engine, single, SingleTokens);
        var theirsAlone = Array.ConvertAll(alone, decoder => (SingleTokens - 1) / decoder.Decode(single, SingleTokens).Seconds);
        static string All(double[] rates) => string.Join(" · ", rates.Select(rate => $"{rate:N0}"));
        Console.WriteLine($"64 x 128: Agora {ours:N0}/s, llama.cpp {All(theirs)} | one stream of {SingleTokens}: Agora {oursAlone:N0}/s, llama.cpp {All(theirsAlone)}");
        (batchedOurs, batchedTheirs) = (Math.Max(batchedOurs, ours), Math.Max(batchedTheirs, theirs.Max()));
        (singleOurs, singleTheirs) = (Math.Max(singleOurs, oursAlone), Math.Max(singleTheirs, theirsAlone.Max()));
    }
    foreach (var decoder in batched.Concat(alone))
        decoder.Dispose();
    Console.WriteLine($"batched: {batchedOurs:N0} / {batchedTheirs:N0} = {batchedOurs / batchedTheirs:0.00} (goal 1.00, and 10,000/s) · one stream: {singleOurs:N0} / {singleTheirs:N0} = {singleOurs / singleTheirs:0.00} (goal 0.50)");
    return 0;
}
finally
{
    Directory.Delete(folder, recursive: true);
}

static async Task<double> TimeAsync(InferenceEngine engine, int[][] prompts, int newTokens)
{
    var parameters = new SamplingParameters { Temperature = 0, MaxTokens = newTokens, EndTokens = [] };
    var clock = Stopwatch.StartNew();
    await Task.WhenAll(prompts.Select(prompt => engine.CompleteAsync(prompt, parameters)));
    return clock.Elapsed.TotalSeconds;
}

// A different token is allowed only where the two best were so near each other that float32 cannot tell them apart.
static async Task<bool> SameTokensAsync(InferenceEngine engine, string gguf, int threads, int[][] prompts)
{
    using var peer = new LlamaDecoder(gguf, threads, Sequences, 256, default);
    var (theirs, _) = peer.Decode(prompts, NewTokens);
    var ours = await Task.WhenAll(prompts.Select(prompt => engine.CompleteAsync(prompt, new SamplingParameters { Temperature = 0, MaxTokens = NewTokens, EndTokens = [], LogProbabilities = true, TopLogProbabilities = 2 })));
    var (same, near) = (0, 0);
    for (var s = 0; s < prompts.Length; s++)
    {
        var length = ours[s].Tokens.AsSpan().CommonPrefixLength(theirs[s]);
        if (length == NewTokens)
        {
            same++;
            continue;
        }
        var (best, second) = (ours[s].LogProbabilities[length].Alternatives[0], ours[s].LogProbabilities[length].Alternatives[1]);
        if (second.Token == theirs[s][length] && best.LogProbability - second.LogProbability < 1e-3)
            near++;
        else
            Console.WriteLine($"sequence {s} differs at token {length}: {ours[s].Tokens[length]} against {theirs[s][length]}, {best.LogProbability - second.LogProbability:0.0000} nats apart");
    }
    Console.WriteLine($"greedy tokens: {same} of {prompts.Length} answers equal to the last token, {near} up to two tokens within 0.001 nats of each other");
    return same + near == prompts.Length;
}
