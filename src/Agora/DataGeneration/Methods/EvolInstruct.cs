using Agora.Experiments;

namespace Agora.DataGeneration.Methods;

/// <summary>The generator makes a harder or a more unusual instruction of the seed's, and answers it (Xu et al. 2023, WizardLM).</summary>
/// <remarks>
/// How is drawn for each try from the list <c>evolutions/DOMAIN.txt</c>: some entries go deeper, others broader. WizardLM asks for the response in a request of its own; here both are written at once, so that
/// the method costs what quality enhancement does and PGRs of the two can be compared at equal cost.
/// </remarks>
internal sealed class EvolInstruct : IGenerationMethod
{
    public GenerationMethod Method => GenerationMethod.EvolInstruct;
    public bool NeedsSeedResponses => false;
    public bool OneSeedPerPlace => true;
    public TemplateRule Template { get; } = new(["<input>", "<evolution>"]);
    public string TriggerWanted => CompletionFormat.RevisionTriggers;

    public CompletionFormat? Format(MetaPromptVariant variant, string wording, JsonReading json) => CompletionFormat.Revision(variant, wording, json);

    public PromptDraft Ask(PromptSources sources) => new(new PromptContent
    {
        Instruction = sources.Seed!.Instruction,
        Evolution = sources.Draw(sources.MetaPrompt.Evolutions, "evolution"),
    }, [], sources.Seed.Id);

    public CompletionReading Read(PromptSources sources, PromptDraft draft, IReadOnlyList<string> completions)
    {
        var reading = sources.MetaPrompt.Completion.Read(completions[0], given: null);
        // An evolution that changed nothing is WizardLM's first case of a failed one.
        return reading is CompletionReading.Pair(var pair) && pair.Instruction == draft.Content.Instruction
            ? new CompletionReading.Unreadable(RejectReason.InstructionUnchanged, "the instruction is the seed's")
            : reading;
    }
}
