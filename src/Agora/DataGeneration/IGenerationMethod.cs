using System.Collections.Immutable;
using Agora.Experiments;
using Agora.SeedData;

namespace Agora.DataGeneration;

/// <summary>One way to make data: what is shown to the generator, and how its answer is read. A further method is one more class.</summary>
public interface IGenerationMethod
{
    GenerationMethod Method { get; }

    /// <summary>Whether seeds need a response, or their instruction will do.</summary>
    bool NeedsSeedResponses { get; }

    /// <summary>True: each place of the plan works on a seed of its own. False: seeds are shown as demonstrations, and so are instances of earlier rounds.</summary>
    bool OneSeedPerPlace { get; }

    /// <summary>Whether the generator writes the instruction, or it is the seed's own.</summary>
    bool WritesInstructions => true;

    /// <summary>The prompt of one try; the same sources give the same prompt.</summary>
    PromptDraft Ask(PromptSources sources);

    CompletionReading Read(MetaPrompt metaPrompt, PromptDraft draft, string completion);
}

/// <summary>What a method may draw a prompt from.</summary>
public sealed record PromptSources
{
    public required MetaPrompt MetaPrompt { get; init; }
    public required SeedSet Seeds { get; init; }
    /// <summary>Instances of complete earlier rounds, by round and place.</summary>
    public required IReadOnlyList<SyntheticInstance> Generated { get; init; }
    /// <summary>The seed of this place, where the method has one per place.</summary>
    public required SeedInstance? Seed { get; init; }
    public required RandomStreams Random { get; init; }
    public required int Place { get; init; }
    /// <summary>From 1, over all rounds of the place.</summary>
    public required int Try { get; init; }

    /// <summary>The random stream of this try for the use, which no other setting, place or try shares.</summary>
    public RandomStream Stream(string use) => Random.For($"{use} {MetaPrompt.Setting}", Place, Try);
}

/// <summary>What fills a meta-prompt, and where it came from.</summary>
/// <param name="Demonstrations">Of the demonstrations, in prompt order: seed ids, or <c>generated:12</c>.</param>
public sealed record PromptDraft(PromptContent Content, ImmutableArray<string> Demonstrations, SeedId? Seed);

/// <summary>The methods that an experiment can name.</summary>
public static class GenerationMethods
{
    public static IGenerationMethod For(GenerationMethod method) => All.First(candidate => candidate.Method == method);

    private static readonly ImmutableArray<IGenerationMethod> All = [new InstanceGeneration(), new ResponseGeneration(), new QualityEnhancement()];
}
