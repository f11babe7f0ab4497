using Agora.Experiments;
using Agora.Students.Tokenization;

namespace Agora.Tests.Tokenization;

public sealed class BertVocabularyFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_vocabulary_that_would_fill_the_memory_is_refused() =>
        Assert.Contains("has 1025 characters", Assert.Throws<AgoraException>(() => Read(new BertRules(true, true, true), "[UNK]", "[CLS]", "[SEP]", new string('a', 1025))).What, StringComparison.Ordinal);

    // Punctuation and marks are those of the reference's tables, and a letter in lower case may be two characters.
    [Theory]
    [InlineData("a\u061Da", false, new[] { 5 })]
    [InlineData("a\u07FD", true, new[] { 6 })]
    [InlineData("İ", false, new[] { 4 })]
    [InlineData("a,a", true, new[] { 3, 7, 3 })]
    public void Characters_are_what_they_are_to_the_reference(string text, bool stripsAccents, int[] ids) =>
        Assert.Equal(ids, Read(new BertRules(true, stripsAccents, true), "[UNK]", "[CLS]", "[SEP]", "a", "i\u0307", "a\u061Da", "a\u07FD", ",").Encode(text, addSpecialTokens: false));

    [Fact]
    public void Lines_end_as_in_Python()
    {
        File.WriteAllText(folder.File("vocab.txt"), "[UNK]\r\n[CLS]\n[SEP]\r\u2028\na\n\n");
        var tokenizer = BertVocabularyFile.Read(folder.File("vocab.txt"), new BertRules(true, true, true));
        Assert.Equal([1, 4, 2], tokenizer.Encode("a", addSpecialTokens: true));
        Assert.Equal("\u2028", tokenizer.TokenText(3));
    }

    private Tokenizer Read(BertRules rules, params string[] tokens)
    {
        File.WriteAllLines(folder.File("vocab.txt"), tokens);
        return BertVocabularyFile.Read(folder.File("vocab.txt"), rules);
    }
}
