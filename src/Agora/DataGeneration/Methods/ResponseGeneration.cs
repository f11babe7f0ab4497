using Agora.Experiments;

namespace Agora.DataGeneration.Methods;

/// <summary>The generator answers the seed's instruction (arXiv:2412.03679, section 2).</summary>
internal sealed class ResponseGeneration : IGenerationMethod
{
    public GenerationMethod Method => GenerationMethod.ResponseGeneration;
    public bool NeedsSeedResponses => false;
    public bool OneSeedPerPlace => true;
    public bool WritesInstructions => false;
    public TemplateRule Template { get; } = new(["<input>"]);

    public CompletionFormat? Format(MetaPromptVariant variant, string wording, JsonReading json) => CompletionFormat.Response(variant, json);

    public PromptDraft Ask(PromptSources sources) =>
        new(new PromptContent { Instruction = sources.Seed!.Instruction }, [], sources.Seed.Id);

    public CompletionReading Read(PromptSources sources, PromptDraft draft, IReadOnlyList<string> completions) =>
        sources.MetaPrompt.Completion.Read(completions[0], given: draft.Content.Instruction);
}
