using Agora.Experiments;
using Agora.Students.Tokenization;

namespace Agora.Tests.Tokenization;

public sealed class WordPiecesTests
{
    [Fact]
    public void A_vocabulary_that_would_fill_the_memory_is_refused() =>
        Assert.Contains("has 1025 characters", Assert.Throws<AgoraException>(() => new WordPieces(["[UNK]", "[CLS]", "[SEP]", new string('a', 1025)], new BertRules(true, true, true), "test")).What, StringComparison.Ordinal);

    // Punctuation and marks are those of the reference's tables, and a letter in lower case may be two characters.
    [Theory]
    [InlineData("a\u061Da", false, new[] { 5 })]
    [InlineData("a\u07FD", true, new[] { 6 })]
    [InlineData("İ", false, new[] { 4 })]
    [InlineData("a,a", true, new[] { 3, 7, 3 })]
    public void Characters_are_what_they_are_to_the_reference(string text, bool stripsAccents, int[] ids) =>
        Assert.Equal(ids, new WordPieces(["[UNK]", "[CLS]", "[SEP]", "a", "i\u0307", "a\u061Da", "a\u07FD", ","], new BertRules(true, stripsAccents, true), "test").Encode(text));
}
