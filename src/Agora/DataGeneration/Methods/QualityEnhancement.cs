using Agora.Experiments;

namespace Agora.DataGeneration.Methods;

/// <summary>The generator rewrites the seed's instruction and response (arXiv:2412.03679, section 2).</summary>
internal sealed class QualityEnhancement : IGenerationMethod
{
    public GenerationMethod Method => GenerationMethod.QualityEnhancement;
    public bool NeedsSeedResponses => true;
    public bool OneSeedPerPlace => true;
    public TemplateRule Template { get; } = new(["<input>", "<output>"]);
    public string TriggerWanted => CompletionFormat.RevisionTriggers;

    public CompletionFormat? Format(MetaPromptVariant variant, string wording, JsonReading json) => CompletionFormat.Revision(variant, wording, json);

    public PromptDraft Ask(PromptSources sources) =>
        new(new PromptContent { Instruction = sources.Seed!.Instruction, Response = sources.Seed.Response }, [], sources.Seed.Id);

    public CompletionReading Read(PromptSources sources, PromptDraft draft, IReadOnlyList<string> completions) => sources.MetaPrompt.Completion.Read(completions[0], given: null);
}
