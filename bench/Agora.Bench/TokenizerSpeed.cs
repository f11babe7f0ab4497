using System.Diagnostics;
using System.Globalization;
using System.Text;
using Agora.Students.Tokenization;

namespace Agora.Bench;

/// <summary>Encoding of English text on one core, beside Hugging Face's Rust tokenizers on the same file and texts; the ids are compared.</summary>
internal static class TokenizerSpeed
{
    private const double GoalMegabytes = 5;
    private const int Rounds = 3;

    /// <param name="files">Data sets whose sentences the texts are made of.</param>
    /// <param name="folders">With a tokenizer.json each; one of 4,000 tokens is trained beside them.</param>
    /// <returns>Whether all ids are equal and every rate reaches the goal.</returns>
    public static bool Measure(IReadOnlyList<string> files, IReadOnlyList<string> folders)
    {
        var texts = InstructionTexts.Draw(files, 10_000, seed: 1);
        var bytes = texts.Sum(text => (long)Encoding.UTF8.GetByteCount(text));
        var trained = Directory.CreateTempSubdirectory("agora-tokenizer-").FullName;
        BytePairTrainer.Train(texts.Take(2_000), 4_000, TrainedTokenizer.ChatTokens).Save(trained, 4096);
        var good = true;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{texts.Length} English texts, {bytes / 1e6:F1} MB, one thread; best of {Rounds} rounds, each with a tokenizer loaded anew (its cache of words is empty)"));
        foreach (var folder in folders.Append(trained))
        {
            var path = Path.Combine(folder, Tokenizer.FileName);
            double ours = double.PositiveInfinity, theirs = double.PositiveInfinity;
            var size = 0;
            for (var round = 0; round < Rounds; round++)
            {
                var tokenizer = Tokenizer.Load(folder);
                size = tokenizer.VocabularySize;
                ours = Math.Min(ours, Time(texts, text => tokenizer.Encode(text, addSpecialTokens: true).Length));
                var peer = new Tokenizers.DotNet.Tokenizer(path);
                theirs = Math.Min(theirs, Time(texts, text => peer.Encode(text).Length));
                if (round == 0)
                {
                    var different = texts.Count(text => !tokenizer.Encode(text, addSpecialTokens: true).SequenceEqual(peer.Encode(text).Select(id => (int)id)));
                    if (different > 0)
                        Console.WriteLine($"  {different} texts are encoded differently");
                    good &= different == 0;
                }
            }
            good &= bytes / ours / 1e6 >= GoalMegabytes;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{(folder == trained ? "trained here" : Path.GetFileName(folder)),-16} {size,6} tokens: Agora {bytes / ours / 1e6,5:F1} MB/s, tokenizers (Rust, through Tokenizers.DotNet) {bytes / theirs / 1e6,5:F1} MB/s, ratio {theirs / ours:F2}, goal {GoalMegabytes} MB/s"));
        }
        Directory.Delete(trained, recursive: true);
        return good;
    }

    private static double Time(string[] texts, Func<string, int> encode)
    {
        long tokens = 0;
        var clock = Stopwatch.StartNew();
        foreach (var text in texts)
            tokens += encode(text);
        return tokens > 0 ? clock.Elapsed.TotalSeconds : throw new InvalidOperationException("no tokens");
    }
}
