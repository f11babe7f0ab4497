using System.Diagnostics;
using System.Globalization;
using System.Text;
using Agora.Students.Tokenization;

namespace Agora.Bench;

/// <summary>Loading, and encoding of English text on one core, beside Hugging Face's Rust tokenizers on the same file and texts; the ids are compared.</summary>
internal static class TokenizerSpeed
{
    private const double GoalMegabytes = 5;
    private const int Rounds = 3;

    /// <param name="files">Data sets whose sentences the texts are made of.</param>
    /// <param name="folders">With a tokenizer.json each; those of <see cref="TokenizerCases"/> are measured after them.</param>
    /// <returns>Whether all ids are equal and every rate reaches the goal.</returns>
    public static bool Measure(IReadOnlyList<string> files, IReadOnlyList<string> folders)
    {
        var texts = InstructionTexts.Draw(files, 10_000, seed: 1);
        var made = Directory.CreateTempSubdirectory("agora-tokenizer-").FullName;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{texts.Length} English texts, {Bytes(texts) / 1e6:F1} MB, one thread; best of {Rounds} rounds, each with a tokenizer loaded anew (its cache of words is empty); goal {GoalMegabytes} MB/s"));
        var good = true;
        foreach (var folder in folders.Concat(TokenizerCases.Write(made, texts.Take(2_000))))
            good &= Measure(texts, folder);
        Directory.Delete(made, recursive: true);
        return good;
    }

    private static bool Measure(string[] texts, string folder)
    {
        var path = Path.Combine(folder, Tokenizer.FileName);
        double ours = double.PositiveInfinity, theirs = double.PositiveInfinity, loaded = double.PositiveInfinity, theirsLoaded = double.PositiveInfinity;
        var (size, different) = (0, 0);
        for (var round = 0; round < Rounds; round++)
        {
            var clock = Stopwatch.StartNew();
            var tokenizer = Tokenizer.Load(folder);
            loaded = Math.Min(loaded, clock.Elapsed.TotalSeconds);
            size = tokenizer.VocabularySize;
            ours = Math.Min(ours, Time(texts, text => tokenizer.Encode(text, addSpecialTokens: true).Length));
            clock.Restart();
            using var peer = new Tokenizers.DotNet.Tokenizer(path);
            theirsLoaded = Math.Min(theirsLoaded, clock.Elapsed.TotalSeconds);
            theirs = Math.Min(theirs, Time(texts, text => peer.Encode(text).Length));
            if (round == 0)
                different = texts.Count(text => !tokenizer.Encode(text, addSpecialTokens: true).SequenceEqual(peer.Encode(text).Select(id => (int)id)));
        }
        var rate = Bytes(texts) / ours / 1e6;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{Path.GetFileName(folder),-16} {size,6} tokens: Agora {rate,5:F1} MB/s, tokenizers (Rust, through Tokenizers.DotNet) {Bytes(texts) / theirs / 1e6,5:F1} MB/s, ratio {theirs / ours,5:F2}{(rate < GoalMegabytes ? " MISSED" : "")}; loaded in {loaded:F2} and {theirsLoaded:F2} s{(different > 0 ? $"; {different} TEXTS ARE ENCODED DIFFERENTLY" : "")}"));
        return different == 0 && rate >= GoalMegabytes;
    }

    private static long Bytes(string[] texts) => texts.Sum(text => (long)Encoding.UTF8.GetByteCount(text));

    private static double Time(string[] texts, Func<string, int> encode)
    {
        long tokens = 0;
        var clock = Stopwatch.StartNew();
        foreach (var text in texts)
            tokens += encode(text);
        return tokens > 0 ? clock.Elapsed.TotalSeconds : throw new InvalidOperationException("no tokens");
    }
}
