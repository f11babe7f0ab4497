using Agora.Experiments;

namespace Agora.DataGeneration.Methods;

/// <summary>The generator is shown nothing but its own chat template up to where a user's words begin, writes them, and then answers them (Xu et al. 2024, Magpie).</summary>
/// <remarks>No seed is needed. The answer is asked for with the template of response generation, so that it has the form that the domain's checks want.</remarks>
internal sealed class SelfSynthesis : IGenerationMethod
{
    public GenerationMethod Method => GenerationMethod.SelfSynthesis;
    public bool NeedsSeedResponses => false;
    public bool OneSeedPerPlace => false;
    public GenerationMethod TemplateOf => GenerationMethod.ResponseGeneration;
    public TemplateRule Template { get; } = new(["<input>"]);

    public CompletionFormat? Format(MetaPromptVariant variant, string wording, JsonReading json) => CompletionFormat.Response(variant, json);

    public MethodRequests RequestsPerTry(GenerationSpec spec) => new(Generator: 2, Judge: 0);

    public PromptDraft Ask(PromptSources sources) => new(new PromptContent(), [], Seed: null) { Request = new MethodRequest("instruction", "") { AsUser = true } };

    public CompletionReading Read(PromptSources sources, PromptDraft draft, IReadOnlyList<string> completions)
    {
        var instruction = completions[0].Trim();
        return completions.Count > 1 ? sources.MetaPrompt.Completion.Read(completions[1], given: instruction)
            : instruction.Length == 0 ? new CompletionReading.Unreadable(RejectReason.InstructionEmpty, "the model wrote nothing for the user")
            : new CompletionReading.AskNext(new MethodRequest("sampling", sources.MetaPrompt.Render(new PromptContent { Instruction = instruction })));
    }
}
