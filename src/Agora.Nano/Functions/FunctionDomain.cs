using System.Collections.Immutable;
using Agora.Nano.Exercises;

namespace Agora.Nano.Functions;

/// <summary>Code: small Python functions on lists, numbers and texts.</summary>
internal sealed class FunctionDomain : NanoDomain
{
    /// <summary>What every exercise calls its function: copying a name is another skill than the one that is measured.</summary>
    private const string AskedName = "solve";

    private static readonly ImmutableArray<string> SourceNames = ["go", "work", "make", "calc", "solve", "turn", "build", "step", "run", "change"];
    private static readonly ImmutableArray<string> Words = ["hello", "Star", "road", "Cat", "letter", "Ocean", "table", "Bread", "dot", "School", "chase", "Roles"];

    public override Domain Domain => Domain.Code;

    public override ImmutableArray<string> Themes { get; } = [.. Enum.GetValues<FunctionInput>().Select(FunctionTask.ThemeOf)];

    protected override Exercise Draw(RandomStream random, Breadth breadth, string? theme)
    {
        var input = theme is null ? (FunctionInput)random.Next(3) : Enum.GetValues<FunctionInput>().Single(i => FunctionTask.ThemeOf(i) == theme);
        while (true)
        {
            if (Task(random, breadth, input, AskedName) is { } task)
                return task;
        }
    }

    public override string RawText(RandomStream random)
    {
        while (true)
        {
            if (Task(random, Breadth.Full, (FunctionInput)random.Next(3), random.Pick(SourceNames)) is { } task && Parts.Of(task.Structure) == Part.Corpus)
                return task.Source(random);
        }
    }

    /// <returns>Null where the composition says nothing: it raises, gives the same for all inputs or hands back what it got, or one of its lines has no effect.</returns>
    private static FunctionTask? Task(RandomStream random, Breadth breadth, FunctionInput input, string name)
    {
        var count = breadth == Breadth.Narrow ? 1 : random.NextDouble() switch { < 0.25 => 1, < 0.7 => 2, _ => 3 };
        ImmutableArray<FunctionStep> steps = [.. Enumerable.Range(0, count).Select(_ => FunctionSteps.Draw(random, input)), FunctionSteps.DrawReturn(random, input)];
        if (steps.Select(s => s.Key).Distinct().Count() < steps.Length)
            return null;
        var examples = new List<(object Input, object Output)>();
        for (var i = 0; i < 6; i++)
        {
            var value = Input(random, input);
            if (Run(steps, value) is { } output)
                examples.Add((value, output));
        }
        var outputs = examples.Select(e => FunctionTask.Literal(e.Output)).ToArray();
        if (outputs.Length < 4 || outputs.Distinct().Count() < 3 || examples.All(e => FunctionTask.Literal(e.Input) == FunctionTask.Literal(e.Output)))
            return null;
        // Without any one of its lines the function must give something else for some example, or the line is not tested.
        for (var left = 0; left < count; left++)
        {
            var without = steps.RemoveAt(left);
            if (examples.All(e => Run(without, e.Input) is { } output && FunctionTask.Literal(output) == FunctionTask.Literal(e.Output)))
                return null;
        }

        var opening = breadth == Breadth.Narrow || random.Chance(0.5) ? "Write a function" : "Define a function";
        var takes = input switch { FunctionInput.List => "a list xs", FunctionInput.Number => "a number n", _ => "a text s" };
        var asked = string.Join(' ', steps.Select(s => (breadth == Breadth.Narrow ? s.Phrases[0] : random.Pick(s.Phrases)) + "."));
        return new FunctionTask(input, name, $"{opening} {name} that takes {takes}. {asked}", $"{opening} {name}.", steps, [.. examples.Take(4)]);
    }

    private static object? Run(ImmutableArray<FunctionStep> steps, object value)
    {
        object? current = value;
        foreach (var step in steps)
        {
            if (current is null)
                return null;
            current = step.Apply(current);
        }
        return current;
    }

    private static object Input(RandomStream random, FunctionInput input) => input switch
    {
        FunctionInput.List => Enumerable.Range(0, random.Between(3, 7)).Select(_ => (long)random.Between(0, 15)).ToArray(),
        FunctionInput.Number => (long)random.Between(0, 40),
        _ => random.Pick(Words) + (random.Chance(0.3) ? random.Pick(Words) : ""),
    };
}
