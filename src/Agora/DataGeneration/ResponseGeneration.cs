using Agora.Experiments;

namespace Agora.DataGeneration;

/// <summary>The generator answers the seed's instruction (arXiv:2412.03679, section 2).</summary>
internal sealed class ResponseGeneration : IGenerationMethod
{
    public GenerationMethod Method => GenerationMethod.ResponseGeneration;
    public bool NeedsSeedResponses => false;
    public bool OneSeedPerPlace => true;
    public bool WritesInstructions => false;

    public PromptDraft Ask(PromptSources sources) =>
        new(new PromptContent { Instruction = sources.Seed!.Instruction }, [], sources.Seed.Id);

    public CompletionReading Read(MetaPrompt metaPrompt, PromptDraft draft, string completion) =>
        metaPrompt.Completion.Read(completion, given: draft.Content.Instruction);
}
