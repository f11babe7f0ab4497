using System.Text;
using Agora.Students.Tokenization;
using CsCheck;

namespace Agora.Tests.Tokenization;

public sealed class CanonicalNormalizationTests
{
    // From UAX #15: composed and decomposed letters, two marks in either order, Hangul, a singleton, an excluded composition, a blocked mark.
    [Theory]
    [InlineData("e\u0301", "é", "e\u0301")]
    [InlineData("é", "é", "e\u0301")]
    [InlineData("s\u0307\u0323", "ṩ", "s\u0323\u0307")]
    [InlineData("ṩ", "ṩ", "s\u0323\u0307")]
    [InlineData("\u1112\u1161\u11ab", "한", "\u1112\u1161\u11ab")]
    [InlineData("가\u11a8", "각", "\u1100\u1161\u11a8")]
    [InlineData("\u212b", "Å", "A\u030a")]
    [InlineData("\u0958", "\u0915\u093c", "\u0915\u093c")]
    [InlineData("a\u0305\u0301", "a\u0305\u0301", "a\u0305\u0301")]
    [InlineData("\U0001D15F", "\U0001D158\U0001D165", "\U0001D158\U0001D165")]
    [InlineData("plain", "plain", "plain")]
    public void Both_forms_are_those_of_the_standard(string text, string composed, string decomposed)
    {
        Assert.Equal(composed, CanonicalNormalization.Compose(text));
        Assert.Equal(decomposed, CanonicalNormalization.Decompose(text));
    }

    [Fact]
    public void Composing_what_was_decomposed_changes_nothing() =>
        Gen.Int[0, 0x2FFFF].Where(point => point is < 0xD800 or > 0xDFFF).Array[1, 6].Select(points => string.Concat(points.Select(char.ConvertFromUtf32))).Sample(text =>
        {
            var composed = CanonicalNormalization.Compose(text);
            return CanonicalNormalization.Compose(CanonicalNormalization.Decompose(text)) == composed
                && CanonicalNormalization.Compose(composed) == composed
                && CanonicalNormalization.Decompose(composed) == CanonicalNormalization.Decompose(text);
        }, iter: 5000);
}
