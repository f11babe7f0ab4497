using Agora.Experiments;

namespace Agora.DataGeneration.Methods;

/// <summary>The generator writes the instruction to which the seed's response is the answer (Li et al. 2023, "Self-Alignment with Instruction Backtranslation").</summary>
/// <remarks>The instance keeps the seed's response as it is. Any good text serves as one, such as passages of books: map its column as the response.</remarks>
internal sealed class BackTranslation : IGenerationMethod
{
    public GenerationMethod Method => GenerationMethod.BackTranslation;
    public bool NeedsSeedResponses => true;
    public bool OneSeedPerPlace => true;
    public TemplateRule Template { get; } = new(["<output>"]);

    public CompletionFormat? Format(MetaPromptVariant variant, string wording, JsonReading json) => CompletionFormat.Instruction(variant, json);

    public PromptDraft Ask(PromptSources sources) => new(new PromptContent { Response = sources.Seed!.Response }, [], sources.Seed.Id);

    public CompletionReading Read(PromptSources sources, PromptDraft draft, IReadOnlyList<string> completions) =>
        sources.MetaPrompt.Completion.Read(completions[0], given: draft.Content.Response);
}
