using System.Text.Json;
using Agora.DataGeneration.Filters;
using Agora.Experiments;

namespace Agora.Tests.DataGeneration.Filters;

public sealed class TextLanguagesTests
{
    // The first article of the Universal Declaration of Human Rights, as the United Nations publish it.
    public static TheoryData<WrittenLanguage, string> Declarations => new()
    {
        { WrittenLanguage.English, "All human beings are born free and equal in dignity and rights. They are endowed with reason and conscience and should act towards one another in a spirit of brotherhood." },
        { WrittenLanguage.German, "Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft und Gewissen begabt und sollen einander im Geist der Brüderlichkeit begegnen." },
        { WrittenLanguage.French, "Tous les êtres humains naissent libres et égaux en dignité et en droits. Ils sont doués de raison et de conscience et doivent agir les uns envers les autres dans un esprit de fraternité." },
        { WrittenLanguage.Spanish, "Todos los seres humanos nacen libres e iguales en dignidad y derechos y, dotados como están de razón y conciencia, deben comportarse fraternalmente los unos con los otros." },
        { WrittenLanguage.Italian, "Tutti gli esseri umani nascono liberi ed eguali in dignità e diritti. Essi sono dotati di ragione e di coscienza e devono agire gli uni verso gli altri in spirito di fratellanza." },
        { WrittenLanguage.Portuguese, "Todos os seres humanos nascem livres e iguais em dignidade e em direitos. Dotados de razão e de consciência, devem agir uns para com os outros em espírito de fraternidade." },
        { WrittenLanguage.Dutch, "Alle mensen worden vrij en gelijk in waardigheid en rechten geboren. Zij zijn begiftigd met verstand en geweten, en behoren zich jegens elkander in een geest van broederschap te gedragen." },
        { WrittenLanguage.Polish, "Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw. Są oni obdarzeni rozumem i sumieniem i powinni postępować wobec innych w duchu braterstwa." },
        { WrittenLanguage.Russian, "Все люди рождаются свободными и равными в своем достоинстве и правах. Они наделены разумом и совестью и должны поступать в отношении друг друга в духе братства." },
        { WrittenLanguage.Chinese, "人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心,并应以兄弟关系的精神相对待。" },
        { WrittenLanguage.Japanese, "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。" },
        { WrittenLanguage.Korean, "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다." },
    };

    [Theory]
    [MemberData(nameof(Declarations))]
    public void A_paragraph_is_told(WrittenLanguage language, string text) => Assert.Equal(language, TextLanguages.Of(text));

    [Theory]
    [InlineData("42")]
    [InlineData("")]
    [InlineData("Too short to tell.")]
    [InlineData("```python\ndef longest_common_subsequence(first, second):\n    return sorted(first)\n```")]
    [InlineData("$\\left( \\begin{array}{ccc} \\cos (x-y) & -\\cos (x-y) & 0 \\end{array} \\right)$ and more of it")]
    [InlineData("\\[ \\int_0^\\infty \\frac{\\operatorname{something very long here}}{\\mathrm{denominator of it all}} \\]")]
    public void Code_formulas_and_short_texts_are_not_told(string text) => Assert.Null(TextLanguages.Of(text));

    // Public seed data is in English; a detector that took formulas for Swedish would turn good instances away.
    [Fact]
    public void Public_seed_data_is_english_or_not_told()
    {
        var told = new List<WrittenLanguage>();
        foreach (var file in Directory.EnumerateFiles(Fixtures.Part("seeds"), "*.json"))
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(file));
            foreach (var text in document.RootElement.EnumerateArray().SelectMany(row => row.EnumerateObject()).Where(member => member.Value.ValueKind == JsonValueKind.String))
                if (TextLanguages.Of(text.Value.GetString()!) is { } language)
                    told.Add(language);
        }
        Assert.True(told.Count > 200, $"{told.Count}");
        Assert.InRange(told.Count(language => language != WrittenLanguage.English), 0, told.Count / 100);
    }
}
