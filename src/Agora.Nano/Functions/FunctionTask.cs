using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Agora.Nano.Exercises;

namespace Agora.Nano.Functions;

/// <summary>Write a Python function that does one to three small things in order and returns what is asked for.</summary>
/// <param name="steps">The lines; the last one is what is returned.</param>
/// <param name="examples">Inputs and what the reference semantics makes of them.</param>
internal sealed class FunctionTask(
    FunctionInput input, string name, string instruction, string vagueInstruction,
    ImmutableArray<FunctionStep> steps, ImmutableArray<(object Input, object Output)> examples) : Exercise
{
    public override string Structure { get; } = $"code:{input}:{string.Join(',', steps.Select(s => s.Key))}";

    public override string Theme => ThemeOf(input);

    public override string Instruction => instruction;

    public override string Response => Fenced(Body(step => step.Expression));

    /// <summary>All in one expression.</summary>
    public override string TerseResponse
    {
        get
        {
            var expression = Variable(input);
            foreach (var step in steps)
            {
                // Text and number expressions join with operators, so what is nested needs brackets where it is more than a name.
                var inner = input == FunctionInput.List || expression.Length == 1 ? expression : $"({expression})";
                expression = Fill(step.Expression, inner);
            }
            return Fenced($"def {name}({Variable(input)}):\n    return {expression}");
        }
    }

    public ImmutableArray<string> Asserts =>
        [.. examples.Select(example => $"assert {name}({Literal(example.Input)}) == {Literal(example.Output)}")];

    public override string WrongResponse(RandomStream random)
    {
        // Not every mistake shows: what lies further on may undo it. One that shows is looked for from a random line on.
        var first = random.Next(steps.Length);
        for (var i = 0; i < steps.Length; i++)
        {
            var wrong = steps[(first + i) % steps.Length];
            if (examples.Any(example => !Equals(Run(example.Input, wrong), Literal(example.Output))))
                return Fenced(Body(step => ReferenceEquals(step, wrong) ? step.Mistake.Expression : step.Expression));
        }
        return Fenced($"def {name}({Variable(input)}):\n    return None");
    }

    public override FlawedPair Flawed(RandomStream random) => random.Next(5) switch
    {
        0 or 1 => new(instruction, WrongResponse(random), Flaw.WrongAnswer),
        2 => new(instruction, Body(step => step.Expression), Flaw.NoFence),
        3 => new(instruction, Response.Replace("    return ", "    ", StringComparison.Ordinal), Flaw.NoReturn),
        _ => new(vagueInstruction, Response, Flaw.VagueInstruction),
    };

    public override JsonObject BenchmarkRow(string id) =>
        new() { ["id"] = id, ["prompt"] = instruction, ["entry_point"] = name, ["tests"] = string.Join('\n', Asserts) };

    /// <summary>The function as it would stand in a source file: with a comment on each line, or with all it does told above it.</summary>
    public string Source(RandomStream random)
    {
        if (random.Chance(0.7))
            return $"# {name}: {string.Join(' ', steps.Select(step => random.Pick(step.Phrases) + "."))}\n{Body(step => step.Expression)}";
        var text = new StringBuilder($"def {name}({Variable(input)}):\n");
        foreach (var step in steps)
            text.Append(CultureInfo.InvariantCulture, $"    # {random.Pick(step.Phrases)}\n{Line(step, step.Expression)}\n");
        return text.ToString();
    }

    public static string ThemeOf(FunctionInput input) => input switch
    {
        FunctionInput.List => "lists",
        FunctionInput.Number => "numbers",
        _ => "texts",
    };

    public static string Variable(FunctionInput input) => input switch
    {
        FunctionInput.List => "xs",
        FunctionInput.Number => "n",
        _ => "s",
    };

    /// <summary>The value as Python writes it.</summary>
    public static string Literal(object value) => value switch
    {
        long number => number.ToString(CultureInfo.InvariantCulture),
        string text => $"\"{text}\"",
        long[] list => $"[{string.Join(", ", list)}]",
        _ => throw new InvalidOperationException($"no Python literal for {value.GetType()}"),
    };

    /// <summary>What the function gives with a mistake in one line, as a literal; null where it raises.</summary>
    private string? Run(object value, FunctionStep wrong)
    {
        object? current = value;
        foreach (var step in steps)
        {
            if (current is null)
                return null;
            current = ReferenceEquals(step, wrong) ? step.Mistake.Apply(current) : step.Apply(current);
        }
        return current is null ? null : Literal(current);
    }

    private string Body(Func<FunctionStep, string> expression) =>
        $"def {name}({Variable(input)}):\n{string.Join('\n', steps.Select(step => Line(step, expression(step))))}";

    private string Line(FunctionStep step, string expression) =>
        ReferenceEquals(step, steps[^1]) ? $"    return {Fill(expression, Variable(input))}" : $"    {Variable(input)} = {Fill(expression, Variable(input))}";

    private static string Fill(string expression, string value) => expression.Replace("{0}", value, StringComparison.Ordinal);

    private static string Fenced(string source) => $"```python\n{source}\n```";
}
