using System.Collections.Immutable;
using Agora.DataGeneration.Methods;
using Agora.Experiments;
using Agora.SeedData;

namespace Agora.DataGeneration;

/// <summary>One way to make data: what is asked, and how the answers are read. A further method is one more class, made known by <see cref="GenerationMethods.Add"/>.</summary>
/// <remarks>
/// A try of a place begins with <see cref="Ask"/>. Each time its request was answered, <see cref="Read"/> is given all answers of the try and makes an instance of them, turns the try away, or
/// says what to ask next. Nothing may be kept between calls: the same sources and answers must give the same result, or a resume would not continue what was begun.
/// </remarks>
public interface IGenerationMethod
{
    GenerationMethod Method { get; }

    /// <summary>Whether seeds need a response, or their instruction will do.</summary>
    bool NeedsSeedResponses { get; }

    /// <summary>True: each place of the plan works on a seed of its own. False: seeds are shown as demonstrations, or none are needed, and instances of earlier rounds may be shown.</summary>
    bool OneSeedPerPlace { get; }

    /// <summary>Whether the generator writes the instruction, or it is the seed's own.</summary>
    bool WritesInstructions => true;

    /// <summary>Whether a try sends one prompt several times, so that it is worth an endpoint's prompt cache.</summary>
    bool RepeatsPrompt => false;

    /// <summary>Whose template stands in where a folder of prompts has none for this method.</summary>
    GenerationMethod TemplateOf => Method;

    /// <summary>What a template of this method shows.</summary>
    TemplateRule Template { get; }

    /// <summary>The form in which the template asks for the answer; null where it names no trigger that would separate instruction and response.</summary>
    CompletionFormat? Format(MetaPromptVariant variant, string wording, JsonReading json);

    /// <summary>For an error: what a template without form lacks.</summary>
    string TriggerWanted => "the trigger \"OUTPUT:\"";

    /// <summary>Requests of one try in which all goes well, for estimates.</summary>
    MethodRequests RequestsPerTry(GenerationSpec spec) => new(Generator: 1, Judge: 0);

    /// <summary>The first request of one try.</summary>
    PromptDraft Ask(PromptSources sources);

    /// <param name="completions">The answers so far, in the order of asking; at least one.</param>
    CompletionReading Read(PromptSources sources, PromptDraft draft, IReadOnlyList<string> completions);
}

/// <param name="Needed">Placeholders without which the method has no use for a template.</param>
/// <param name="Demonstrations">Whether <c>&lt;input1&gt; &lt;output1&gt; …</c> may stand, as many as the template shows.</param>
/// <param name="Optional">Further placeholders that may stand.</param>
public sealed record TemplateRule(ImmutableArray<string> Needed, bool Demonstrations = false, params ImmutableArray<string> Optional);

/// <summary>How many requests go to whom.</summary>
public readonly record struct MethodRequests(int Generator, int Judge);

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
    public required GenerationSpec Spec { get; init; }
    public required int Place { get; init; }
    /// <summary>From 1, over all rounds of the place.</summary>
    public required int Try { get; init; }

    /// <summary>The random stream of this try for the use, which no other setting, place or try shares.</summary>
    public RandomStream Stream(string use) => Random.For($"{use} {MetaPrompt.Setting}", Place, Try);

    /// <returns>An entry of the list; null where the template does not show its placeholder.</returns>
    public string? Draw(ImmutableArray<string> entries, string use) => entries.IsEmpty ? null : Stream(use).Pick(entries);
}

/// <summary>The first request of a try, and where it came from.</summary>
/// <param name="Content">What fills the meta-prompt.</param>
/// <param name="Demonstrations">Of the demonstrations, in prompt order: seed ids, or <c>generated:12</c>.</param>
public sealed record PromptDraft(PromptContent Content, ImmutableArray<string> Demonstrations, SeedId? Seed)
{
    /// <summary>What is asked in place of the filled meta-prompt; null where that is asked.</summary>
    public MethodRequest? Request { get; init; }
}

/// <summary>One request of a try.</summary>
/// <param name="Use">Names the random stream that the request's sampling seed comes from; different in each request of a try.</param>
/// <param name="Prompt">The user's message; empty where the model is to write it.</param>
public sealed record MethodRequest(string Use, string Prompt)
{
    /// <summary>Null: the experiment's; empty: none.</summary>
    public string? SystemMessage { get; init; }
    /// <summary>The model is shown its bare chat template and writes what a user would say.</summary>
    public bool AsUser { get; init; }
    /// <summary>The judge is asked in place of the generator, at temperature 0.</summary>
    public bool ToJudge { get; init; }
    /// <summary>The reward model is asked about the pair in place of anybody being asked in words; its answer is one number in the invariant culture. Null: no.</summary>
    public InstructionResponse? Rated { get; init; }
}

/// <summary>The methods that an experiment can name.</summary>
public static class GenerationMethods
{
    private static readonly Lock Adding = new();
    private static ImmutableArray<IGenerationMethod> all =
    [
        new InstanceGeneration(), new ResponseGeneration(), new QualityEnhancement(), new EvolInstruct(), new PersonaDriven(), new SelfSynthesis(), new BackTranslation(), new BestOfN(),
    ];

    /// <exception cref="AgoraException">The name is known, and no class was added for it.</exception>
    public static IGenerationMethod For(GenerationMethod method) => all.FirstOrDefault(candidate => candidate.Method == method)
        ?? throw new AgoraException($"no class does the method {method.Name()}", "GenerationMethods", "add it before the experiment is read") { ExitCode = 2 };

    /// <summary>Makes a method of the user's own known to experiments. Its name is known as soon as its <see cref="IGenerationMethod.Method"/> was.</summary>
    public static void Add(IGenerationMethod method)
    {
        lock (Adding)
        {
            if (all.Any(known => known.Method == method.Method))
                throw new ArgumentException($"there is a method {method.Method.Name()} already", nameof(method));
            all = all.Add(method);
        }
    }
}
