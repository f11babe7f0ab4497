using System.Globalization;
using System.Text.Json.Nodes;
using Agora.Students.Tokenization;

namespace Agora.Tests.Tokenization;

/// <summary>What each character is to the reference, whose tables of Unicode are of several ages.</summary>
public sealed class ReferenceCharactersTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    public static TheoryData<string> Stages() =>
    [
        """{"pre_tokenizer":{"type":"Punctuation"}}""",
        """{"pre_tokenizer":{"type":"BertPreTokenizer"}}""",
        """{"pre_tokenizer":{"type":"Split","pattern":{"Regex":"[\\uFFFF\\uE000-\\uF8FF]"},"behavior":"Isolated","invert":false}}""",
        """{"pre_tokenizer":{"type":"Split","pattern":{"Regex":"[\\u4E00-\\uDFFF]"},"behavior":"Isolated","invert":false}}""",
        """{"normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":true,"lowercase":false}}""",
        """{"normalizer":{"type":"StripAccents"}}""",
        """{"normalizer":{"type":"NFC"}}""",
        """{"normalizer":{"type":"NFD"}}""",
        """{"normalizer":{"type":"NFKC"}}""",
        """{"normalizer":{"type":"NFKD"}}""",
    ];

    // Where categories changed between Unicode 8 and 16, and what stands around it.
    [Theory]
    [MemberData(nameof(Stages))]
    public void Characters_of_every_age_are_what_they_are_to_the_reference(string stage) =>
        Compare(stage, [0x00AD, 0x061D, 0x07FD, 0x0890, 0x08CA, 0x08E2, 0x0A76, 0x0C77, 0x166D, 0x1734, 0x180F, 0x1885, 0x1ACE, 0x2E43, 0x2E52, 0x301C, 0x32FF, 0x4E00, 0xA7F2, 0xA8C5, 0xAB69, 0xE000, 0xFDD0, 0xFFFF,
            0x10781, 0x10EAD, 0x110CD, 0x11938, 0x1D4A1, 0x1D7CE, 0x1E944, 0x1F16C, 0x1F600, 0x1FBF0, 0x20000, 0xE0001, 0x10FFFF]);

    [Theory]
    [Trait("Category", "Nightly")]
    [MemberData(nameof(Stages))]
    public void Every_character_is_what_it_is_to_the_reference(string stage) => Compare(stage, Enumerable.Range(1, 0x1FFFF).Concat(Enumerable.Range(0x2F800, 0x220)).Concat(Enumerable.Range(0xE0000, 0x200)));

    private void Compare(string stage, IEnumerable<int> points)
    {
        Write(stage);
        var ours = Tokenizer.Load(folder.Path);
        using var theirs = new Tokenizers.DotNet.Tokenizer(folder.File("tokenizer.json"));
        // By itself, and between marks that go before others or after them.
        var different = points.Where(point => point is < 0xD800 or > 0xDFFF).Where(point => char.ConvertFromUtf32(point) is var text
            && ((string[])[$"{text}a{text}b", $"a\u0345{text}\u0334b", $"a{text}\u0323{text}"]).Any(given =>
                !theirs.Encode(given).Select(id => (int)id).SequenceEqual(ours.Encode(given, addSpecialTokens: true)))).ToList();
        Assert.True(different.Count == 0, $"{different.Count} differ: " + string.Join(' ', different.Take(200).Select(point => point.ToString("X", CultureInfo.InvariantCulture))));
    }

    // Every byte is a token, and another one where it begins a piece, so that pieces show in the ids.
    private void Write(string stage)
    {
        var vocabulary = new JsonObject();
        foreach (var mark in (string[])["", "#"])
            for (var value = 0; value < 256; value++)
                vocabulary.Add(mark + ByteAlphabet.CharacterOf((byte)value), vocabulary.Count);
        var file = JsonNode.Parse(stage)!.AsObject();
        var bytes = JsonNode.Parse("""{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":false,"use_regex":false}""");
        file["pre_tokenizer"] = file["pre_tokenizer"] is { } first ? new JsonObject { ["type"] = "Sequence", ["pretokenizers"] = new JsonArray(first.DeepClone(), bytes) } : bytes;
        file["version"] = "1.0";
        file["added_tokens"] = new JsonArray();
        file["model"] = new JsonObject { ["type"] = "BPE", ["continuing_subword_prefix"] = "#", ["vocab"] = vocabulary, ["merges"] = new JsonArray() };
        File.WriteAllText(folder.File("tokenizer.json"), file.ToJsonString());
    }
}
