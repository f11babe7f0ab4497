using Agora.Experiments;

namespace Agora.DataGeneration.Methods;

/// <summary>The generator writes what a drawn person would ask, and its response (Ge et al. 2024, "Scaling Synthetic Data Creation with 1,000,000,000 Personas").</summary>
/// <remarks>Personas come from <c>personas/DOMAIN.txt</c>, one a line; any number may stand there. Demonstrations may be shown as in instance generation.</remarks>
internal sealed class PersonaDriven : IGenerationMethod
{
    public GenerationMethod Method => GenerationMethod.PersonaDriven;
    public bool NeedsSeedResponses => true;
    public bool OneSeedPerPlace => false;
    public TemplateRule Template { get; } = new(["<persona>"], Demonstrations: true, "<input_theme>", "<first_word>");

    public CompletionFormat? Format(MetaPromptVariant variant, string wording, JsonReading json) => CompletionFormat.Pair(variant, wording, json);

    public PromptDraft Ask(PromptSources sources) => InstanceGeneration.Draw(sources);

    public CompletionReading Read(PromptSources sources, PromptDraft draft, IReadOnlyList<string> completions) => sources.MetaPrompt.Completion.Read(completions[0], given: null);
}
