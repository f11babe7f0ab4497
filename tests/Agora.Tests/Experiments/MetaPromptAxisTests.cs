using Agora.Experiments;

namespace Agora.Tests.Experiments;

public sealed class MetaPromptAxisTests
{
    private const string Valid = """
        name: small
        models:
          gen: {provider: openai, model: m, endpoint: "http://127.0.0.1:8000/v1", temperature: 0.5}
          other: {provider: openai, model: n, endpoint: "http://127.0.0.1:8000/v1"}
          base: {provider: embedded, path: models/base}
          ref: {provider: embedded, path: models/ref}
        generators: [gen, other]
        metaPrompts: [agorabench, json_format]
        settings: [math/response_generation]
        students:
          - {name: s, base: base, reference: ref}
        seedData:
          math/response_generation: {file: seeds.jsonl}
        benchmarks:
          math:
            - {name: gsm8k, file: gsm8k.jsonl}

        """;

    [Fact]
    public void Every_generator_stands_once_for_each_meta_prompt_and_the_first_keeps_its_name()
    {
        var experiment = Read(Valid);
        Assert.Equal(["gen", "gen+json_format", "other", "other+json_format"], experiment.Generators);
        Assert.Equal([MetaPromptVariant.Agorabench, MetaPromptVariant.JsonFormat], experiment.Generators.Take(2).Select(experiment.MetaPromptOf));
        Assert.Equal(0.5, experiment.Models["gen+json_format"].Temperature);
        Assert.Equal(["gen", "gen", "other", "other"], experiment.Generators.Select(experiment.GeneratorBehind));
    }

    [Fact]
    public void What_a_run_keeps_of_it_is_read_as_the_same_experiment()
    {
        var experiment = Read(Valid);
        var kept = Read(ExperimentFile.Write(experiment));
        Assert.Equal(experiment.Generators, kept.Generators);
        Assert.Equal(ExperimentFile.Write(experiment), ExperimentFile.Write(kept));
    }

    [Fact]
    public void The_first_meta_prompt_is_that_of_the_generators_own_names() =>
        Assert.Equal(MetaPromptVariant.Unoptimized, Read(Valid.Replace("agorabench, json_format", "unoptimized, agorabench", StringComparison.Ordinal)) is var experiment ? experiment.MetaPromptOf("gen") : default);

    [Fact]
    public void A_model_may_have_a_meta_prompt_of_its_own_without_the_axis()
    {
        var experiment = Read(Valid.Replace("metaPrompts: [agorabench, json_format]\n", "", StringComparison.Ordinal)
            .Replace("  other: {provider: openai, model: n, endpoint: \"http://127.0.0.1:8000/v1\"}", "  other: {provider: openai, model: m, endpoint: \"http://127.0.0.1:8000/v1\", temperature: 0.5, metaPrompt: unoptimized}", StringComparison.Ordinal));
        Assert.Equal(MetaPromptVariant.Unoptimized, experiment.MetaPromptOf("other"));
        Assert.Equal("gen", experiment.GeneratorBehind("other"));
        Assert.Equal("gen", experiment.GeneratorBehind("gen"));
    }

    // Asked in the same way twice, they are two generators and no comparison of meta-prompts.
    [Fact]
    public void The_same_model_with_the_same_meta_prompt_under_two_names_is_two_generators()
    {
        var experiment = Read(Valid.Replace("metaPrompts: [agorabench, json_format]\n", "", StringComparison.Ordinal).Replace("model: n, endpoint: \"http://127.0.0.1:8000/v1\"", "model: m, endpoint: \"http://127.0.0.1:8000/v1\", temperature: 0.5", StringComparison.Ordinal));
        Assert.Equal("other", experiment.GeneratorBehind("other"));
    }

    [Theory]
    [InlineData("metaPrompts: [agorabench, json_format]", "metaPrompts: [agorabench, agorabench]", "metaPrompts must name nothing twice, got \"agorabench\" again")]
    [InlineData("metaPrompts: [agorabench, json_format]", "metaPrompts: [json]", "metaPrompts[0] must be agorabench, unoptimized or json_format, got \"json\"")]
    [InlineData("seedData:", "generation: {metaPrompt: unoptimized}\nseedData:", "generation.metaPrompt and metaPrompts both say how generators are asked: delete one of them")]
    [InlineData("temperature: 0.5", "metaPrompt: unoptimized", "models.gen.metaPrompt and metaPrompts both say how it is asked: delete one of them")]
    [InlineData("  other: {", "  gen+json_format: {provider: embedded, path: x}\n  other: {", "models.gen+json_format has the name that gen gets with the meta-prompt json_format: give it another one")]
    [InlineData("seedData:", "dataSets: [{name: gen+json_format, setting: math/response_generation, data: {file: x.jsonl}}]\nseedData:", "dataSets[0].name must differ from every generator's name, got \"gen+json_format\"")]
    public void What_contradicts_the_axis_is_a_fault(string from, string to, string expected)
    {
        var faults = new List<ExperimentFault>();
        Assert.Null(ExperimentFile.Read(Valid.Replace(from, to, StringComparison.Ordinal), "/small.yaml", [], faults));
        Assert.Contains(expected, string.Join('\n', faults), StringComparison.Ordinal);
    }

    private static Experiment Read(string text)
    {
        var faults = new List<ExperimentFault>();
        var experiment = ExperimentFile.Read(text, "/small.yaml", [], faults);
        Assert.True(experiment is not null, string.Join('\n', faults));
        return experiment;
    }
}
