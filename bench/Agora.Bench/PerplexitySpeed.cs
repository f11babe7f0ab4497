using System.Diagnostics;
using Agora.Students.Checkpoints;
using Agora.Students.Inference;
using Agora.Students.Training;
using Agora.Tests.Inference;

namespace Agora.Bench;

/// <summary>Perplexity of given texts by the engine that answers, against the forward pass of the trainer over the same texts (its evaluation loss), every token a target.</summary>
internal static class PerplexitySpeed
{
    private const int Texts = 64, Length = 256, Rounds = 5;

    public static async Task MeasureAsync(int threads)
    {
        var folder = Directory.CreateTempSubdirectory("agora-bench-").FullName;
        try
        {
            RandomModel.Write(folder, json =>
            {
                json["vocab_size"] = 2048;
                json["hidden_size"] = 256;
                json["intermediate_size"] = 688;
                json["num_hidden_layers"] = 4;
                json["num_attention_heads"] = 4;
                json["num_key_value_heads"] = 4;
                json["head_dim"] = 64;
                json["max_position_embeddings"] = 1024;
            }, spread: 0.05);
            using var checkpoint = CheckpointFolder.Open(folder);
            using var engine = InferenceEngine.Load(folder, threads);
            using var model = TransformerModel.Load(checkpoint);
            using var laned = new LanedGradient(model, threads, sharing: true);
            using var autograd = new AutogradGradient(model, threads);
            Console.WriteLine($"{engine.Config.Parameters:N0} parameters, {threads} threads, {Texts} texts of {Length} tokens");
            double ours = 0, written = 0, torch = 0;
            for (var round = 0; round < Rounds; round++)
            {
                // Other texts each round: the engine keeps what it has read.
                int[][] texts = [.. Enumerable.Range(0, Texts).Select(text => Enumerable.Range(0, Length).Select(i => (int)((i * 7919L + (text + 1000L * round) * 104729L) % 2047)).ToArray())];
                var documents = Array.ConvertAll(texts, text => new TrainingDocument(text));
                double loss = 0, reference = 0, other = 0;
                ours = Math.Max(ours, await RateAsync(async () => loss = (await Task.WhenAll(texts.Select(text => engine.TokenLossesAsync(text, 1)))).SelectMany(losses => losses).Average(value => (double)value)));
                written = Math.Max(written, await RateAsync(() => Task.FromResult(reference = laned.Loss(documents))));
                torch = Math.Max(torch, await RateAsync(() => Task.FromResult(other = documents.Chunk(16).Average(autograd.Loss))));
                if (Math.Abs(loss - reference) > 1e-3 || Math.Abs(loss - other) > 1e-3)
                    throw new InvalidOperationException($"the losses differ: {loss}, {reference}, {other}");
            }
            Console.WriteLine(
                $"perplexity {ours:N0} tokens/s · the trainer's forward pass {written:N0}, ratio {ours / written:0.00} · through torch's operations {torch:N0}, ratio {ours / torch:0.00} (goal 0.70)");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<double> RateAsync(Func<Task<double>> read)
    {
        var clock = Stopwatch.StartNew();
        await read();
        return Texts * Length / clock.Elapsed.TotalSeconds;
    }
}
