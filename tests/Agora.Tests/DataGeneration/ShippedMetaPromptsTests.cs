using Agora.DataGeneration;
using Agora.Experiments;
using Agora.SeedData;
using Agora.Tests.Runs;

namespace Agora.Tests.DataGeneration;

public sealed class ShippedMetaPromptsTests
{
    private static readonly string Prompts = Path.Combine(Fixtures.Checkout, "prompts");

    public static TheoryData<MetaPromptVariant> Variants => [.. Enum.GetValues<MetaPromptVariant>()];

    [Theory]
    [MemberData(nameof(Variants))]
    public void Every_variant_has_a_meta_prompt_for_each_of_the_nine_settings(MetaPromptVariant variant) =>
        Assert.Empty(Setting.All.Except(MetaPrompts.Load(Prompts, variant).Settings));

    [Fact]
    public void Every_method_that_is_shipped_has_a_meta_prompt_for_each_domain()
    {
        var prompts = MetaPrompts.Load(Prompts, MetaPromptVariant.Agorabench);
        Assert.All(Setting.Of(GenerationMethod.Shipped), setting => Assert.Equal(setting, prompts.For(setting).Setting));
    }

    [Theory]
    [InlineData("personas")]
    [InlineData("evolutions")]
    public void Lists_of_further_methods_name_nothing_twice(string list) => Assert.All(Enum.GetValues<Domain>(), domain =>
    {
        var lines = File.ReadAllLines(Path.Combine(Prompts, list, domain.Name() + ".txt"));
        Assert.Equal(lines.Length, lines.Distinct().Count());
        Assert.True(lines.Length >= 10);
    });

    [Theory]
    [InlineData("math", 36)]
    [InlineData("code", 14)]
    [InlineData("instruction_following", 28)]
    public void There_are_as_many_themes_as_in_the_paper_and_none_twice(string domain, int count)
    {
        var themes = MetaPrompts.Load(Prompts, MetaPromptVariant.Agorabench).For(Setting.All.Single(setting => setting.ToString() == $"{domain}/instance_generation")).Themes;
        Assert.Equal(count, themes.Length);
        Assert.Equal(count, themes.Distinct().Count());
    }

    [Fact]
    public void Instruction_following_draws_on_130_opening_words() =>
        Assert.Equal(130, MetaPrompts.Load(Prompts, MetaPromptVariant.Agorabench).For(new Setting(Domain.InstructionFollowing, GenerationMethod.InstanceGeneration)).OpeningWords.Distinct().Count());

    // What a generator reads, word for word. To accept a change: delete the file, run the test twice, review the difference.
    [Theory]
    [MemberData(nameof(Variants))]
    public void A_rendered_prompt_is_what_was_reviewed(MetaPromptVariant variant)
    {
        var written = new List<string>();
        foreach (var setting in Setting.All.Concat(variant == MetaPromptVariant.Agorabench ? Setting.Of(GenerationMethod.Shipped).Where(setting => setting.Method > GenerationMethod.QualityEnhancement) : []))
        {
            var golden = Path.Combine(Fixtures.Checkout, "tests", "Agora.Tests", "DataGeneration", "Golden", variant.Name(), $"{setting.Domain.Name()}.{setting.Method.Name()}.txt");
            var rendered = Rendered(MetaPrompts.Load(Prompts, variant).For(setting)) + "\n";
            if (!File.Exists(golden))
            {
                Directory.CreateDirectory(Path.GetDirectoryName(golden)!);
                File.WriteAllText(golden, rendered);
                written.Add(golden);
            }
            Assert.Equal(File.ReadAllText(golden), rendered);
        }
        Assert.True(written.Count == 0, $"these were missing and are written now, review and commit them: {string.Join(", ", written)}");
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Published_seeds_are_rendered_in_every_setting(MetaPromptVariant variant)
    {
        var metaPrompts = MetaPrompts.Load(Prompts, variant);
        foreach (var file in Directory.EnumerateFiles(Fixtures.Part("seeds"), "*.json"))
        {
            var seeds = SeedSet.Load(new DataSource { File = file }, requireResponse: true);
            foreach (var setting in Setting.All)
            {
                var metaPrompt = metaPrompts.For(setting);
                for (var place = 0; place < seeds.Instances.Count; place++)
                {
                    var draft = GenerationMethods.For(setting.Method).Ask(new PromptSources
                    {
                        MetaPrompt = metaPrompt,
                        Seeds = seeds,
                        Generated = [],
                        Seed = seeds.Instances[place],
                        Random = new RandomStreams(7),
                        Spec = new GenerationSpec(),
                        Place = place,
                        Try = 1,
                    });
                    var prompt = metaPrompt.Render(draft.Content);
                    if (variant != MetaPromptVariant.JsonFormat)
                        Assert.All(draft.Content.Demonstrations, shown => Assert.Contains(shown.Response, prompt, StringComparison.Ordinal));
                    Assert.DoesNotContain("<input_theme>", prompt, StringComparison.Ordinal);
                }
            }
        }
    }

    [Fact]
    public void A_folder_without_the_variant_is_refused()
    {
        using var folder = new TemporaryFolder();
        var fault = Assert.Throws<AgoraException>(() => MetaPrompts.Load(folder.Path, MetaPromptVariant.Unoptimized));
        Assert.Equal(folder["unoptimized"], fault.Where);
    }

    [Fact]
    public void A_folder_may_hold_some_settings_only_and_the_others_are_refused_when_asked_for()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["agorabench/math"]);
        File.WriteAllText(folder["agorabench/math/response_generation.txt"], "<input>");
        var metaPrompts = MetaPrompts.Load(folder.Path, MetaPromptVariant.Agorabench);
        Assert.Single(metaPrompts.Settings);
        Assert.Contains("code/response_generation", Assert.Throws<AgoraException>(() => metaPrompts.For(new Setting(Domain.Code, GenerationMethod.ResponseGeneration))).What, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "its list is missing")]
    [InlineData("\n \n", "its list is empty")]
    public void A_template_that_shows_a_theme_needs_themes(string? themes, string what)
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["agorabench/math"]);
        Directory.CreateDirectory(folder["themes"]);
        File.WriteAllText(folder["agorabench/math/instance_generation.txt"], "<input1> <output1> <input_theme> OUTPUT:");
        if (themes is not null) File.WriteAllText(folder["themes/math.txt"], themes);
        Assert.Contains(what, Assert.Throws<AgoraException>(() => MetaPrompts.Load(folder.Path, MetaPromptVariant.Agorabench)).What, StringComparison.Ordinal);
    }

    private static string Rendered(MetaPrompt metaPrompt) => metaPrompt.Render(new PromptContent
    {
        Demonstrations = metaPrompt.Demonstrations == 0 ? [] : [new("What is 1 + 1?", "Two.\n[RESULT] 2 [/RESULT]"), new("Say \"hi\".", "hi"), new("Name a backslash.", "\\")],
        Instruction = "How many legs\nhave two cats?",
        Response = "8 \"legs\"",
        Theme = metaPrompt.Themes.FirstOrDefault(),
        OpeningWords = metaPrompt.OpeningWords.FirstOrDefault(),
        Persona = metaPrompt.Personas.FirstOrDefault(),
        Evolution = metaPrompt.Evolutions.FirstOrDefault(),
    });
}
