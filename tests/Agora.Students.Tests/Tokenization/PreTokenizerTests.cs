using System.Text.Json;
using System.Text.Json.Nodes;
using Agora.Students.Tokenization;

namespace Agora.Tests.Tokenization;

/// <summary>Expected values are those of Hugging Face's Rust tokenizers 0.22 (through Tokenizers.DotNet), which `Agora.Bench tokenizer` also compares ids with.</summary>
public sealed class PreTokenizerTests
{
    [Theory]
    [InlineData("""{"type":"WhitespaceSplit"}""", " a-b  c\n", "a-b|c")]
    [InlineData("""{"type":"Whitespace"}""", "it's 3.5 x\u200dy", "it|'|s|3|.|5|x\u200dy")]
    [InlineData("""{"type":"Punctuation"}""", "a--b $c。", "a|-|-|b |$|c|。")]
    [InlineData("""{"type":"Punctuation","behavior":"Contiguous"}""", "a--b", "a|--|b")]
    [InlineData("""{"type":"Punctuation","behavior":"MergedWithPrevious"}""", "a-b!", "a-|b!")]
    [InlineData("""{"type":"BertPreTokenizer"}""", "Hey, you  there.", "Hey|,|you|there|.")]
    [InlineData("""{"type":"CharDelimiterSplit","delimiter":"-"}""", "a-b--c", "a|b|c")]
    public void Each_kind_cuts_as_the_reference_does(string description, string text, string pieces)
    {
        var cut = TokenizerStages.PreTokenizer(new JsonAt(JsonDocument.Parse(description).RootElement, "test", "pre_tokenizer")).Apply(TextPieces.Whole(text, atStart: true));
        Assert.Equal(pieces.Split('|'), cut.Ranges.Select(range => cut.Text.Substring(range.Start, range.Length)));
    }

    [Theory]
    [InlineData("NFKC", "ﬁ Å ｆ ① ẛ̣", "fi Å f 1 ṩ")]
    [InlineData("NFKD", "ﬁ é ²", "fi e\u0301 2")]
    [InlineData("NFKC", "한\u2002x", "한 x")]
    [InlineData("Lowercase", "ΑΣ İ", "ας i\u0307")]
    public void Each_normal_form_is_the_references(string form, string text, string expected)
    {
        var normalizer = TokenizerStages.Normalizer(new JsonAt(JsonSerializer.SerializeToElement(new { type = form }), "test", "normalizer"));
        // The reference goes letter by letter: a sigma that ends a word stays the common one.
        Assert.Equal(expected.Replace('ς', 'σ'), normalizer.Apply(text));
    }

    [Theory]
    [InlineData("BertProcessing")]
    [InlineData("RobertaProcessing")]
    public void A_processor_of_the_BERT_family_puts_its_tokens_around_the_text(string type)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("tokenizer.json"), new JsonObject
        {
            ["model"] = JsonNode.Parse("""{"vocab":{"a":0,"<s>":1,"</s>":2},"merges":[]}"""),
            ["post_processor"] = new JsonObject { ["type"] = type, ["cls"] = new JsonArray("<s>", 1), ["sep"] = new JsonArray("</s>", 2) },
        }.ToJsonString());
        var tokenizer = Tokenizer.Load(folder.Path);
        Assert.Equal([1, 0, 2], tokenizer.Encode("a", addSpecialTokens: true));
        Assert.Equal([0], tokenizer.Encode("a", addSpecialTokens: false));
    }

    // Without an unknown token it vanishes, and what it stood between is merged.
    [Fact]
    public void A_character_that_is_dropped_leaves_its_neighbours_side_by_side()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("tokenizer.json"), """{"model":{"vocab":{"▁":0,"▁▁":1,"a":2},"merges":["▁ ▁"]}}""");
        Assert.Equal([1], Tokenizer.Load(folder.Path).Encode("▁é▁", addSpecialTokens: false));
    }
}
