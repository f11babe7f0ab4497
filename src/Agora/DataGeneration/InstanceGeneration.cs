using Agora.Experiments;
using Agora.SeedData;

namespace Agora.DataGeneration;

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

    public PromptDraft Ask(PromptSources sources)
    {
        var metaPrompt = sources.MetaPrompt;
        var random = sources.Stream("demonstrations");
        var fromGenerated = metaPrompt.Demonstrations > 1 && sources.Generated.Count > 0 ? 1 : 0;
        var shown = random.Sample(sources.Seeds.Instances.Length, metaPrompt.Demonstrations - fromGenerated)
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
            Theme = metaPrompt.Themes is { Length: > 0 } themes ? sources.Stream("theme").Pick(themes) : null,
            OpeningWords = metaPrompt.OpeningWords is { Length: > 0 } words ? sources.Stream("opening words").Pick(words) : null,
        };
        return new PromptDraft(content, [.. order.Select(demonstration => demonstration.Value)], Seed: null);
    }

    public CompletionReading Read(MetaPrompt metaPrompt, PromptDraft draft, string completion) => metaPrompt.Completion.Read(completion, given: null);
}
