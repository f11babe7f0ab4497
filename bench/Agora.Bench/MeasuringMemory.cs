using System.Diagnostics;
using Agora.Students.Inference;
using Agora.Tests.Inference;

namespace Agora.Bench;

/// <summary>Resident memory while a tiny model measures 10⁵ rows that come one after another, and while it writes 10,000 answers: both must stay flat.</summary>
internal static class MeasuringMemory
{
    private const int Chunk = 256;      // as DataSetMeasurement asks

    public static async Task MeasureAsync()
    {
        string model = Directory.CreateTempSubdirectory("agora-bench-").FullName, reward = Directory.CreateTempSubdirectory("agora-bench-").FullName;
        try
        {
            RandomModel.Write(model);
            RandomModel.Write(reward, RandomModel.Reward);
            using var engine = InferenceEngine.Load(model, Environment.ProcessorCount);
            using var scorer = InferenceEngine.Load(reward, Environment.ProcessorCount);
            var likelihood = new EmbeddedLikelihoodModel(engine, "Be brief.");
            var rewards = new EmbeddedRewardModel(scorer);
            var embeddings = new EmbeddedEmbeddings(engine);
            await RowsAsync("perplexities", async (chunk, sum) => sum + (await likelihood.TokenLossesAsync(chunk, CancellationToken.None)).Sum(losses => losses.Sum()));
            await RowsAsync("rewards", async (chunk, sum) => sum + (await rewards.ScoreAsync(chunk, CancellationToken.None)).Sum());
            await RowsAsync("embeddings", async (chunk, sum) => sum + (await embeddings.GenerateAsync(chunk.Select(pair => pair.Response))).Sum(vector => vector.Vector.Span[0]));
            await AnswersAsync(engine);
        }
        finally
        {
            Directory.Delete(model, recursive: true);
            Directory.Delete(reward, recursive: true);
        }
    }

    private static async Task RowsAsync(string what, Func<(string Instruction, string Response)[], double, Task<double>> measure)
    {
        var clock = Stopwatch.StartNew();
        var (rows, sum) = (0, 0.0);
        foreach (var chunk in Rows(100_000).Chunk(Chunk))
        {
            sum = await measure(chunk, sum);
            rows += chunk.Length;
            if (rows - chunk.Length < 10_000 && rows >= 10_000 || rows == 100_000)
                Console.WriteLine($"{what}: {rows:N0} rows, resident {Resident()} (sum {sum:0.0}, {rows / clock.Elapsed.TotalSeconds:N0} rows/s)");
        }
    }

    private static async Task AnswersAsync(InferenceEngine engine)
    {
        for (var done = 0; done < 10_000; done += 1000)
        {
            await Parallel.ForAsync(done, done + 1000, new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (i, stop) =>
                await engine.CompleteAsync([.. Enumerable.Range(0, 40).Select(k => (k * 7 + i * 13) % 250)], new SamplingParameters { Seed = i, TopP = 0.9, MaxTokens = 64, EndTokens = [] }, stop));
            var activity = engine.Activity;
            Console.WriteLine(
                $"answers: {done + 1000:N0}, resident {Resident()}, managed {GC.GetTotalMemory(forceFullCollection: true) / 1048576.0:0.0} MiB, cache pages {activity.CachePages} of {activity.CacheCapacity}, all shared {activity.CachePages == activity.SharedCachePages}");
        }
    }

    private static IEnumerable<(string Instruction, string Response)> Rows(int count)
    {
        string[] words = ["the", "cat", "sat", "on", "mat", "and", "dog", "log", "12", "30", "is", "42"];
        for (var i = 0; i < count; i++)
            yield return (Words(i, 4 + i % 5), Words(i * 7 + 3, 3 + i % 9));
        string Words(int salt, int length) => string.Join(' ', Enumerable.Range(0, length).Select(k => words[(int)((k * 31L + salt * 17L + (salt >> (k % 13))) % words.Length)]));
    }

    private static string Resident() => $"{Environment.WorkingSet / 1048576.0:0} MiB";
}
