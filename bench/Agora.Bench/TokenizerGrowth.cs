using System.Diagnostics;
using System.Globalization;
using System.Text;
using Agora.Students.Tokenization;

namespace Agora.Bench;

/// <summary>Time of encoding texts made to be hard, beside Hugging Face's Rust tokenizers: four times the text must not take much more than four times as long.</summary>
internal static class TokenizerGrowth
{
    private const int Short = 250_000, Long = 4 * Short;
    // Merging is n log n, and clocks of short times are rough; what is quadratic takes 16 times as long.
    private const double MostGrowth = 8;
    // Below this nobody waits, and the clock tells nothing.
    private const double Noticed = 0.2;

    private static readonly (string Name, Func<int, int, string> Text)[] Texts =
    [
        ("one letter", (length, _) => new string('a', length)),
        ("spaces", (length, _) => new string(' ', length)),
        ("line breaks", (length, _) => new string('\n', length)),
        ("digits", (length, seed) => Drawn(length, seed, random => (char)('0' + random.Next(10)))),
        ("ab", (length, _) => Repeated("ab", length)),
        ("capitals", (length, _) => Repeated("Aa", length)),
        ("signs", (length, seed) => Drawn(length, seed, random => "!?.,-/"[random.Next(6)])),
        ("letters", (length, seed) => Drawn(length, seed, random => (char)('a' + random.Next(26)))),
        ("marks", (length, _) => Repeated("\u0301\u0323", length)),
        ("letter, marks", (length, _) => Repeated("e\u0301\u0323", length)),
        ("emoji", (length, _) => Repeated("👩\u200d", length)),
        ("ideographs", (length, seed) => Drawn(length, seed, random => (char)('\u4E00' + random.Next(2000)))),
        ("any bytes", (length, seed) => Drawn(length, seed, random => (char)random.Next(256))),
        ("any characters", (length, seed) => Drawn(length, seed, random => (char)random.Next(0xD800))),
        ("broken markup", (length, _) => Repeated("<|eot_id|<", length)),
    ];

    /// <param name="files">Data sets that <see cref="TokenizerCases"/> learn their vocabularies from.</param>
    /// <param name="folders">With a tokenizer.json each; those of the cases are measured after them.</param>
    /// <returns>Whether all kept to the limit.</returns>
    public static bool Measure(IReadOnlyList<string> files, IReadOnlyList<string> folders)
    {
        var made = Directory.CreateTempSubdirectory("agora-tokenizer-").FullName;
        var good = true;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Short:N0} and {Long:N0} units of UTF-16, one thread, seconds of the longer one, and how many times as long as the shorter it takes (limit {MostGrowth}, above {Noticed} s)"));
        foreach (var folder in folders.Concat(TokenizerCases.Write(made, InstructionTexts.Draw(files, 2_000, seed: 1))))
        {
            var ours = Tokenizer.Load(folder);
            using var theirs = new Tokenizers.DotNet.Tokenizer(Path.Combine(folder, Tokenizer.FileName));
            var kept = true;
            foreach (var (name, text) in Texts)
            {
                var (seconds, growth) = Grow(text, given => ours.Encode(given, addSpecialTokens: true).Length);
                var (peer, peerGrowth) = Grow(text, given => theirs.Encode(given).Length);
                var holds = growth <= MostGrowth || seconds < Noticed;
                kept &= holds;
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(folder),-16} {name,-15} Agora {seconds,6:F2} s, x {growth,4:F1}   tokenizers (Rust) {peer,6:F2} s, x {peerGrowth,4:F1}{(holds ? "" : "   MISSED")}"));
            }
            good &= kept;
        }
        Directory.Delete(made, recursive: true);
        return good;
    }

    private static (double Seconds, double Growth) Grow(Func<int, int, string> text, Func<string, int> encode)
    {
        encode(text(Short / 100, 0));
        // Never one text twice: its words would be known.
        var (small, large) = (Math.Min(Seconds(text(Short, 1), encode), Seconds(text(Short, 2), encode)), Math.Min(Seconds(text(Long, 3), encode), Seconds(text(Long, 4), encode)));
        return (large, large / small);
    }

    private static double Seconds(string text, Func<string, int> encode)
    {
        var clock = Stopwatch.StartNew();
        encode(text);
        return clock.Elapsed.TotalSeconds;
    }

    private static string Repeated(string part, int length) => new StringBuilder().Insert(0, part, length / part.Length).ToString();

    private static string Drawn(int length, int seed, Func<Random, char> draw)
    {
        var random = new Random(seed);
        return string.Create(length, random, (text, source) =>
        {
            foreach (ref var character in text)
                character = draw(source);
        });
    }
}
