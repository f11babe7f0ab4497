using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Agora.Nano.Exercises;

namespace Agora.Nano.Texts;

/// <summary>Write a short text that a word must occur in, under up to two further constraints.</summary>
/// <param name="constraints">The first one asks for the theme.</param>
/// <param name="vagueInstruction">The instruction without its constraints.</param>
/// <param name="unconstrained">Texts written without regard to the constraints, now and then about another theme, for the answers that break them.</param>
internal sealed class TextTask(
    string theme, string opening, ImmutableArray<TextConstraint> constraints, string vagueInstruction, string response, Func<RandomStream, string> unconstrained) : Exercise
{
    public override string Structure { get; } = $"text:{string.Join(',', constraints.Select(c => c.Key).Order(StringComparer.Ordinal))}";

    public override string Theme => theme;

    public ImmutableArray<TextConstraint> Constraints => constraints;

    public override string Instruction => $"{opening} {string.Join(' ', constraints.Select(c => c.Phrase))}";

    public override string Response => response;

    /// <summary>The text with a note of what is particular about it, as in a collection of examples.</summary>
    public string Annotated => $"{string.Join(' ', constraints.Select(c => c.Phrase))} {response}";

    /// <summary>A text has no steps to leave out.</summary>
    public override string TerseResponse => response;

    public override string WrongResponse(RandomStream random)
    {
        while (true)
        {
            var text = unconstrained(random);
            if (!constraints.All(c => c.Holds(text)))
                return text;
        }
    }

    public override FlawedPair Flawed(RandomStream random) => random.Next(5) switch
    {
        < 3 => new(Instruction, WrongResponse(random), Flaw.BrokenConstraint),
        3 => new(Instruction, $"Here is the text: {response}", Flaw.Chatter),
        _ => new(vagueInstruction, response, Flaw.VagueInstruction),
    };

    public override JsonObject BenchmarkRow(string id) =>
        new() { ["id"] = id, ["prompt"] = Instruction, ["constraints"] = new JsonArray([.. constraints.Select(c => (JsonNode)c.ToJson())]) };
}
