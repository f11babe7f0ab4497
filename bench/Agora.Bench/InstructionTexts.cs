using System.IO.Compression;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Agora.Bench;

/// <summary>As many instructions as wanted, of real lengths and real words: sentences of real instructions, drawn anew until each is as long as a real one.</summary>
internal static partial class InstructionTexts
{
    private static readonly string[] Columns = ["instruction", "question", "problem", "prompt", "text"];

    /// <param name="files">JSON lines or arrays, each also with .gz, with a column named like the instruction of a usual data set.</param>
    public static string[] Draw(IReadOnlyList<string> files, int count, int seed)
    {
        string[] real = [.. files.SelectMany(Rows).Select(row => Columns.Select(column => row.TryGetProperty(column, out var text) ? text.GetString() : null).First(text => text is not null)!)];
        string[] sentences = [.. real.SelectMany(text => SentenceEnd().Split(text)).Where(sentence => sentence.Length > 0)];
        var random = new Random(seed);
        var texts = new string[count];
        for (var i = 0; i < count; i++)
        {
            // One in twenty is close to an earlier one, as generators' instructions are: a word in six is another.
            if (i > 0 && random.Next(20) == 0)
            {
                texts[i] = string.Join(' ', texts[random.Next(i)].Split(' ').Select(word => random.Next(6) == 0 ? Word() : word));
                continue;
            }
            var wanted = real[random.Next(real.Length)].Length;
            texts[i] = Sentence();
            while (texts[i].Length < wanted) texts[i] += " " + Sentence();
        }
        random.Shuffle(texts);
        return texts;

        string Sentence() => sentences[random.Next(sentences.Length)];

        string Word() => Sentence().Split(' ')[0];
    }

    private static IEnumerable<JsonElement> Rows(string file)
    {
        using var raw = File.OpenRead(file);
        using Stream plain = file.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(raw, CompressionMode.Decompress) : raw;
        using var reader = new StreamReader(plain);
        var text = reader.ReadToEnd();
        return text.TrimStart().StartsWith('[')
            ? [.. JsonDocument.Parse(text).RootElement.EnumerateArray()]
            : [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];
    }

    [GeneratedRegex(@"(?<=[.?!])\s+")]
    private static partial Regex SentenceEnd();
}
