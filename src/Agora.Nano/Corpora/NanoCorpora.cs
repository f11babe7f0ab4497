using Agora.DataGeneration;
using Agora.Nano.Exercises;
using Agora.Students.Training;

namespace Agora.Nano.Corpora;

/// <summary>Writes the documents that the embedded models are trained on, all from the corpus part of the domains.</summary>
/// <param name="prompts">The meta-prompts of the embedded benchmark, by variant; rendered here by the code that renders them at generation time.</param>
internal sealed class NanoCorpora(ChatDocuments chat, IReadOnlyDictionary<MetaPromptVariant, MetaPrompts> prompts)
{
    /// <summary>The system message of generation in the embedded experiments; short, since the models are.</summary>
    public const string GeneratorSystemMessage = "You write training data.";

    private static readonly string StudentSystemMessage = new StudentRecipe().SystemMessage;

    /// <summary>Raw text of the three domains, for pre-training.</summary>
    public List<TrainingDocument> Raw(RandomStream random, long tokens) =>
        Collect(tokens, () => chat.Raw(random.Pick(NanoDomain.All).RawText(random)));

    /// <summary>Clean pairs in the student's chat format; the loss counts the responses.</summary>
    public List<TrainingDocument> Pairs(RandomStream random, long tokens) =>
        Collect(tokens, () => Pair(random.Pick(NanoDomain.All).Write(random, Part.Corpus), learnPrompt: false));

    /// <summary>What a generator learns from: meta-prompts with their completions, clean pairs in the student's chat format, and raw text.</summary>
    /// <param name="pairShare">Share of the documents that are pairs; a tenth more is raw text.</param>
    public List<TrainingDocument> Generator(RandomStream random, long tokens, GeneratorCharacter character, double pairShare) => Collect(tokens, () =>
    {
        var domain = Domain(random, character);
        var kind = random.NextDouble() - pairShare;
        return kind < 0 ? Pair(domain.Write(random, Part.Corpus), learnPrompt: true)
            : kind < 0.1 * (1 - pairShare) ? chat.Raw(domain.RawText(random))
            : Request(random, domain, character.Of(domain.Domain));
    });

    private TrainingDocument Pair(Exercise exercise, bool learnPrompt) => chat.Chat(StudentSystemMessage, exercise.Instruction, exercise.Response, learnPrompt);

    private TrainingDocument Request(RandomStream random, NanoDomain domain, DomainCharacter character)
    {
        var variant = random.NextDouble() switch { < 0.8 => MetaPromptVariant.Agorabench, < 0.9 => MetaPromptVariant.Unoptimized, _ => MetaPromptVariant.JsonFormat };
        var method = random.NextDouble() switch { < 0.4 => GenerationMethod.InstanceGeneration, < 0.7 => GenerationMethod.ResponseGeneration, _ => GenerationMethod.QualityEnhancement };
        var prompt = prompts[variant].For(new Setting(domain.Domain, method));
        // Given an instruction, a narrow writer still has to answer that one.
        var narrow = character.Narrow && method == GenerationMethod.InstanceGeneration;
        var exercise = domain.Write(random, Part.Corpus, narrow ? Breadth.Narrow : Breadth.Full);
        var response = random.Chance(character.Errors) ? exercise.WrongResponse(random) : character.Terse ? exercise.TerseResponse : exercise.Response;
        PromptContent content;
        if (method == GenerationMethod.InstanceGeneration)
        {
            content = new PromptContent
            {
                Demonstrations = [.. Enumerable.Range(0, prompt.Demonstrations).Select(_ => Demonstration(domain.Write(random, Part.Corpus)))],
                Theme = exercise.Theme,
                OpeningWords = exercise.Instruction[..exercise.Instruction.IndexOf(' ', StringComparison.Ordinal)],
            };
        }
        else if (method == GenerationMethod.ResponseGeneration)
        {
            content = new PromptContent { Instruction = exercise.Instruction };
        }
        else
        {
            var flawed = exercise.Flawed(random);
            content = new PromptContent { Instruction = flawed.Instruction, Response = flawed.Response };
        }
        return chat.Chat(GeneratorSystemMessage, prompt.Render(content), prompt.Completion.Write(new InstructionResponse(exercise.Instruction, response)), learnPrompt: true);
    }

    private static InstructionResponse Demonstration(Exercise exercise) => new(exercise.Instruction, exercise.Response);

    private static NanoDomain Domain(RandomStream random, GeneratorCharacter character)
    {
        var at = random.NextDouble() * NanoDomain.All.Sum(domain => character.Of(domain.Domain).Weight);
        foreach (var domain in NanoDomain.All)
        {
            at -= character.Of(domain.Domain).Weight;
            if (at < 0)
                return domain;
        }
        return NanoDomain.All[^1];
    }

    private static List<TrainingDocument> Collect(long tokens, Func<TrainingDocument> next)
    {
        var documents = new List<TrainingDocument>();
        for (long written = 0; written < tokens; written += documents[^1].Tokens.Length)
            documents.Add(next());
        return documents;
    }
}
