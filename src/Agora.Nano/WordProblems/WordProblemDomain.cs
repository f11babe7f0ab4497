using System.Collections.Immutable;
using System.Globalization;
using Agora.Nano.Exercises;

namespace Agora.Nano.WordProblems;

/// <summary>Math: small stories about how many things somebody has.</summary>
internal sealed class WordProblemDomain : NanoDomain
{
    /// <summary>No amount in a story goes above this, so that a model of a million parameters can learn the sums by heart.</summary>
    public const int LargestAmount = 30;

    private static readonly ImmutableArray<(string Name, string Pronoun)> People =
    [
        ("Tom", "He"), ("Ann", "She"), ("Ben", "He"), ("Mia", "She"), ("Sam", "He"), ("Eva", "She"), ("Max", "He"), ("Zoe", "She"),
        ("Leo", "He"), ("Amy", "She"), ("Jon", "He"), ("Kim", "She"), ("Ian", "He"), ("Lea", "She"), ("Bob", "He"), ("Sue", "She"),
    ];

    private static readonly ImmutableArray<string> Containers = ["bags", "boxes", "jars", "rows"];

    public override Domain Domain => Domain.Math;

    public override ImmutableArray<string> Themes { get; } =
    [
        "apples", "books", "coins", "cards", "pens", "eggs", "cups", "stamps", "shells", "stones",
        "balls", "cakes", "keys", "nuts", "hats", "pears", "toys", "rings", "bricks", "stars",
    ];

    protected override Exercise Draw(RandomStream random, Breadth breadth, string? theme) => Problem(random, breadth, theme).Problem;

    public override string RawText(RandomStream random)
    {
        if (random.Chance(0.5))
            return string.Join(' ', Enumerable.Range(0, random.Between(3, 8)).Select(_ => Sum(random)));
        while (true)
        {
            var (problem, name) = Problem(random, Breadth.Full, null);
            if (Parts.Of(problem.Structure) == Part.Corpus)
                return problem.Story(random.Chance(0.5) ? $"Now {name} has" : $"{name} has");
        }
    }

    private (WordProblem Problem, string Name) Problem(RandomStream random, Breadth breadth, string? theme)
    {
        var (name, pronoun) = random.Pick(People);
        var things = theme ?? random.Pick(Themes);
        var count = breadth == Breadth.Narrow ? 1 : random.NextDouble() switch { < 0.25 => 1, < 0.65 => 2, < 0.9 => 3, _ => 4 };
        var steps = new List<ArithmeticStep>();
        var sentences = new List<string>();
        var (start, amount) = Begin(random, breadth, name, things, steps, sentences);
        while (steps.Count < count)
        {
            var step = Step(random, breadth, amount);
            steps.Add(step);
            amount = step.Apply(amount);
            sentences.Add(Sentence(random, step, name, pronoun));
        }
        sentences.Add(random.Chance(0.5) ? $"How many {things} does {name} have now?" : $"How many {things} has {name} in the end?");
        return (new WordProblem(things, start, [.. steps], [.. sentences]), name);
    }

    private static (int Start, int Amount) Begin(
        RandomStream random, Breadth breadth, string name, string things, List<ArithmeticStep> steps, List<string> sentences)
    {
        var form = breadth == Breadth.Narrow ? 0 : random.Next(5);
        if (form == 3)
        {
            var (groups, each) = (random.Between(2, 5), random.Between(2, 5));
            steps.Add(new('*', each));
            sentences.Add(Text($"{name} has {groups} {random.Pick(Containers)} of {each} {things}."));
            return (groups, groups * each);
        }
        if (form == 4)
        {
            var (old, added) = (random.Between(2, 15), random.Between(2, 9));
            steps.Add(new('+', added));
            sentences.Add(Text($"{name} has {old} old and {added} new {things}."));
            return (old, old + added);
        }
        var start = random.Between(2, breadth == Breadth.Narrow ? 9 : 20);
        sentences.Add(Text($"{name} has {start} {things}."));
        return (start, start);
    }

    private static ArithmeticStep Step(RandomStream random, Breadth breadth, int amount)
    {
        while (true)
        {
            var step = (breadth == Breadth.Narrow ? random.Next(4) : random.Next(12)) switch
            {
                < 5 => new ArithmeticStep('+', random.Between(1, 9)),
                < 10 => new ArithmeticStep('-', random.Between(1, 9)),
                10 => new ArithmeticStep('*', 2),
                _ => new ArithmeticStep('/', 2),
            };
            var after = step.Apply(amount);
            if (after is >= 1 and <= LargestAmount && (step.Sign != '/' || amount % 2 == 0))
                return step;
        }
    }

    private static string Sentence(RandomStream random, ArithmeticStep step, string name, string pronoun)
    {
        var other = random.Pick(People).Name;
        while (other == name)
            other = random.Pick(People).Name;
        return step.Sign switch
        {
            '+' => Text(random.Next(3) switch { 0 => $"{pronoun} buys {step.Operand} more.", 1 => $"{pronoun} finds {step.Operand} more.", _ => $"{pronoun} gets {step.Operand} from {other}." }),
            '-' => Text(random.Next(3) switch { 0 => $"{pronoun} loses {step.Operand}.", 1 => $"{pronoun} sells {step.Operand}.", _ => $"{pronoun} gives {step.Operand} to {other}." }),
            '*' => random.Chance(0.5) ? "Then the number doubles." : $"{pronoun} makes it twice as many.",
            _ => random.Chance(0.5) ? $"{pronoun} gives half of them away." : $"{pronoun} loses half of them.",
        };
    }

    private static string Sum(RandomStream random)
    {
        var left = random.Between(1, 30);
        var (sign, right) = random.Next(6) switch
        {
            < 2 => ('+', random.Between(1, 9)),
            < 4 => ('-', random.Between(1, Math.Min(9, left))),
            4 when left <= 5 => ('*', random.Between(2, 5)),
            4 => ('*', left <= 15 ? 2 : 1),
            _ => ('/', left % 2 == 0 ? 2 : 1),
        };
        return Text($"{left}{sign}{right}={new ArithmeticStep(sign, right).Apply(left)}.");
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
