using System.Text.Json;
using Agora.Students.Tokenization;

namespace Agora.Tests.Tokenization;

/// <summary>Every case of the conformance data: ids and texts as the reference gives them.</summary>
public sealed class TokenizerConformanceTests
{
    [Fact]
    public void Every_text_is_encoded_as_by_the_reference() => CheckEach("encode", (tokenizer, expected) =>
    {
        var text = expected.GetProperty("text").GetString()!;
        Assert.Equal(Ids(expected, "ids_no_special"), tokenizer.Encode(text, addSpecialTokens: false));
        Assert.Equal(Ids(expected, "ids"), tokenizer.Encode(text, addSpecialTokens: true));
    });

    [Theory]
    [InlineData("encode")]
    [InlineData("decode")]
    public void Every_list_of_ids_is_decoded_as_by_the_reference(string part) => CheckEach(part, (tokenizer, expected) =>
    {
        var ids = Ids(expected, "ids");
        Assert.Equal(expected.GetProperty("decoded").GetString(), tokenizer.Decode(ids, skipSpecialTokens: false));
        Assert.Equal(expected.GetProperty("decoded_skip_special").GetString(), tokenizer.Decode(ids, skipSpecialTokens: true));
    });

    [Theory]
    [InlineData("encode")]
    [InlineData("decode")]
    public void Streaming_gives_the_same_text_and_never_half_a_character(string part) => CheckEach(part, (tokenizer, expected) =>
    {
        var decoder = new StreamingDecoder(tokenizer, skipSpecialTokens: false);
        var chunks = Ids(expected, "ids").Select(decoder.Add).ToList();
        chunks.Add(decoder.Complete());
        Assert.Equal(expected.GetProperty("decoded").GetString(), string.Concat(chunks));
        Assert.DoesNotContain(chunks, chunk => chunk.Length > 0 && (char.IsHighSurrogate(chunk[^1]) || char.IsLowSurrogate(chunk[0])));
    });

    private static int[] Ids(JsonElement expected, string name) => [.. expected.GetProperty(name).EnumerateArray().Select(id => id.GetInt32())];

    private static void CheckEach(string part, Action<Tokenizer, JsonElement> check)
    {
        var files = Directory.GetFiles(Fixtures.Part("llm", "tokenizers"), "*.cases.json");
        Assert.NotEmpty(files);
        foreach (var file in files)
        {
            using var cases = JsonDocument.Parse(File.ReadAllBytes(file));
            var name = cases.RootElement.GetProperty("tokenizer").GetString()!;
            var tokenizer = Tokenizer.Load(Path.Combine(Path.GetDirectoryName(file)!, name));
            Assert.Equal(cases.RootElement.GetProperty("total_ids").GetInt32(), tokenizer.VocabularySize);
            foreach (var expected in cases.RootElement.GetProperty(part).EnumerateArray())
                try
                {
                    check(tokenizer, expected);
                }
                catch (Exception failure) when (failure is Xunit.Sdk.XunitException)
                {
                    throw new Xunit.Sdk.XunitException($"{name}, case {expected.GetProperty("id")}: {failure.Message}", failure);
                }
        }
    }
}
