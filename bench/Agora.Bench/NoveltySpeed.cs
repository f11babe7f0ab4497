using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Agora.DataGeneration.Filters;

namespace Agora.Bench;

/// <summary>Exact ROUGE-L novelty of 10,000 new instructions against 10,000 and 100,000 kept ones, beside the plain programme in Python; then MinHash over 100,000.</summary>
/// <remarks>The peer compares as many of the same new instructions with 400 of the kept ones as it can in its time; its verdicts are held against ours and its time is extrapolated to all pairs.</remarks>
internal static class NoveltySpeed
{
    private const double Threshold = 0.7;
    private const int New = 10_000, Kept = 10_000, KeptMany = 100_000, PeerKept = 400, PeerSeconds = 30;

    /// <param name="files">Real instructions; see <see cref="InstructionTexts"/>.</param>
    public static async Task<bool> MeasureAsync(IReadOnlyList<string> files)
    {
        var texts = InstructionTexts.Draw(files, New + KeptMany, seed: 1);
        var lengths = texts.Select(text => RougeWords.Of(text).Count).Order().ToArray();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"instructions of {lengths[lengths.Length / 10]}, {lengths[lengths.Length / 2]}, {lengths[lengths.Length * 9 / 10]} words (10th, 50th, 90th of 100)"));
        Novelty(texts[..1000], texts[1000..2000]);      // warm

        var (few, fewSeconds) = Novelty(texts[..New], texts[New..(New + Kept)]);
        var good = Report("novelty, 10,000 kept", fewSeconds, 3, few);
        var (many, manySeconds) = Novelty(texts[..New], texts[New..]);
        good &= Report("novelty, 100,000 kept", manySeconds, 60, many);

        // The peer's sample: rejected ones first, so that both verdicts are held against its own.
        var sampleKept = texts[New..(New + PeerKept)];
        var ours = Novelty(texts[..New], sampleKept).Verdicts;
        int[] sample = [.. Enumerable.Range(0, New).OrderBy(i => ours[i] is null).GroupBy(i => ours[i] is null).SelectMany(group => group.Take(100)).Index().OrderBy(entry => entry.Index % 100).Select(entry => entry.Item)];
        var peer = await PeerAsync([.. sample.Select(i => texts[i])], sampleKept);
        var same = peer.Verdicts.Zip(sample).All(pair => pair.First == ours[pair.Second]);
        var all = peer.Seconds / peer.Pairs * New * Kept;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"plain programme in Python: {peer.Pairs:N0} pairs in {peer.Seconds:0.0} s, all pairs of 10,000 × 10,000 in {all:N0} s: {all / fewSeconds:N0} × ours"));
        Console.WriteLine($"verdicts of {peer.Verdicts.Length} instructions, {peer.Verdicts.Count(verdict => verdict is not null)} of them rejected: {(same ? "identical" : "DIFFER")}");

        var clock = Stopwatch.StartNew();
        var near = MinHash(texts[..100_000]);
        good &= Report("MinHash, 100,000 instances", clock.Elapsed.TotalSeconds, 20, near);
        return good && same;
    }

    private static (SimilarText?[] Verdicts, double Seconds) Novelty(string[] texts, string[] kept)
    {
        var clock = Stopwatch.StartNew();
        var index = new NoveltyIndex(Threshold);
        foreach (var text in kept) index.Add(index.Read(text));
        var read = texts.Select(index.Read).ToArray();
        var verdicts = new SimilarText?[texts.Length];
        Parallel.For(0, texts.Length, i => verdicts[i] = index.Find(read[i]));
        return (verdicts, clock.Elapsed.TotalSeconds);
    }

    private static object?[] MinHash(string[] texts)
    {
        var index = new MinHashIndex(0.8, 3);
        var read = new ShingledText[texts.Length];
        Parallel.For(0, texts.Length, i => read[i] = index.Read(texts[i]));
        return [.. read.Select(text =>
        {
            object? found = index.Find(text);
            if (found is null) index.Add(text);
            return found;
        })];
    }

    private static bool Report<T>(string name, double seconds, double wanted, IReadOnlyCollection<T> verdicts)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{name,-28} {seconds,8:0.00} s   goal <= {wanted:0} s   {(seconds <= wanted ? "within" : "OVER")}   {verdicts.Count(verdict => verdict is not null)} rejected"));
        return seconds <= wanted;
    }

    private static async Task<(long Pairs, double Seconds, SimilarText?[] Verdicts)> PeerAsync(string[] texts, string[] kept)
    {
        var script = Path.Combine(AppContext.BaseDirectory, "rouge_l_peer.py");
        using var python = Process.Start(new ProcessStartInfo("python3", [script]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        await JsonSerializer.SerializeAsync(python.StandardInput.BaseStream, new { @new = texts, kept, threshold = Threshold, seconds = PeerSeconds });
        python.StandardInput.Close();
        var answer = JsonDocument.Parse(await python.StandardOutput.ReadToEndAsync()).RootElement;
        return (answer.GetProperty("pairs").GetInt64(), answer.GetProperty("seconds").GetDouble(), [.. answer.GetProperty("verdicts").EnumerateArray()
            .Select(verdict => verdict[0].ValueKind == JsonValueKind.Null ? default(SimilarText?) : new SimilarText(verdict[1].GetInt32(), verdict[0].GetDouble()))]);
    }
}
