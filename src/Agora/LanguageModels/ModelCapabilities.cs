using System.Collections.Immutable;
using Agora.Experiments;

namespace Agora.LanguageModels;

/// <summary>Something that a request may need of a model.</summary>
[Flags]
public enum ModelCapabilities
{
    None = 0,
    LogProbabilities = 1,
    Seed = 2,
    SystemMessage = 4,
    StopSequences = 8,
    StructuredOutput = 16,
    PromptCaching = 32,
    PlainPrompt = 64,
    /// <summary>All of the above.</summary>
    All = 127,
    /// <summary>Many requests handed over together, answered within a day at a lower price.</summary>
    Batch = 128,
    /// <summary>Log-probabilities of the prompt's tokens.</summary>
    PromptLogProbabilities = 256,
}

/// <summary>What each provider can do unless the experiment says otherwise.</summary>
public static class ProviderCapabilities
{
    // An OpenAI-compatible server may lack any of them; which, the experiment knows.
    private static readonly ImmutableDictionary<string, ModelCapabilities> Usual = new Dictionary<string, ModelCapabilities>
    {
        [ModelSpec.Embedded] = ModelCapabilities.All & ~ModelCapabilities.StructuredOutput,
        [ModelSpec.OpenAI] = ModelCapabilities.All | ModelCapabilities.PromptLogProbabilities,
        [ModelSpec.Azure] = ModelCapabilities.All & ~ModelCapabilities.PlainPrompt,
        // docs.anthropic.com/en/api/messages: no seed, no log-probabilities, no completion of plain prompts.
        [ModelSpec.Anthropic] = ModelCapabilities.SystemMessage | ModelCapabilities.StopSequences | ModelCapabilities.StructuredOutput | ModelCapabilities.PromptCaching,
    }.ToImmutableDictionary();

    public static ModelCapabilities Of(ModelSpec model)
    {
        var capabilities = Usual.GetValueOrDefault(model.Provider);
        if (model.Provider == ModelSpec.Anthropic || (model.Provider == ModelSpec.OpenAI && IsOpenAIsOwn(model)))
            capabilities |= ModelCapabilities.Batch;
        foreach (var (capability, given) in Given(model.Capabilities))
            capabilities = given switch { true => capabilities | capability, false => capabilities & ~capability, null => capabilities };
        return capabilities;
    }

    /// <summary>Whether requests to the model carry a sampling seed.</summary>
    public static bool TakesSeed(ModelSpec model) => Of(model).HasFlag(ModelCapabilities.Seed);

    /// <returns>In the words of the experiment file; empty where nothing is missing.</returns>
    public static ImmutableArray<string> Missing(ModelSpec model, ModelCapabilities needed) =>
        [.. Given(new CapabilitySpec()).Select(known => known.Capability).Where(one => needed.HasFlag(one) && !Of(model).HasFlag(one)).Select(Name)];

    // Servers that speak OpenAI's chat protocol seldom have its batches.
    private static bool IsOpenAIsOwn(ModelSpec model) =>
        Uri.TryCreate(model.Endpoint, UriKind.Absolute, out var address) && address.Host.Equals("api.openai.com", StringComparison.OrdinalIgnoreCase);

    private static string Name(ModelCapabilities capability) => char.ToLowerInvariant(capability.ToString()[0]) + capability.ToString()[1..];

    private static IEnumerable<(ModelCapabilities Capability, bool? Given)> Given(CapabilitySpec? spec) =>
    [
        (ModelCapabilities.LogProbabilities, spec?.LogProbabilities),
        (ModelCapabilities.Seed, spec?.Seed),
        (ModelCapabilities.SystemMessage, spec?.SystemMessage),
        (ModelCapabilities.StopSequences, spec?.StopSequences),
        (ModelCapabilities.StructuredOutput, spec?.StructuredOutput),
        (ModelCapabilities.PromptCaching, spec?.PromptCaching),
        (ModelCapabilities.PlainPrompt, spec?.PlainPrompt),
        (ModelCapabilities.Batch, spec?.Batch),
        (ModelCapabilities.PromptLogProbabilities, spec?.PromptLogProbabilities),
    ];
}
