using Agora.Experiments;

namespace Agora.DataGeneration;

/// <summary>The generator rewrites the seed's instruction and response (arXiv:2412.03679, section 2).</summary>
internal sealed class QualityEnhancement : IGenerationMethod
{
    public GenerationMethod Method => GenerationMethod.QualityEnhancement;
    public bool NeedsSeedResponses => true;
    public bool OneSeedPerPlace => true;

    public PromptDraft Ask(PromptSources sources) =>
        new(new PromptContent { Instruction = sources.Seed!.Instruction, Response = sources.Seed.Response }, [], sources.Seed.Id);

    public CompletionReading Read(MetaPrompt metaPrompt, PromptDraft draft, string completion) => metaPrompt.Completion.Read(completion, given: null);
}
