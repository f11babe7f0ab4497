using System.Collections.Immutable;

namespace Agora.Experiments;

/// <summary>Several meta-prompts in one experiment. Once it is read, each generator stands there once for each of them, as a generator of its own: the first under its own name, the others as <c>NAME+VARIANT</c>.</summary>
/// <remarks>The first keeps its name so that data which were written without the axis are found again, and not paid for twice.</remarks>
public static class MetaPromptAxis
{
    public static string NameOf(string generator, MetaPromptVariant variant) => $"{generator}+{variant.Name()}";

    /// <summary>The experiment without <see cref="Experiment.MetaPrompts"/> and with what they stand for.</summary>
    public static Experiment SpelledOut(Experiment experiment) => experiment.MetaPrompts.IsEmpty ? experiment : Over(experiment, experiment.MetaPrompts);

    /// <summary>The experiment's generators, each asked with every one of the variants.</summary>
    public static Experiment Over(Experiment experiment, ImmutableArray<MetaPromptVariant> variants) => experiment with
    {
        MetaPrompts = [],
        Generation = experiment.Generation with { MetaPrompt = variants[0] },
        Generators = [.. experiment.Generators.SelectMany(name => variants.Select((variant, place) => place == 0 ? name : NameOf(name, variant)))],
        Models = experiment.Models.SetItems(
            from name in experiment.Generators
            from variant in variants.Skip(1)
            select KeyValuePair.Create(NameOf(name, variant), experiment.Models[name] with { MetaPrompt = variant })),
    };

    /// <summary>How a generator of the experiment is asked.</summary>
    public static MetaPromptVariant MetaPromptOf(this Experiment experiment, string generator) =>
        experiment.Models.TryGetValue(generator, out var model) && model.MetaPrompt is { } own ? own : experiment.Generation.MetaPrompt;

    /// <summary>The first of the experiment's generators that is the same model, asked in the same way but for the meta-prompt; the generator itself where there is none before it.</summary>
    public static string GeneratorBehind(this Experiment experiment, string generator)
    {
        if (!experiment.Generators.Contains(generator))
            return generator;
        var own = experiment.Models[generator] with { MetaPrompt = null };
        var first = experiment.Generators.First(other => experiment.Models[other] with { MetaPrompt = null } == own);
        return experiment.MetaPromptOf(first) == experiment.MetaPromptOf(generator) ? generator : first;
    }
}
