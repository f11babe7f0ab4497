using Agora.Experiments;
using Agora.SeedData;

namespace Agora.DataGeneration.Methods;

/// <summary>The generator writes an instruction and its response after a few demonstrations (arXiv:2412.03679, section 2).</summary>
/// <remarks>
/// All demonstrations but one are seeds; the last one is an instance of an earlier round, or a seed too while there is none. The paper's code
/// appends what it generates to its list of seeds, so that it samples both kinds from one list; here the two stay apart.
/// </remarks>
internal sealed class InstanceGeneration : IGenerationMethod
{
    public GenerationMethod Method => GenerationMethod.InstanceGeneration;
    public bool NeedsSeedResponses => true;
    public bool OneSeedPerPlace => false;
    public TemplateRule Template { get; } = new(["<input1>", "<output1>"], Demonstrations: true, "<input_theme>", "<first_word>");

    public CompletionFormat? Format(MetaPromptVariant variant, string wording, JsonReading json) => CompletionFormat.Pair(variant, wording, json);

    public PromptDraft Ask(PromptSources sources) => Draw(sources);

    /// <summary>Demonstrations, theme and opening words of a try.</summary>
    internal static PromptDraft Draw(PromptSources sources)
    {
        var metaPrompt = sources.MetaPrompt;
        var random = sources.Stream("demonstrations");
        var fromGenerated = metaPrompt.Demonstrations > 1 && sources.Generated.Count > 0 ? 1 : 0;
        var shown = random.Sample(sources.Seeds.Instances.Count, metaPrompt.Demonstrations - fromGenerated)
            .Select(i => sources.Seeds.Instances[i])
            .Select(seed => (seed.Id.Value, Pair: new InstructionResponse(seed.Instruction, seed.Response!))).ToList();
        if (fromGenerated == 1)
        {
            var instance = random.Pick(sources.Generated);
            shown.Add(($"generated:{instance.Index}", new InstructionResponse(instance.Instruction, instance.Response)));
        }
        var order = shown.ToArray();
        random.Shuffle(order.AsSpan());
        var content = new PromptContent
        {
            Demonstrations = [.. order.Select(demonstration => demonstration.Pair)],
            Theme = sources.Draw(metaPrompt.Themes, "theme"),
            OpeningWords = sources.Draw(metaPrompt.OpeningWords, "opening words"),
            Persona = sources.Draw(metaPrompt.Personas, "persona"),
        };
        return new PromptDraft(content, [.. order.Select(demonstration => demonstration.Value)], Seed: null);
    }

    public CompletionReading Read(PromptSources sources, PromptDraft draft, IReadOnlyList<string> completions) => sources.MetaPrompt.Completion.Read(completions[0], given: null);
}
