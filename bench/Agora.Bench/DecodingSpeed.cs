using System.Diagnostics;
using Agora.Students.Inference;
using Agora.Tests.Inference;

namespace Agora.Bench;

/// <summary>Tokens per second of the inference engine on a model of nano's size: 64 answers of 128 tokens, prompts alone, and prompts with a common head.</summary>
internal static class DecodingSpeed
{
    private const int Sequences = 64;
    private const int AnswerTokens = 128;

    public static async Task MeasureAsync(int threads)
    {
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
            using var engine = InferenceEngine.Load(folder, threads);
            Console.WriteLine($"{engine.Config.Parameters:N0} parameters, {threads} threads");
            var sampled = new SamplingParameters { Temperature = 1, TopP = 0.9, MaxTokens = AnswerTokens, EndTokens = [] };
            for (var round = 0; round < 5; round++)
            {
                var salt = round;
                var read = await TimeAsync(engine, i => Prompt(512, i + 1000 * salt), sampled with { MaxTokens = 1 });
                var sharing = await TimeAsync(engine, i => [.. Prompt(448, 1 + 100_000 * salt), .. Prompt(64, i + 1000 * salt)], sampled with { MaxTokens = 1 });
                var before = GC.GetTotalAllocatedBytes();
                var greedy = await TimeAsync(engine, i => Prompt(1, i), sampled with { Temperature = 0 });
                var allocated = GC.GetTotalAllocatedBytes() - before;
                var drawn = await TimeAsync(engine, i => Prompt(1, i), sampled);
                var penalized = await TimeAsync(engine, i => Prompt(1, i), sampled with { RepetitionPenalty = 1.03 });
                Console.WriteLine(
                    $"prompts {Sequences * 512 / read:N0}/s · with a common head of 448 {Sequences * 512 / sharing:N0}/s · " +
                    $"greedy {Sequences * AnswerTokens / greedy:N0}/s ({allocated / Sequences:N0} bytes an answer) · " +
                    $"top-p {Sequences * AnswerTokens / drawn:N0}/s · with repetition penalty {Sequences * AnswerTokens / penalized:N0}/s");
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static int[] Prompt(int length, int salt) => [.. Enumerable.Range(0, length).Select(i => (int)((i * 7919L + salt * 104729L) % 1499))];

    private static async Task<double> TimeAsync(InferenceEngine engine, Func<int, int[]> prompt, SamplingParameters parameters)
    {
        var prompts = Enumerable.Range(0, Sequences).Select(prompt).ToArray();
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(prompts.Select((tokens, i) => engine.CompleteAsync(tokens, parameters with { Seed = i })));
        return clock.Elapsed.TotalSeconds;
    }
}
