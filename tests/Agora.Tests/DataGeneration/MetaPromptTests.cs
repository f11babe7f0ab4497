using Agora.DataGeneration;
using Agora.Experiments;
using CsCheck;

namespace Agora.Tests.DataGeneration;

public sealed class MetaPromptTests
{
    private static readonly Setting InstanceGeneration = new(Domain.Math, GenerationMethod.InstanceGeneration);
    private static readonly Setting ResponseGeneration = new(Domain.Math, GenerationMethod.ResponseGeneration);
    private static readonly Setting QualityEnhancement = new(Domain.Math, GenerationMethod.QualityEnhancement);

    [Fact]
    public void Demonstrations_theme_and_opening_words_fill_their_placeholders() =>
        Assert.Equal("sums: 1+1? = 2 / 2+2? = 4. Begin with How. OUTPUT:", Parse(InstanceGeneration, "<input_theme>: <input1> = <output1> / <input2> = <output2>. Begin with <first_word>. OUTPUT:").Render(
            new PromptContent { Demonstrations = [new("1+1?", "2"), new("2+2?", "4")], Theme = "sums", OpeningWords = "How" }));

    [Fact]
    public void The_seed_at_hand_fills_input_and_output() =>
        Assert.Equal("q / a Revised Answer:", Parse(QualityEnhancement, "<input> / <output> Revised Answer:").Render(new PromptContent { Instruction = "q", Response = "a" }));

    // Seeds are web text: one that speaks of <output1> must not pull another demonstration into itself.
    [Fact]
    public void Text_that_was_filled_in_is_not_searched_for_placeholders() =>
        Assert.Equal("<output1> <first_word> | r OUTPUT:", Parse(InstanceGeneration, "<input1> | <output1> OUTPUT:").Render(
            new PromptContent { Demonstrations = [new("<output1> <first_word>", "r")] }));

    [Fact]
    public void The_json_variant_shows_texts_as_json_strings() =>
        Assert.Equal("""{"instruction": "say \"é\"\n", "response": "\\frac"}""",
            MetaPrompt.Parse("""{"instruction": <input>, "response": <output>}""", QualityEnhancement, MetaPromptVariant.JsonFormat, "t")
                .Render(new PromptContent { Instruction = "say \"é\"\n", Response = "\\frac" }));

    [Fact]
    public void Quotes_that_a_json_template_writes_itself_are_not_doubled() =>
        Assert.Equal("""{"instruction": "say \"x\""}""",
            MetaPrompt.Parse("""{"instruction": "<input>"}""", ResponseGeneration, MetaPromptVariant.JsonFormat, "t").Render(new PromptContent { Instruction = "say \"x\"" }));

    [Fact]
    public void What_a_json_template_shows_is_json_whatever_the_text() =>
        Gen.String.Where(text => !text.Any(char.IsSurrogate)).Sample(text =>
            System.Text.Json.JsonDocument.Parse(MetaPrompt.Parse("""{"instruction": <input>}""", ResponseGeneration, MetaPromptVariant.JsonFormat, "t")
                .Render(new PromptContent { Instruction = text })).RootElement.GetProperty("instruction").GetString() == text);

    [Theory]
    [InlineData("instance_generation", "INPUT: <input1>", "it lacks <output1>; it lacks the trigger \"OUTPUT:\"")]
    [InlineData("instance_generation", "<input1> <output1> <input3> <output3> OUTPUT:", "it lacks <input2>, <output2>")]
    [InlineData("instance_generation", "OUTPUT:", "it lacks <input1>, <output1>")]
    [InlineData("instance_generation", "<input1> <output1> <input> OUTPUT:", "instance_generation has nothing to fill <input> with")]
    [InlineData("response_generation", "Answer.", "it lacks <input>")]
    [InlineData("response_generation", "<input> <first_word>", "response_generation has nothing to fill <first_word> with")]
    [InlineData("quality_enhancement", "<input> Revised Answer:", "it lacks <output>")]
    [InlineData("quality_enhancement", "<input> <output>", "it lacks the trigger \"Revised Answer:\" or \"OUTPUT:\"")]
    public void A_template_without_what_its_method_needs_is_refused_with_all_that_is_wrong(string method, string template, string fault)
    {
        var setting = Setting.All.Single(setting => setting.ToString() == $"math/{method}");
        var error = Assert.Throws<AgoraException>(() => MetaPrompt.Parse(template, setting, MetaPromptVariant.Agorabench, "my/template.txt"));
        Assert.Contains(fault, error.What, StringComparison.Ordinal);
        Assert.Equal("my/template.txt", error.Where);
        Assert.Equal(2, error.ExitCode);
    }

    [Fact]
    public void A_template_may_show_any_number_of_demonstrations()
    {
        Assert.Equal(1, Parse(InstanceGeneration, "<input1> <output1> OUTPUT:").Demonstrations);
        Assert.Equal(12, Parse(InstanceGeneration, string.Concat(Enumerable.Range(1, 12).Select(n => $"<input{n}> <output{n}> ")) + "OUTPUT:").Demonstrations);
    }

    [Fact]
    public void The_content_hash_changes_with_the_themes()
    {
        var metaPrompt = Parse(InstanceGeneration, "<input1> <output1> <input_theme> OUTPUT:");
        Assert.NotEqual((metaPrompt with { Themes = ["a"] }).ContentHash(), (metaPrompt with { Themes = ["b"] }).ContentHash());
    }

    private static MetaPrompt Parse(Setting setting, string template) => MetaPrompt.Parse(template, setting, MetaPromptVariant.Agorabench, "template.txt");
}
